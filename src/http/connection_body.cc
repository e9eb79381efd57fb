#include <algorithm>
#include <cstring>

#include "http/connection.h"

// The request body: taken from what has arrived with the head, then from the socket, and only when the handler asks.
namespace mito::http {

namespace asio = boost::asio;

namespace {

/// Line of a chunk or trailer that does not end within this is refused.
constexpr std::size_t kChunkLineBytes = 64 << 10;
constexpr std::size_t kReadStep = 64 << 10;
/// A body that was not asked for and is at most this long is thrown away to keep the connection.
constexpr std::uint64_t kSkippableBytes = 256 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

void Connection::begin_body(const RequestHead& head) {
  http_1_0_ = head.http_1_0;
  keep_alive_ = head.keep_alive;
  declared_length_ = head.content_length;
  body_chunked_ = head.chunked;
  body_left_ = head.content_length.value_or(0);
  body_done_ = !head.chunked && body_left_ == 0;
  body_broken_ = false;
  continue_awaited_ = head.expects_continue && !body_done_;
}

bool Connection::body_can_be_skipped() const {
  if (body_done_) return true;
  return !body_broken_ && !continue_awaited_ && !body_chunked_ && body_left_ <= kSkippableBytes;
}

std::unexpected<BodyError> Connection::body_is_broken() {
  body_broken_ = true;
  return std::unexpected(BodyError::kUnreadable);
}

Awaitable<bool> Connection::ask_to_continue() {
  continue_awaited_ = false;
  if (!input_.empty()) co_return true;  // it did not wait
  const Buffers buffers{asio::buffer(kContinue)};
  co_return co_await write(buffers);
}

Awaitable<std::expected<std::size_t, BodyError>> Connection::read_some(std::span<char> buffer) {
  if (body_done_ || buffer.empty()) co_return 0;
  if (body_broken_) co_return body_is_broken();
  if (continue_awaited_) {
    auto asked = co_await ask_to_continue();
    if (!asked) co_return body_is_broken();
  }
  if (body_chunked_) co_return co_await read_chunked(buffer);
  co_return co_await read_plain(buffer);
}

Awaitable<std::expected<std::size_t, BodyError>> Connection::read_plain(std::span<char> buffer) {
  if (body_left_ < buffer.size()) buffer = buffer.first(body_left_);
  std::size_t count = 0;
  if (!input_.empty()) {
    auto arrived = input_.view().substr(0, buffer.size());
    std::memcpy(buffer.data(), arrived.data(), arrived.size());
    count = arrived.size();
    input_.take(count);
  } else {
    count = co_await read_socket(buffer, Clock::now() + shard_.server().settings.body_stall_timeout);
    if (count == 0) co_return body_is_broken();
  }
  body_left_ -= count;
  body_done_ = body_left_ == 0;
  co_return count;
}

Awaitable<std::expected<std::size_t, BodyError>> Connection::read_chunked(std::span<char> buffer) {
  using State = RequestParser::ChunkStep::State;
  for (;;) {
    auto step = parser_.parse_chunks(input_.view(), buffer);
    input_.take(step.consumed);
    if (step.state == State::kBad) co_return body_is_broken();
    if (step.state == State::kDone) body_done_ = true;
    if (step.produced > 0 || body_done_) co_return step.produced;
    if (input_.view().size() > kChunkLineBytes) co_return body_is_broken();
    auto more = co_await read_input(Clock::now() + shard_.server().settings.body_stall_timeout);
    if (!more) co_return body_is_broken();
  }
}

Awaitable<std::expected<std::string, BodyError>> Connection::read_all(std::size_t limit) {
  if (declared_length_.value_or(0) > limit) co_return std::unexpected(BodyError::kTooLarge);
  std::string body;
  while (!body_done_) {
    const auto have = body.size();
    // One byte more than allowed is enough to know that there are too many.
    std::uint64_t wanted = body_chunked_ ? limit + 1 - have : body_left_;
    body.resize(have + std::min<std::uint64_t>(wanted, std::max(kReadStep, have)));
    auto count = co_await read_some(std::span(body).subspan(have));
    if (!count) co_return std::unexpected(count.error());
    body.resize(have + *count);
    if (body.size() > limit) co_return std::unexpected(BodyError::kTooLarge);
  }
  co_return body;
}

Awaitable<bool> Connection::skip_body() {
  std::vector<char> discarded;
  while (!body_done_) {
    discarded.resize(kReadStep);
    auto count = co_await read_some(discarded);
    if (!count) co_return false;
  }
  co_return true;
}

}  // namespace mito::http
