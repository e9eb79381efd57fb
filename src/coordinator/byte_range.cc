#include "coordinator/byte_range.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace mito::coordinator {

namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

}  // namespace

RequestedRange parse_range(std::string_view header, std::uint64_t size) {
  using Kind = RequestedRange::Kind;
  const RequestedRange whole{.kind = Kind::kWhole, .range = {.first = 0, .length = size}};
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return whole;
  header.remove_prefix(kUnit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return whole;
  const auto first = parse_number(header.substr(0, dash));
  const auto last = parse_number(header.substr(dash + 1));
  if (dash == 0) {
    if (!last) return whole;
    const std::uint64_t length = std::min(*last, size);
    if (length == 0) return {.kind = Kind::kUnsatisfiable, .range = {}};
    return {.kind = Kind::kPart, .range = {.first = size - length, .length = length}};
  }
  const bool open_end = dash + 1 == header.size();
  if (!first || (!open_end && !last) || (last && *last < *first)) return whole;
  if (*first >= size) return {.kind = Kind::kUnsatisfiable, .range = {}};
  const std::uint64_t end = open_end ? size - 1 : std::min(*last, size - 1);
  return {.kind = Kind::kPart, .range = {.first = *first, .length = end - *first + 1}};
}

}  // namespace mito::coordinator
