#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/request_parser.h"
#include "http/response_head.h"
#include "http/server.h"
#include "http/shard.h"

namespace mito::http {

/// Bytes that have arrived and are not taken yet.
class InputBuffer {
 public:
  [[nodiscard]] std::string_view view() const { return {data_.data() + begin_, end_ - begin_}; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  /// Room for at least 2 KiB more; valid until the next call.
  std::span<char> room();
  void filled(std::size_t count) { end_ += count; }
  void take(std::size_t count);

 private:
  std::vector<char> data_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// One connection: reads requests, has them handled and writes the answers, one after the other. Lives on its shard's
/// thread.
class Connection final : private Body {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(Shard& shard, Socket socket, std::string peer);

  /// Serves until the connection is over. The caller keeps the object until then.
  Awaitable<void> run();
  /// Emitted to, the coroutine and the handler it waits for are cancelled.
  boost::asio::cancellation_signal& cancellation() { return cancellation_; }

  /// Breaks off what waits longer than it may.
  void check_deadline(Clock::time_point now);
  void close_if_idle();
  /// Closes a connection that has been open for a while and on which no request has come yet; false: it is another.
  bool close_if_unused(Clock::time_point now);
  void cut_off();

 private:
  enum class Next { kRequest, kLinger, kClose };
  enum class Phase { kIdle, kBusy, kLingering };

  // connection.cc
  Awaitable<bool> shake_hands();
  Awaitable<Next> serve_one();
  /// False: the connection is over. The error is the status that refuses the request.
  Awaitable<std::expected<bool, unsigned>> read_head();
  Awaitable<Next> refuse(unsigned status);
  Awaitable<void> linger();
  Awaitable<void> until_peer_closes();
  Request make_request();
  void begin_body(const RequestHead& head);
  [[nodiscard]] bool body_can_be_skipped() const;

  // Request body (connection_body.cc)
  Awaitable<std::expected<std::string, BodyError>> read_all(std::size_t limit) override;
  Awaitable<std::expected<std::size_t, BodyError>> read_some(std::span<char> buffer) override;
  [[nodiscard]] std::optional<std::uint64_t> content_length() const override { return declared_length_; }
  Awaitable<std::expected<std::size_t, BodyError>> read_plain(std::span<char> buffer);
  Awaitable<std::expected<std::size_t, BodyError>> read_chunked(std::span<char> buffer);
  Awaitable<bool> ask_to_continue();
  Awaitable<bool> skip_body();
  std::unexpected<BodyError> body_is_broken();

  // Response (connection_response.cc)
  Awaitable<bool> write_response(const Request& request, Response& response);
  Awaitable<bool> write_source(BodySource& source, Framing framing);
  using Buffers = std::array<boost::asio::const_buffer, 4>;
  Awaitable<bool> write(Buffers buffers);

  /// Reads some bytes; 0 when the connection is over or the deadline has passed.
  Awaitable<std::size_t> read_socket(std::span<char> buffer, Clock::time_point deadline);
  Awaitable<bool> read_input(Clock::time_point deadline);
  boost::asio::mutable_buffer tls_input();

  Shard& shard_;
  Socket socket_;
  std::shared_ptr<TlsContext> tls_context_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;
  std::string peer_;
  boost::asio::cancellation_signal cancellation_;
  boost::asio::steady_timer forever_;
  Clock::time_point deadline_ = Clock::time_point::max();
  Phase phase_ = Phase::kIdle;
  bool in_flight_ = false;
  bool used_ = false;  ///< A request has come.
  const Clock::time_point opened_ = Clock::now();
  bool cut_off_ = false;

  InputBuffer input_;
  RequestParser parser_;
  std::string head_out_;

  // Of the request that is served.
  bool http_1_0_ = false;
  bool keep_alive_ = false;
  std::optional<std::uint64_t> declared_length_;
  std::uint64_t body_left_ = 0;
  bool body_chunked_ = false;
  bool body_done_ = true;
  bool body_broken_ = false;
  bool continue_awaited_ = false;
};

}  // namespace mito::http
