// A whole request as bytes, on the coordinator's way: head, route, values of the path, token, query, body. The first
// byte says how the rest is cut into the pieces in which it arrives.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "http/request_parser.h"
#include "protocol/authorization.h"
#include "protocol/errors.h"
#include "protocol/query.h"
#include "protocol/routes.h"
#include "protocol/schema.h"
#include "security/object_url.h"
#include "security/token.h"

namespace {

using mito::http::RequestParser;
using mito::protocol::Match;

// The key pair of docs/reference/server.md, appendix A; the corpus holds tokens made with it.
constexpr std::string_view kPrivateKey =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE "
    "KEY-----\n";
constexpr std::string_view kPublicKey =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n-----END PUBLIC "
    "KEY-----\n";
constexpr std::int64_t kNow = 1'800'000'000;

void expect(bool condition) {
  if (!condition) std::abort();
}

void check_token(const mito::http::Headers& headers) {
  static const auto keys = mito::security::TokenKeys::from_pem(kPrivateKey, kPublicKey);
  const std::string* header = headers.find("authorization");
  if (header == nullptr) return;
  const auto bearer = mito::protocol::bearer_of(*header);
  if (!bearer) return;
  const auto claims = keys->verify(*bearer, kNow);
  if (!claims) return;
  static_cast<void>(mito::Uuid::parse(claims->sub));
  expect(keys->verify(keys->sign(*claims), kNow).has_value());
}

void check_query(std::string_view message, std::string_view query) {
  if (message == "TaskQuery") static_cast<void>(mito::protocol::decode_query<mito::protocol::TaskQuery>(query));
  if (message == "WaitQuery") static_cast<void>(mito::protocol::decode_query<mito::protocol::WaitQuery>(query));
  if (message == "EventsQuery") static_cast<void>(mito::protocol::decode_query<mito::protocol::EventsQuery>(query));
  if (message == "WorkerShutdownQuery")
    static_cast<void>(mito::protocol::decode_query<mito::protocol::WorkerShutdownQuery>(query));
  if (message == "RemoveUserGroupRoleReq")
    static_cast<void>(mito::protocol::decode_query<mito::protocol::RemoveUserGroupRoleReq>(query));
}

/// What was read can be written, and is then read alike.
void check_body(std::string_view message, std::string_view body) {
  const auto* info = mito::protocol::find_message(message);
  if (info == nullptr) return;
  const auto written = info->recode(body);
  if (!written) {
    expect(!mito::protocol::bad_body(written.error()).body.empty());
    return;
  }
  expect(info->recode(*written) == *written);
}

/// The body behind the head, or nothing when it is not whole.
std::string read_body(RequestParser& parser, std::string_view bytes) {
  const auto& head = parser.head();
  if (!head.chunked) return std::string(bytes.substr(0, head.content_length.value_or(0)));
  std::string body;
  std::array<char, 64> piece{};
  while (true) {
    const auto step = parser.parse_chunks(bytes, piece);
    expect(step.consumed <= bytes.size() && step.produced <= piece.size());
    body.append(piece.data(), step.produced);
    bytes.remove_prefix(step.consumed);
    if (step.state != RequestParser::ChunkStep::State::kMore) return body;
    expect(step.consumed > 0 || step.produced > 0);
  }
}

void serve(RequestParser& parser, std::string_view rest) {
  const auto& head = parser.head();
  static const mito::security::ObjectUrlSigner signer("0123456789abcdef0123456789abcdef");
  static_cast<void>(signer.verify(head.method, head.path, head.query, kNow));
  const Match match = mito::protocol::match(head.method, head.path);
  if (match.kind == Match::Kind::kUnknownPath) return;
  check_token(head.headers);
  if (match.kind == Match::Kind::kWrongMethod) return expect(!match.allow.empty());
  const auto path = mito::protocol::parse_path(match);
  if (!path) return expect(!path.error().empty());
  const auto& route = mito::protocol::route(match.endpoint);
  check_query(route.query, head.query);
  const std::string* type = head.headers.find("content-type");
  if (route.request.empty() || type == nullptr || !mito::protocol::is_json_content_type(*type)) return;
  check_body(route.request, read_body(parser, rest));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  RequestParser parser({.target_bytes = 2'000, .header_fields = 20, .head_bytes = 8'000});
  std::size_t begin = 0;
  std::size_t end = std::min(step, bytes.size());
  while (true) {
    std::size_t consumed = 0;
    const auto progress = parser.parse_head(bytes.substr(begin, end - begin), consumed);
    expect(begin + consumed <= end);
    begin += consumed;
    if (!progress) {
      expect(progress.error() == 400 || progress.error() == 414 || progress.error() == 431);
      return 0;
    }
    if (*progress == RequestParser::Progress::kDone) break;
    if (end == bytes.size()) return 0;
    end = std::min(end + step, bytes.size());
  }
  serve(parser, bytes.substr(begin));
  return 0;
}
