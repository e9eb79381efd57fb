#include "protocol/authorization.h"

#include <algorithm>

namespace mito::protocol {

namespace {

constexpr std::string_view kScheme = "bearer";

bool names_the_scheme(std::string_view value) {
  return value.size() > kScheme.size() && value[kScheme.size()] == ' ' &&
         std::ranges::equal(value.substr(0, kScheme.size()), kScheme, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
}

}  // namespace

std::optional<std::string_view> bearer_of(std::string_view value) {
  if (!names_the_scheme(value)) return std::nullopt;
  if (std::ranges::any_of(value, [](char c) { return (c < 0x20 || c > 0x7e) && c != '\t'; })) return std::nullopt;
  value.remove_prefix(kScheme.size());
  while (value.starts_with(' '))
    value.remove_prefix(1);
  while (value.ends_with(' '))
    value.remove_suffix(1);
  if (value.empty()) return std::nullopt;
  return value;
}

}  // namespace mito::protocol
