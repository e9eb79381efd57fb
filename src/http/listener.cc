#include "http/listener.h"

#include <algorithm>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/logging.h"

namespace mito::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr log::Source kLog{"netmito::http"};
constexpr asio::use_awaitable_t<asio::any_io_executor> kAwait{};
constexpr int kBacklog = 4096;
/// Files and sockets of everything else in the process.
constexpr std::size_t kMostReservedFiles = 512;
constexpr std::chrono::milliseconds kPauseAfterError{100};
constexpr std::chrono::milliseconds kBetweenDisplacements{250};
constexpr std::size_t kDisplacedTogether = 64;

/// Raises the limit of open files to its hard limit; what is left for connections.
std::size_t connections_that_fit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMostReservedFiles;
  if (limit.rlim_cur < limit.rlim_max) {
    const auto soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = soft;
  }
  const auto files = static_cast<std::size_t>(limit.rlim_cur);
  return std::max<std::size_t>(1, files - std::min(files / 4, kMostReservedFiles));
}

void close_on_exec(int socket) {
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
}

}  // namespace

Listener::Listener(const ServerSettings& settings, std::vector<std::unique_ptr<Shard>>& shards)
    : settings_(settings), shards_(shards), acceptor_(shards.front()->io()), pause_(shards.front()->io()) {}

Result<void> Listener::open() {
  const auto fitting = connections_that_fit();
  limit_ = settings_.max_connections == 0 ? fitting : std::min(fitting, settings_.max_connections);
  const auto where = fmt::format("{}:{}", settings_.address, settings_.port);
  try {
    tcp::resolver resolver(shards_.front()->io());
    auto found = resolver.resolve(settings_.address, std::to_string(settings_.port),
                                  tcp::resolver::passive | tcp::resolver::numeric_service);
    listen_on(found.begin()->endpoint());
  } catch (const boost::system::system_error& error) {
    const auto code = error.code();
    error_code ignored;
    std::ignore = acceptor_.close(ignored);
    if (code == asio::error::address_in_use) {
      return fail(ErrorCode::kUsage,
                  fmt::format("Cannot listen on {}: the address is in use. Stop the program that listens there "
                              "or choose another address or port.",
                              where));
    }
    if (code == asio::error::access_denied) {
      return fail(ErrorCode::kUsage,
                  fmt::format("Cannot listen on {}: permission denied. Choose a port above 1023.", where));
    }
    return fail(
        ErrorCode::kUsage,
        fmt::format("Cannot listen on {}: {}. Choose an address of this machine, for instance 127.0.0.1 or 0.0.0.0.",
                    where, code.message()));
  }
  return {};
}

void Listener::listen_on(const tcp::endpoint& endpoint) {
  acceptor_.open(endpoint.protocol());
  close_on_exec(acceptor_.native_handle());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.bind(endpoint);
  acceptor_.listen(kBacklog);
  port_ = acceptor_.local_endpoint().port();
}

void Listener::start() {
  asio::co_spawn(shards_.front()->io(), accept(), asio::detached);
}

void Listener::stop() {
  asio::post(shards_.front()->io(), [this] {
    stopped_ = true;
    error_code ignored;
    std::ignore = acceptor_.close(ignored);
    pause_.cancel();
  });
}

void Listener::make_room() {
  if (full_.load()) asio::post(shards_.front()->io(), [this] { pause_.cancel(); });
}

std::size_t Listener::connections() const {
  std::size_t total = 0;
  for (const auto& shard : shards_)
    total += shard->counters.connections.load();
  return total;
}

Shard& Listener::emptiest() {
  auto fewer = [](const auto& a, const auto& b) {
    return a->counters.connections.load() < b->counters.connections.load();
  };
  return **std::min_element(shards_.begin(), shards_.end(), fewer);
}

bool Listener::somebody_waits() {
  pollfd peer{.fd = acceptor_.native_handle(), .events = POLLIN, .revents = 0};
  return ::poll(&peer, 1, 0) > 0;
}

Awaitable<void> Listener::wait(std::chrono::milliseconds time) {
  pause_.expires_after(time);
  co_await pause_.async_wait(asio::as_tuple(kAwait));
}

Awaitable<void> Listener::accept() {
  while (!stopped_) {
    // make_room() looks at full_ behind the count, we at the count behind full_: one of the two sees the other. What it
    // posts runs on this thread, so not before the wait.
    full_ = true;
    if (connections() >= limit_) {
      kLog.warn("{} connections are open, which is the limit: no more are accepted until one ends", limit_);
      while (!stopped_ && connections() >= limit_) {
        co_await wait(kBetweenDisplacements);
        // Whoever has only connected makes room for those who may want something.
        if (stopped_ || connections() < limit_ || !somebody_waits()) continue;
        for (auto& shard : shards_)
          shard->displace(kDisplacedTogether);
      }
      continue;
    }
    full_ = false;
    auto& shard = emptiest();
    auto [error, socket] = co_await acceptor_.async_accept(shard.io(), asio::as_tuple(kAwait));
    if (stopped_) co_return;
    if (error == asio::error::no_descriptors || error == error_code(ENFILE, boost::system::system_category()) ||
        error == asio::error::no_buffer_space || error == asio::error::no_memory) {
      kLog.warn("Cannot accept a connection: {}", error.message());
      co_await wait(kPauseAfterError);
      continue;
    }
    if (error) {
      kLog.debug("A connection ended before it was accepted: {}", error.message());
      continue;
    }
    close_on_exec(socket.native_handle());
    shard.counters.connections.fetch_add(1);
    shard.adopt(std::move(socket));
  }
}

}  // namespace mito::http
