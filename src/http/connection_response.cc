#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/logging.h"
#include "http/connection.h"

namespace mito::http {

namespace asio = boost::asio;

namespace {

constexpr log::Source kLog{"netmito::http"};
constexpr asio::use_awaitable_t<asio::any_io_executor> kAwait{};
constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

bool has_no_body(unsigned status) {
  return status < 200 || status == 204 || status == 304;
}

/// A HEAD answer may name the length of what GET would send without having it at hand.
std::uint64_t length_for_head(const Response& response) {
  const auto* named = response.headers.find("content-length");
  if (named == nullptr || !response.body.empty()) return response.body.size();
  std::uint64_t length = 0;
  std::from_chars(named->data(), named->data() + named->size(), length);
  return length;
}

}  // namespace

Awaitable<bool> Connection::write_response(const Request& request, Response& response) {
  const bool is_head = request.method == "HEAD";
  Framing framing;
  if (has_no_body(response.status)) {
    framing.kind = Framing::Kind::kNone;
  } else if (!response.source) {
    framing = {.kind = Framing::Kind::kLength, .length = is_head ? length_for_head(response) : response.body.size()};
  } else if (auto length = response.source->length()) {
    framing = {.kind = Framing::Kind::kLength, .length = *length};
  } else if (http_1_0_) {
    framing.kind = Framing::Kind::kUntilClose;
    keep_alive_ = false;
  } else {
    framing.kind = Framing::Kind::kChunked;
  }

  auto connection = ConnectionHeader::kNone;
  if (!keep_alive_) connection = ConnectionHeader::kClose;
  if (keep_alive_ && http_1_0_) connection = ConnectionHeader::kKeepAlive;
  head_out_.clear();
  append_response_head(head_out_, response.status, response.headers, framing, connection, shard_.date());

  const bool no_body = is_head || framing.kind == Framing::Kind::kNone;
  if (response.source && !no_body) co_return co_await write_source(*response.source, framing);
  Buffers buffers{asio::buffer(head_out_)};
  if (!no_body) buffers[1] = asio::buffer(response.body);
  co_return co_await write(buffers);
}

Awaitable<bool> Connection::write_source(BodySource& source, Framing framing) {
  const bool known_length = framing.kind == Framing::Kind::kLength;
  auto left = framing.length;
  std::string_view head = head_out_;
  if (!known_length || left == 0) {  // the first piece may take its time
    const Buffers buffers{asio::buffer(head)};
    auto written = co_await write(buffers);
    if (!written) co_return false;
    head = {};
  }
  std::vector<char> piece(known_length ? std::min<std::uint64_t>(left, kPieceBytes) : kPieceBytes);
  std::string chunk_head;
  while (!known_length || left > 0) {
    auto count = co_await source.read(
        std::span(piece).first(known_length ? std::min<std::uint64_t>(left, piece.size()) : piece.size()));
    if (!count) {
      kLog.warn("A response to {} was broken off: {}", peer_, describe(count.error()));
      co_return false;
    }
    if (*count == 0 && known_length) {
      kLog.warn("A response to {} was broken off: its source ended {} bytes early", peer_, left);
      co_return false;
    }
    if (*count == 0) break;
    Buffers buffers{asio::buffer(head), {}, asio::buffer(piece.data(), *count), {}};
    if (framing.kind == Framing::Kind::kChunked) {
      chunk_head = fmt::format("{:x}\r\n", *count);
      buffers[1] = asio::buffer(chunk_head);
      buffers[3] = asio::buffer(kLineEnd);
    }
    auto written = co_await write(buffers);
    if (!written) co_return false;
    head = {};
    if (known_length) left -= *count;
  }
  if (framing.kind != Framing::Kind::kChunked) co_return true;
  const Buffers last{asio::buffer(kLastChunk)};
  co_return co_await write(last);
}

Awaitable<bool> Connection::write(Buffers buffers) {
  const auto stall = shard_.server().settings.write_stall_timeout;
  std::size_t first = 0;
  for (;;) {
    while (first < buffers.size() && buffers[first].size() == 0)
      ++first;
    if (first == buffers.size()) co_return true;
    if (cut_off_) co_return false;
    deadline_ = Clock::now() + stall;
    boost::system::error_code error;
    std::size_t count = 0;
    if (tls_)
      std::tie(error, count) = co_await tls_->async_write_some(buffers, asio::as_tuple(kAwait));
    else
      std::tie(error, count) = co_await socket_.async_write_some(buffers, asio::as_tuple(kAwait));
    deadline_ = Clock::time_point::max();
    if (error) co_return false;
    for (auto& buffer : buffers) {
      auto used = std::min(count, buffer.size());
      buffer += used;
      count -= used;
    }
  }
}

}  // namespace mito::http
