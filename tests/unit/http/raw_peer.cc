#include "unit/http/raw_peer.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace mito::http::testing {

std::string RawResponse::header(std::string_view name) const {
  const auto* value = headers.find(name);
  return value == nullptr ? std::string() : *value;
}

RawPeer::RawPeer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

RawPeer::RawPeer(std::uint16_t port) : RawPeer() {
  if (!connect(port)) throw std::runtime_error("cannot connect to the server under test");
}

bool RawPeer::connect(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // sockaddr_in is what the socket interface calls a sockaddr.
  return ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

RawPeer::~RawPeer() {
  close();
}

void RawPeer::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void RawPeer::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void RawPeer::shut_down_sending() {
  ::shutdown(socket_, SHUT_WR);
}

bool RawPeer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::size_t RawPeer::send_some(std::string_view bytes) {
  auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

bool RawPeer::read_more() {
  std::array<char, 64 << 10> piece;
  auto count = ::recv(socket_, piece.data(), piece.size(), 0);
  if (count <= 0) return false;
  buffer_.append(piece.data(), static_cast<std::size_t>(count));
  return true;
}

std::optional<std::string> RawPeer::read_line() {
  for (;;) {
    auto end = buffer_.find("\r\n");
    if (end != std::string::npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      return line;
    }
    if (!read_more()) return std::nullopt;
  }
}

bool RawPeer::read_chunks(std::string& body) {
  for (;;) {
    auto line = read_line();
    if (!line) return false;
    const auto size = std::strtoull(line->c_str(), nullptr, 16);
    while (buffer_.size() < size + 2)
      if (!read_more()) return false;
    body += buffer_.substr(0, size);
    buffer_.erase(0, size + 2);
    if (size == 0) return true;
  }
}

RawResponse RawPeer::receive(std::string_view method) {
  RawResponse response;
  auto line = read_line();
  if (!line || line->size() < 12) return response;
  response.status = static_cast<unsigned>(std::strtoul(line->c_str() + 9, nullptr, 10));
  for (line = read_line(); line && !line->empty(); line = read_line()) {
    auto colon = line->find(": ");
    response.headers.add(line->substr(0, colon), line->substr(colon + 2));
  }
  if (!line) return response;
  if (method == "HEAD" || response.status < 200 || response.status == 204 || response.status == 304) {
    response.whole = true;
  } else if (response.header("transfer-encoding") == "chunked") {
    response.whole = read_chunks(response.body);
  } else if (response.headers.find("content-length") != nullptr) {
    const auto length = std::strtoull(response.header("content-length").c_str(), nullptr, 10);
    while (buffer_.size() < length && read_more()) {
    }
    response.whole = buffer_.size() >= length;
    response.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
  } else {
    auto rest = receive_until_closed();
    response.whole = rest.has_value();
    response.body = rest.value_or("");
  }
  return response;
}

std::optional<std::string> RawPeer::receive_until_closed() {
  errno = 0;
  while (read_more())
    errno = 0;
  if (errno == EAGAIN) return std::nullopt;
  return std::exchange(buffer_, {});
}

bool RawPeer::is_closed() {
  return receive_until_closed() == "";
}

bool RawPeer::hears_within(std::chrono::milliseconds time) {
  if (!buffer_.empty()) return true;
  pollfd wanted{.fd = socket_, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, static_cast<int>(time.count())) > 0;
}

RawServer::RawServer(std::string answer, Then then)
    : answer_(std::move(answer)), then_(then), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

RawServer::~RawServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  for (int connection : waiting_)
    ::close(connection);
}

void RawServer::serve() {
  for (;;) {
    int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    answer_one(connection);
    ++served_;
  }
}

void RawServer::answer_one(int connection) {
  std::string head;
  std::array<char, 4096> piece;
  while (head.find("\r\n\r\n") == std::string::npos) {
    auto count = ::recv(connection, piece.data(), piece.size(), 0);
    if (count <= 0) break;
    head.append(piece.data(), static_cast<std::size_t>(count));
  }
  ::send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL);
  if (then_ == Then::kWait) {
    waiting_.push_back(connection);
    return;
  }
  if (then_ == Then::kReset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  ::close(connection);
}

}  // namespace mito::http::testing
