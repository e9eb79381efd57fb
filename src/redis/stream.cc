#include "redis/stream.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace mito::redis {

namespace {

std::string system_text(int code) {
  return std::generic_category().message(code);
}

std::string tls_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the server ended the TLS handshake; does it speak TLS at this port?";
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "TLS error" : std::string("TLS: ") + reason;
}

}  // namespace

void Stream::TlsDelete::operator()(ssl_st* tls) const {
  SSL_free(tls);
}

Stream::~Stream() {
  close();
}

void Stream::close() {
  tls_.reset();
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Result<std::unique_ptr<Stream>> Stream::open(const Address& address, const std::string& ca_file) {
  std::unique_ptr<Stream> out(new Stream(address, ca_file));
  MITO_TRY(out->look_up());
  MITO_TRY(out->connect_next());
  return out;
}

Result<void> Stream::look_up() {
  if (address_.transport == Address::Transport::kUnix) {
    sockaddr_un place{};
    place.sun_family = AF_UNIX;
    if (address_.path.size() >= sizeof place.sun_path)
      return fail(ErrorCode::kUnreachable, fmt::format("The path of the socket {} is too long", address_.path));
    std::memcpy(place.sun_path, address_.path.data(), address_.path.size());
    places_.push_back({AF_UNIX, std::string(reinterpret_cast<const char*>(&place), sizeof place)});
    return {};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(address_.host.c_str(), std::to_string(address_.port).c_str(), &hints, &found);
  if (code != 0) return fail(ErrorCode::kUnreachable, fmt::format("{}: {}", address_.describe(), ::gai_strerror(code)));
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next)
    places_.push_back(
        {entry->ai_family, std::string(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen)});
  ::freeaddrinfo(found);
  return {};
}

Result<void> Stream::connect_next() {
  while (!places_.empty()) {
    const Place place = std::move(places_.front());
    places_.erase(places_.begin());
    close();
    descriptor_ = ::socket(place.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) {
      trouble_ = system_text(errno);
      continue;
    }
    if (place.family != AF_UNIX) {
      const int on = 1;
      ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    phase_ = Phase::kConnecting;
    const auto* raw = reinterpret_cast<const sockaddr*>(place.bytes.data());
    if (::connect(descriptor_, raw, static_cast<socklen_t>(place.bytes.size())) == 0 || errno == EINPROGRESS) return {};
    trouble_ = system_text(errno);
  }
  close();
  return fail(ErrorCode::kUnreachable, fmt::format("{}: {}", address_.describe(), trouble_));
}

short Stream::events(bool more_to_write) const {
  if (phase_ == Phase::kConnecting) return POLLOUT;
  if (phase_ == Phase::kSecuring) return tls_wants_write_ ? POLLOUT : POLLIN;
  return static_cast<short>(POLLIN | (more_to_write || tls_wants_write_ ? POLLOUT : 0));
}

Result<bool> Stream::advance() {
  if (phase_ == Phase::kReady) return true;
  if (phase_ == Phase::kSecuring) return advance_tls();
  pollfd now{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  if (::poll(&now, 1, 0) <= 0) return false;
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) {
    trouble_ = system_text(error);
    MITO_TRY(connect_next());
    return false;
  }
  if (address_.transport != Address::Transport::kTls) {
    phase_ = Phase::kReady;
    return true;
  }
  MITO_TRY(begin_tls());
  return advance_tls();
}

Result<void> Stream::begin_tls() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (!context) return fail(ErrorCode::kUnreachable, tls_text());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (address_.certificates == Address::Certificates::kVerified) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const bool loaded = ca_file_.empty() ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                                         : SSL_CTX_load_verify_file(context.get(), ca_file_.c_str()) == 1;
    if (!loaded)
      return fail(ErrorCode::kUnreachable,
                  fmt::format("The certificates in {} cannot be read: {}", ca_file_, tls_text()));
  }
  tls_.reset(SSL_new(context.get()));
  if (!tls_) return fail(ErrorCode::kUnreachable, tls_text());
  X509_VERIFY_PARAM* parameters = SSL_get0_param(tls_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, address_.host.c_str()) != 1) {
    ERR_clear_error();
    SSL_set1_host(tls_.get(), address_.host.c_str());
    // What SSL_set_tlsext_host_name does, without its cast.
    std::string name = address_.host;
    SSL_ctrl(tls_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  SSL_set_fd(tls_.get(), descriptor_);
  phase_ = Phase::kSecuring;
  return {};
}

Result<bool> Stream::advance_tls() {
  ERR_clear_error();
  const int code = SSL_connect(tls_.get());
  if (code == 1) {
    tls_wants_write_ = false;
    phase_ = Phase::kReady;
    return true;
  }
  if (const long verdict = SSL_get_verify_result(tls_.get());
      verdict != X509_V_OK && address_.certificates == Address::Certificates::kVerified) {
    ERR_clear_error();
    return fail(ErrorCode::kPermissionDenied, fmt::format("{}: its certificate is not valid: {}", address_.describe(),
                                                          X509_verify_cert_error_string(verdict)));
  }
  MITO_TRY(after_tls(code));
  return false;
}

Result<void> Stream::after_tls(int code) {
  const int saved = errno;
  const int reason = SSL_get_error(tls_.get(), code);
  tls_wants_write_ = reason == SSL_ERROR_WANT_WRITE;
  if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return {};
  std::string text = reason == SSL_ERROR_SYSCALL && saved != 0 ? system_text(saved) : tls_text();
  if (reason == SSL_ERROR_ZERO_RETURN) text = "the server closed the connection";
  return fail(ErrorCode::kUnreachable, fmt::format("{}: {}", address_.describe(), text));
}

Result<std::size_t> Stream::read(char* buffer, std::size_t size) {
  if (tls_) {
    ERR_clear_error();
    std::size_t count = 0;
    const int code = SSL_read_ex(tls_.get(), buffer, size, &count);
    if (code == 1) return count;
    MITO_TRY(after_tls(code));
    return 0;
  }
  const ssize_t count = ::recv(descriptor_, buffer, size, 0);
  if (count > 0) return static_cast<std::size_t>(count);
  if (count == 0)
    return fail(ErrorCode::kUnreachable, fmt::format("{}: the server closed the connection", address_.describe()));
  if (errno == EAGAIN || errno == EINTR) return 0;
  return fail(ErrorCode::kUnreachable, fmt::format("{}: {}", address_.describe(), system_text(errno)));
}

Result<std::size_t> Stream::write(std::string_view bytes) {
  if (bytes.empty()) return 0;
  if (tls_) {
    ERR_clear_error();
    std::size_t count = 0;
    const int code = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &count);
    if (code == 1) {
      tls_wants_write_ = false;
      return count;
    }
    MITO_TRY(after_tls(code));
    return 0;
  }
  const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EINTR) return 0;
  return fail(ErrorCode::kUnreachable, fmt::format("{}: {}", address_.describe(), system_text(errno)));
}

}  // namespace mito::redis
