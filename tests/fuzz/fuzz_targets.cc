// Routing and query strings: any method, path and query ends in an answer.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/query.h"
#include "protocol/routes.h"
#include "security/object_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto blank = text.find(' ');
  const std::string_view method = text.substr(0, blank);
  const std::string_view target = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
  const auto mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  const auto match = mito::protocol::match(method, path);
  if (match.kind == mito::protocol::Match::Kind::kEndpoint) static_cast<void>(mito::protocol::parse_path(match));
  static_cast<void>(mito::protocol::decode_query<mito::protocol::TaskQuery>(query));
  static_cast<void>(mito::protocol::decode_query<mito::protocol::WorkerShutdownQuery>(query));
  static const mito::security::ObjectUrlSigner signer("0123456789abcdef0123456789abcdef");
  static_cast<void>(signer.verify(method, path, query, 0));
  return 0;
}
