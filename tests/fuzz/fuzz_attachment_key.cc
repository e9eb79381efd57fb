// Any group and key (apart at the first line break): the rule says what its definition says, and a URL keeps the key as
// it is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "domain/rules.h"
#include "security/object_url.h"

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line_break = text.find('\n');
  const std::string_view group = text.substr(0, line_break);
  const std::string_view key = line_break == std::string_view::npos ? std::string_view() : text.substr(line_break + 1);
  const std::string joined = std::string(group) + "/" + std::string(key);
  const bool allowed = joined.size() < 1024 && joined.find("/./") == std::string::npos &&
                       joined.find("/../") == std::string::npos && joined.find("//") == std::string::npos;
  expect(mito::is_valid_attachment_key(group, key) == allowed);

  static const mito::security::ObjectUrlSigner signer("0123456789abcdef0123456789abcdef");
  const mito::security::ObjectGrant grant{
      .method = "GET", .bucket = "b", .key = joined, .expires_at = 10, .length = {}};
  const std::string target = signer.sign(grant);
  const auto mark = target.find('?');
  const auto verified =
      signer.verify("GET", std::string_view(target).substr(0, mark), std::string_view(target).substr(mark + 1), 0);
  expect(verified && verified->key == joined);
  return 0;
}
