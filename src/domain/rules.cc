#include "domain/rules.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "domain/numbers.h"

namespace mito {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kAttachmentKeyLimit = 1024;

}  // namespace

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_valid_attachment_key(std::string_view group, std::string_view key) {
  if (group.size() + 1 + key.size() >= kAttachmentKeyLimit) return false;
  const std::string path = fmt::format("{}/{}", group, key);
  return path.find("/./") == std::string::npos && path.find("/../") == std::string::npos &&
         path.find("//") == std::string::npos;
}

bool tags_match(TagMatching rule, const std::vector<std::string>& worker_tags,
                const std::vector<std::string>& task_tags) {
  switch (rule) {
    case TagMatching::kDocumented:
      return worker_tags.empty() || std::ranges::includes(worker_tags, task_tags);
    case TagMatching::kStrict:
      return std::ranges::includes(worker_tags, task_tags);
    case TagMatching::kSubset:
      return std::ranges::includes(task_tags, worker_tags);
  }
  return false;
}

std::vector<std::string> normalise_set(std::vector<std::string> items) {
  std::ranges::sort(items);
  const auto rest = std::ranges::unique(items);
  items.erase(rest.begin(), rest.end());
  return items;
}

Result<NumberFilter> NumberFilter::parse(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Operator>, 6> kOperators = {{
      {">=", Operator::kGreaterEqual},
      {"<=", Operator::kLessEqual},
      {"!=", Operator::kNotEqual},
      {">", Operator::kGreater},
      {"<", Operator::kLess},
      {"=", Operator::kEqual},
  }};
  NumberFilter filter;
  for (const auto& [symbol, op] : kOperators) {
    if (!text.starts_with(symbol)) continue;
    filter.op = op;
    text.remove_prefix(symbol.size());
    break;
  }
  const auto value = parse_int32(text);
  if (!value) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("Failed to parse number from {}: {}", text, value.error()));
  }
  filter.value = *value;
  return filter;
}

bool NumberFilter::accepts(std::int64_t number) const {
  switch (op) {
    case Operator::kEqual:
      return number == value;
    case Operator::kNotEqual:
      return number != value;
    case Operator::kLess:
      return number < value;
    case Operator::kLessEqual:
      return number <= value;
    case Operator::kGreater:
      return number > value;
    case Operator::kGreaterEqual:
      return number >= value;
  }
  return false;
}

std::expected<std::int32_t, std::string_view> parse_int32(std::string_view text) {
  if (text.empty()) return std::unexpected("cannot parse integer from empty string");
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return std::unexpected("invalid digit found in string");
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::unexpected("invalid digit found in string");
    value = value * 10 + (negative ? '0' - c : c - '0');
    if (value > std::numeric_limits<std::int32_t>::max()) {
      return std::unexpected("number too large to fit in target type");
    }
    if (value < std::numeric_limits<std::int32_t>::min()) {
      return std::unexpected("number too small to fit in target type");
    }
  }
  return static_cast<std::int32_t>(value);
}

}  // namespace mito
