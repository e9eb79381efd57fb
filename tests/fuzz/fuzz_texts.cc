// Every reader of a text that people or peers write ends in a value or an error; a value reads back from its own text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/duration.h"
#include "base/encoding.h"
#include "base/size.h"
#include "base/time.h"
#include "base/uuid.h"
#include "domain/rules.h"
#include "security/token.h"

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto duration = mito::Duration::parse(text))
    expect(mito::Duration::parse(duration->to_string()) == *duration);
  if (const auto uuid = mito::Uuid::parse(text)) expect(mito::Uuid::parse(uuid->to_string()) == *uuid);
  if (const auto time = mito::parse_timestamp(text))
    expect(mito::parse_timestamp(mito::format_timestamp(*time)) == *time);
  if (const auto bytes = mito::base64_decode(text)) expect(mito::base64_encode(*bytes) == text);
  if (const auto bytes = mito::base64url_decode(text)) expect(mito::base64url_encode(*bytes) == text);
  expect(mito::percent_decode(mito::percent_encode(text)) == text);
  static_cast<void>(mito::parse_size(text));
  static_cast<void>(mito::NumberFilter::parse(text));
  static_cast<void>(mito::change_storage_quota(5, text));
  static_cast<void>(mito::change_group_quota(5, text));
  static const auto keys = mito::security::TokenKeys::generate();
  expect(!keys->verify(text, 0));
  return 0;
}
