// Any text as a size or a change of a quota: a value, or an error that says something. Relative changes keep their
// direction.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/size.h"
#include "domain/rules.h"

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto bytes = mito::parse_size(text);
  if (!bytes) expect(!bytes.error().text().empty());
  const bool digits =
      !text.empty() && text.size() < 19 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (digits) expect(bytes && *bytes == std::stoull(std::string(text)));
  constexpr std::int64_t kOld = 5;
  const auto quota = mito::change_storage_quota(kOld, text);
  if (!quota) expect(!quota.error().text().empty());
  if (const auto groups = mito::change_group_quota(kOld, text)) expect(*groups >= 0);
  return 0;
}
