// Encodings, UUIDs and tokens: every text ends in a value or an error; a value reads back from its own text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/uuid.h"
#include "security/token.h"

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto uuid = mito::Uuid::parse(text)) expect(mito::Uuid::parse(uuid->to_string()) == *uuid);
  if (const auto bytes = mito::base64_decode(text)) expect(mito::base64_encode(*bytes) == text);
  if (const auto bytes = mito::base64url_decode(text)) expect(mito::base64url_encode(*bytes) == text);
  expect(mito::percent_decode(mito::percent_encode(text)) == text);
  static const auto keys = mito::security::TokenKeys::generate();
  expect(!keys->verify(text, 0));
  return 0;
}
