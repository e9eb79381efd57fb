#include "http/connection.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <sys/socket.h>
#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/logging.h"

namespace mito::http {

namespace asio = boost::asio;

namespace {

constexpr log::Source kLog{"netmito::http"};
constexpr asio::use_awaitable_t<asio::any_io_executor> kAwait{};

constexpr std::size_t kFirstInputBytes = 4 << 10;
constexpr std::size_t kLeastRoom = 2 << 10;
constexpr std::size_t kKeptInputBytes = 64 << 10;

// After an answer that ends the connection the peer may still be sending; closing at once would make its kernel throw
// the answer away (RFC 9112 section 9.6). So our side is shut down and what comes is thrown away, for this long and
// this much.
constexpr std::chrono::seconds kLingerTime{10};
constexpr std::chrono::seconds kLingerTimeWhenStopping{1};
constexpr std::chrono::seconds kLeastTimeForARequest{1};
constexpr std::uint64_t kLingerBytes = 256 << 20;

Response panic_response() {
  Response response;
  response.status = 500;
  response.headers.add("content-type", "text/plain; charset=utf-8");
  response.body = "Service panicked";
  return response;
}

}  // namespace

std::span<char> InputBuffer::room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (data_.size() - end_ < kLeastRoom) {
    std::copy(data_.begin() + static_cast<std::ptrdiff_t>(begin_), data_.begin() + static_cast<std::ptrdiff_t>(end_),
              data_.begin());
    end_ -= begin_;
    begin_ = 0;
    if (data_.size() - end_ < kLeastRoom) data_.resize(std::max(kFirstInputBytes, data_.size() * 2));
  }
  return std::span(data_).subspan(end_);
}

void InputBuffer::take(std::size_t count) {
  begin_ += count;
  if (begin_ == end_ && data_.size() > kKeptInputBytes) {
    data_ = {};
    begin_ = end_ = 0;
  }
}

Connection::Connection(Shard& shard, Socket socket, std::string peer)
    : shard_(shard),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      forever_(shard.io(), asio::steady_timer::time_point::max()),
      parser_({.target_bytes = shard.server().settings.max_target_bytes,
               .header_fields = shard.server().settings.max_header_fields,
               .head_bytes = shard.server().settings.max_head_bytes}) {}

Awaitable<bool> Connection::shake_hands() {
  tls_context_ = *shard_.server().tls.lock();
  if (!tls_context_) co_return true;
  tls_.emplace(socket_, *tls_context_);
  deadline_ = Clock::now() + shard_.server().settings.head_timeout;
  auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, asio::as_tuple(kAwait));
  deadline_ = Clock::time_point::max();
  if (!error) co_return true;
  shard_.counters.tls_failures.fetch_add(1, std::memory_order_relaxed);
  kLog.debug("The TLS handshake with {} failed: {}", peer_, error.message());
  co_return false;
}

Awaitable<void> Connection::run() {
  try {
    const bool begun = co_await shake_hands();
    auto next = begun ? Next::kRequest : Next::kClose;
    while (next == Next::kRequest)
      next = co_await serve_one();
    if (next == Next::kLinger) co_await linger();
  } catch (const std::exception& error) {
    if (!cut_off_) kLog.error("The connection of {} ended: {}", peer_, error.what());
  }
  boost::system::error_code ignored;
  std::ignore = socket_.close(ignored);
}

Awaitable<Connection::Next> Connection::serve_one() {
  struct InFlight {
    explicit InFlight(Connection& owner) : connection(owner) {}
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    ~InFlight() {
      if (!connection.in_flight_) return;
      connection.in_flight_ = false;
      connection.shard_.request_ended();
    }
    Connection& connection;
  };
  const InFlight in_flight(*this);

  auto head = co_await read_head();
  if (!head) co_return co_await refuse(head.error());
  if (!*head) co_return Next::kClose;

  begin_body(parser_.head());
  auto request = make_request();
  Response response;
  try {
    response = co_await shard_.server().handler(request);
  } catch (const std::exception& error) {
    if (cut_off_) co_return Next::kClose;
    kLog.error("The handler of {} {} failed: {}", request.method, request.path, error.what());
    response = panic_response();
  } catch (...) {
    kLog.error("The handler of {} {} failed with an exception of unknown type", request.method, request.path);
    response = panic_response();
  }

  if (response.close || shard_.server().stopping.load(std::memory_order_relaxed) || !body_can_be_skipped())
    keep_alive_ = false;
  auto written = co_await write_response(request, response);
  if (!written) co_return Next::kClose;
  if (!keep_alive_) co_return Next::kLinger;
  auto skipped = co_await skip_body();
  co_return skipped ? Next::kRequest : Next::kClose;
}

Awaitable<std::expected<bool, unsigned>> Connection::read_head() {
  const auto& settings = shard_.server().settings;
  parser_.reset();
  phase_ = Phase::kIdle;
  auto deadline = Clock::time_point::max();
  for (;;) {
    if (input_.empty()) {
      if (!in_flight_ && shard_.finishing()) co_return false;
    } else {
      if (!in_flight_) {
        in_flight_ = true;
        phase_ = Phase::kBusy;
        shard_.request_began();
      }
      std::size_t consumed = 0;
      auto progress = parser_.parse_head(input_.view(), consumed);
      input_.take(consumed);
      if (!progress) co_return std::unexpected(progress.error());
      if (*progress == RequestParser::Progress::kDone) {
        used_ = true;
        co_return true;
      }
      if (deadline == Clock::time_point::max()) deadline = Clock::now() + settings.head_timeout;
    }
    auto more = co_await read_input(in_flight_ ? deadline : Clock::now() + settings.idle_timeout);
    if (!more) co_return false;
  }
}

Awaitable<Connection::Next> Connection::refuse(unsigned status) {
  shard_.counters.refused.fetch_add(1, std::memory_order_relaxed);
  head_out_.clear();
  append_response_head(head_out_, status, {}, {.kind = Framing::Kind::kLength}, ConnectionHeader::kClose,
                       shard_.date());
  const Buffers buffers{asio::buffer(head_out_)};
  auto written = co_await write(buffers);
  co_return written ? Next::kLinger : Next::kClose;
}

Request Connection::make_request() {
  auto& head = parser_.head();
  Request request;
  request.method = std::move(head.method);
  request.path = std::move(head.path);
  request.query = std::move(head.query);
  request.headers = std::move(head.headers);
  request.peer_address = peer_;
  request.id = shard_.server().last_request_id.fetch_add(1, std::memory_order_relaxed) + 1;
  request.body = this;
  request.until_peer_closes = [this] { return until_peer_closes(); };
  shard_.counters.requests.fetch_add(1, std::memory_order_relaxed);
  return request;
}

Awaitable<void> Connection::until_peer_closes() {
  while (input_.empty()) {
    if (cut_off_) co_return;
    auto [error] = co_await socket_.async_wait(Socket::wait_read, asio::as_tuple(kAwait));
    if (error) co_return;
    char byte = 0;
    auto count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0 && tls_) {  // A further request, or the end: only TLS knows.
      auto [tls_error, bytes] = co_await tls_->async_read_some(tls_input(), asio::as_tuple(kAwait));
      if (tls_error) co_return;
      input_.filled(bytes);
      break;
    }
    if (count > 0) break;
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) co_return;
  }
  if (!cut_off_) co_await forever_.async_wait(asio::as_tuple(kAwait));
}

asio::mutable_buffer Connection::tls_input() {
  const auto room = input_.room();
  return asio::buffer(room.data(), room.size());
}

Awaitable<void> Connection::linger() {
  phase_ = Phase::kLingering;
  if (in_flight_) {
    in_flight_ = false;
    shard_.request_ended();
  }
  const bool stopping = shard_.server().stopping.load(std::memory_order_relaxed);
  const auto deadline = Clock::now() + (stopping ? kLingerTimeWhenStopping : kLingerTime);
  boost::system::error_code error;
  if (tls_) {
    deadline_ = deadline;
    co_await tls_->async_shutdown(asio::as_tuple(kAwait));
    deadline_ = Clock::time_point::max();
    co_return;
  }
  std::ignore = socket_.shutdown(Socket::shutdown_send, error);
  std::vector<char> discarded(kKeptInputBytes);
  std::uint64_t total = 0;
  while (!error && total < kLingerBytes) {
    auto count = co_await read_socket(discarded, deadline);
    if (count == 0) co_return;
    total += count;
  }
}

Awaitable<std::size_t> Connection::read_socket(std::span<char> buffer, Clock::time_point deadline) {
  if (cut_off_) co_return 0;
  deadline_ = deadline;
  const auto room = asio::buffer(buffer.data(), buffer.size());
  boost::system::error_code error;
  std::size_t count = 0;
  if (tls_)
    std::tie(error, count) = co_await tls_->async_read_some(room, asio::as_tuple(kAwait));
  else
    std::tie(error, count) = co_await socket_.async_read_some(room, asio::as_tuple(kAwait));
  deadline_ = Clock::time_point::max();
  co_return error ? 0 : count;
}

Awaitable<bool> Connection::read_input(Clock::time_point deadline) {
  auto count = co_await read_socket(input_.room(), deadline);
  input_.filled(count);
  co_return count > 0;
}

void Connection::check_deadline(Clock::time_point now) {
  if (now < deadline_) return;
  deadline_ = Clock::time_point::max();
  if (phase_ != Phase::kLingering) shard_.counters.timeouts.fetch_add(1, std::memory_order_relaxed);
  boost::system::error_code ignored;
  std::ignore = socket_.cancel(ignored);
}

bool Connection::close_if_unused(Clock::time_point now) {
  if (used_ || cut_off_ || now - opened_ < kLeastTimeForARequest) return false;
  cut_off();
  return true;
}

void Connection::close_if_idle() {
  if (phase_ == Phase::kIdle) cut_off();
  if (phase_ == Phase::kLingering) deadline_ = std::min(deadline_, Clock::now() + kLingerTimeWhenStopping);
}

void Connection::cut_off() {
  if (cut_off_) return;
  cut_off_ = true;
  boost::system::error_code ignored;
  std::ignore = socket_.close(ignored);
  forever_.cancel();
  cancellation_.emit(asio::cancellation_type::terminal);
}

}  // namespace mito::http
