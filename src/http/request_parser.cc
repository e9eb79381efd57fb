#include "http/request_parser.h"

#include <algorithm>
#include <cstring>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

// Beast's parser with the limits and the tolerance of the original's server (reference/server.md 1.1). What differs
// from Beast as it is: empty lines before a request are skipped; a target that is too long is 414 as soon as that is
// seen; a body whose Transfer-Encoding is not just `chunked`, or comes with HTTP/1.0, is refused (Beast would take it
// for a request without a body).
namespace mito::http {

namespace beast = boost::beast;
using beast::error_code;

namespace {

/// Room for method, blanks and version beside the longest target.
constexpr std::size_t kRequestLineRest = 128;

unsigned refuse(unsigned status, error_code& error) {
  error = beast::http::error::bad_value;
  return status;
}

/// Takes the request-target apart (RFC 9112 section 3.2).
void split_target(std::string_view target, RequestHead& head) {
  target = target.substr(0, target.find('#'));
  std::string_view host;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    auto authority = std::min(target.find_first_of("/?"), target.size());
    host = target.substr(0, authority);
    target.remove_prefix(authority);
    break;
  }
  auto query = std::min(target.find('?'), target.size());
  head.path = target.substr(0, query);
  if (head.path.empty()) head.path = "/";
  if (query < target.size()) head.query = target.substr(query + 1);
  if (!host.empty())
    head.headers.add("host", std::string(host));  // counts instead of the field, RFC 9112 section 3.2.2
}

/// One request; Beast's parsers are not used twice.
class Message : public beast::http::basic_parser<true> {
 public:
  explicit Message(const HeadLimits& limits) : limits_(limits) {
    header_limit(static_cast<std::uint32_t>(limits.head_bytes));
    body_limit(boost::none);
  }

  RequestHead head;
  bool saw_request_line = false;
  bool finished = false;
  unsigned refusal = 0;
  std::span<char> out;
  std::size_t produced = 0;

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int version,
                       error_code& error) override {
    saw_request_line = true;
    if (target.size() > limits_.target_bytes) {
      refusal = refuse(414, error);
      return;
    }
    head.method = std::string(method);
    head.http_1_0 = version == 10;
    split_target(std::string_view(target.data(), target.size()), head);
    host_from_target_ = !head.headers.fields().empty();
  }

  void on_response_impl(int, beast::string_view, int, error_code&) override {}

  void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value,
                     error_code& error) override {
    if (in_trailer_) return;
    if (++fields_ > limits_.header_fields) {
      refusal = refuse(431, error);
      return;
    }
    switch (field) {
      case beast::http::field::host:
        if (host_from_target_) return;
        break;
      case beast::http::field::expect:
        head.expects_continue = equals_ignoring_case(std::string_view(value.data(), value.size()), "100-continue");
        break;
      case beast::http::field::transfer_encoding:
        if (!equals_ignoring_case(std::string_view(value.data(), value.size()), "chunked")) {
          refusal = refuse(400, error);
          return;
        }
        break;
      default:
        break;
    }
    head.headers.add(std::string(name), std::string(value));
  }

  void on_header_impl(error_code& error) override {
    in_trailer_ = true;
    head.keep_alive = keep_alive();
    head.chunked = chunked();
    if (head.chunked && head.http_1_0) {
      refusal = refuse(400, error);
      return;
    }
    if (auto length = content_length()) head.content_length = *length;
    if (head.http_1_0) head.expects_continue = false;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, error_code&) override {
    auto count = std::min(body.size(), out.size() - produced);
    std::memcpy(out.data() + produced, body.data(), count);
    produced += count;
    return count;
  }

  void on_finish_impl(error_code&) override { finished = true; }

  HeadLimits limits_;
  std::size_t fields_ = 0;
  bool host_from_target_ = false;
  bool in_trailer_ = false;
};

}  // namespace

class RequestParser::Impl {
 public:
  explicit Impl(HeadLimits limits) : limits_(limits) {}

  void reset() { message_.emplace(limits_); }
  Message& message() { return *message_; }
  [[nodiscard]] const HeadLimits& limits() const { return limits_; }

 private:
  HeadLimits limits_;
  std::optional<Message> message_;
};

RequestParser::RequestParser(HeadLimits limits) : impl_(std::make_unique<Impl>(limits)) {
  reset();
}
RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  impl_->reset();
}

RequestHead& RequestParser::head() {
  return impl_->message().head;
}

std::expected<RequestParser::Progress, unsigned> RequestParser::parse_head(std::string_view bytes,
                                                                           std::size_t& consumed) {
  auto& message = impl_->message();
  consumed = 0;
  if (!message.got_some()) {
    while (bytes.substr(consumed).starts_with("\r\n"))
      consumed += 2;
    bytes.remove_prefix(consumed);
    if (bytes.empty() || bytes == "\r") return Progress::kNeedMore;
  }
  while (!message.is_header_done()) {
    error_code error;
    auto used = message.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    consumed += used;
    bytes.remove_prefix(used);
    if (error == beast::http::error::need_more) {
      auto line_limit = impl_->limits().target_bytes + kRequestLineRest;
      if (!message.saw_request_line && bytes.size() > line_limit &&
          bytes.substr(0, line_limit).find('\r') == bytes.npos)
        return std::unexpected(414U);
      return Progress::kNeedMore;
    }
    if (error == beast::http::error::header_limit) return std::unexpected(message.saw_request_line ? 431U : 414U);
    if (error) return std::unexpected(message.refusal != 0 ? message.refusal : 400U);
  }
  return Progress::kDone;
}

RequestParser::ChunkStep RequestParser::parse_chunks(std::string_view bytes, std::span<char> out) {
  auto& message = impl_->message();
  ChunkStep step;
  message.out = out;
  message.produced = 0;
  while (!message.finished && message.produced < out.size()) {
    error_code error;
    auto rest = bytes.substr(step.consumed);
    if (rest.empty()) break;
    step.consumed += message.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    if (error == beast::http::error::need_more) break;
    if (error) {
      step.state = ChunkStep::State::kBad;
      break;
    }
  }
  step.produced = message.produced;
  if (step.state == ChunkStep::State::kBad) return step;
  if (message.finished) {
    step.state = ChunkStep::State::kDone;
  } else if (step.produced == out.size()) {
    step.state = ChunkStep::State::kMore;
  }
  return step;
}

}  // namespace mito::http
