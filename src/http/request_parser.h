#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/message.h"

namespace mito::http {

struct HeadLimits {
  std::size_t target_bytes = 0;
  std::size_t header_fields = 0;
  std::size_t head_bytes = 0;
};

/// What a request's head says, with the framing of its body worked out.
struct RequestHead {
  std::string method;
  std::string path;   ///< Undecoded; absolute-form reduced to it, `*` and authority-form as they came.
  std::string query;  ///< Undecoded, without `?`.
  Headers headers;
  bool http_1_0 = false;
  bool keep_alive = false;
  bool chunked = false;
  bool expects_continue = false;
  std::optional<std::uint64_t> content_length;
};

/// Parser of one request after the other, fed with whatever has arrived. Not bound to a thread.
class RequestParser {
 public:
  enum class Progress { kNeedMore, kDone };

  explicit RequestParser(HeadLimits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Forgets the last request.
  void reset();

  /// Takes `bytes`, of which it is done with the first `consumed`; the rest has to be given again, with more behind it.
  /// The error is the status that refuses the request: 400, 414 or 431.
  std::expected<Progress, unsigned> parse_head(std::string_view bytes, std::size_t& consumed);
  /// Valid when parse_head said kDone.
  RequestHead& head();

  struct ChunkStep {
    std::size_t consumed = 0;
    std::size_t produced = 0;  ///< Bytes put into `out`.
    enum class State { kNeedMore, kMore, kDone, kBad } state = State::kNeedMore;
  };
  /// Decodes a chunked body: as parse_head with `bytes`. kMore: call again before reading more.
  ChunkStep parse_chunks(std::string_view bytes, std::span<char> out);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mito::http
