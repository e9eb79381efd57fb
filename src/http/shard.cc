#include "http/shard.h"

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <fmt/core.h>

#include "http/connection.h"
#include "http/response_head.h"

namespace mito::http {

namespace asio = boost::asio;

namespace {

// A peer that is gone without a word is noticed within 30 s.
constexpr int kKeepAliveIdleSeconds = 10;
constexpr int kKeepAliveIntervalSeconds = 5;
constexpr int kKeepAliveProbes = 4;
constexpr int kUserTimeoutMilliseconds = 30'000;

void set_option(Socket& socket, int level, int name, int value) {
  ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
}

/// What fails here is a matter of comfort, not of correctness.
void configure(Socket& socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMilliseconds);
}

std::string peer_address(const Socket& socket) {
  boost::system::error_code error;
  auto endpoint = socket.remote_endpoint(error);
  if (error) return "unknown";
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

std::chrono::milliseconds check_interval(const ServerSettings& settings) {
  auto shortest = std::min(
      {settings.idle_timeout, settings.head_timeout, settings.body_stall_timeout, settings.write_stall_timeout});
  return std::clamp(shortest / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(500));
}

}  // namespace

Shard::Shard(ServerContext& context, unsigned number)
    : server_(context), number_(number), check_interval_(check_interval(context.settings)) {}

Shard::~Shard() = default;

void Shard::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), fmt::format("io-{}", number_).c_str());
    io_.run();
    counters.ended = true;
    server_.went_quiet();
  });
}

void Shard::join() {
  if (thread_.joinable()) thread_.join();
}

void Shard::adopt(Socket socket) {
  asio::post(io_, [this, socket = std::move(socket)]() mutable { open(std::move(socket)); });
}

void Shard::open(Socket socket) {
  counters.accepted.fetch_add(1, std::memory_order_relaxed);
  configure(socket);
  auto peer = peer_address(socket);
  auto place =
      connections_.insert(connections_.end(), std::make_unique<Connection>(*this, std::move(socket), std::move(peer)));
  auto& connection = **place;
  // The object goes in a step of its own, when nothing of the coroutine is left that could refer to it.
  auto ended = [this, place](const std::exception_ptr&) { asio::post(io_, [this, place] { forget(place); }); };
  asio::co_spawn(io_, connection.run(), asio::bind_cancellation_slot(connection.cancellation().slot(), ended));
  if (cut_off_) connection.cut_off();
  if (!checking_) watch_deadlines();
}

void Shard::forget(Connections::iterator connection) {
  connections_.erase(connection);
  counters.connections.fetch_sub(1);
  if (connections_.empty()) deadline_check_.cancel();
  server_.connection_ended();
}

void Shard::watch_deadlines() {
  checking_ = true;
  deadline_check_.expires_after(check_interval_);
  deadline_check_.async_wait([this](const boost::system::error_code&) {
    checking_ = false;
    if (connections_.empty()) return;
    const auto now = Connection::Clock::now();
    for (const auto& connection : connections_)
      connection->check_deadline(now);
    watch_deadlines();
  });
}

void Shard::finish() {
  asio::post(io_, [this] {
    finishing_ = true;
    for (const auto& connection : connections_)
      connection->close_if_idle();
    work_.reset();
  });
}

void Shard::displace(std::size_t most) {
  asio::post(io_, [this, most] {
    std::size_t done = 0;
    const auto now = Connection::Clock::now();
    for (const auto& connection : connections_) {
      if (done == most) break;
      if (!connection->close_if_unused(now)) continue;
      ++done;
      counters.displaced.fetch_add(1, std::memory_order_relaxed);
    }
  });
}

void Shard::cut_off() {
  asio::post(io_, [this] {
    cut_off_ = true;
    for (const auto& connection : connections_)
      connection->cut_off();
  });
}

const std::string& Shard::date() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != date_second_) {
    date_second_ = now.tv_sec;
    date_ = format_http_date(now.tv_sec);
  }
  return date_;
}

void Shard::request_began() {
  counters.in_flight.fetch_add(1);
}

void Shard::request_ended() {
  if (counters.in_flight.fetch_sub(1) == 1 && server_.stopping.load()) server_.went_quiet();
}

}  // namespace mito::http
