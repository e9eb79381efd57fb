#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/size.h"
#include "domain/numbers.h"
#include "domain/rules.h"

namespace mito {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

enum class Change { kSet, kAdd, kTake };

/// Takes the sign that says what kind of change follows.
Change take_sign(std::string_view& text) {
  if (text.empty() || (text.front() != '+' && text.front() != '-' && text.front() != '=')) return Change::kSet;
  const char sign = text.front();
  text.remove_prefix(1);
  return sign == '+' ? Change::kAdd : sign == '-' ? Change::kTake : Change::kSet;
}

/// `current` changed by `amount`, stopping at the limits of int64.
std::int64_t apply(Change change, std::int64_t current, std::int64_t amount) {
  std::int64_t result = amount;
  if (change == Change::kAdd && __builtin_add_overflow(current, amount, &result)) result = amount > 0 ? kMost : kLeast;
  if (change == Change::kTake && __builtin_sub_overflow(current, amount, &result)) result = amount > 0 ? kLeast : kMost;
  return result;
}

}  // namespace

Result<std::int32_t> change_group_quota(std::int32_t current, std::string_view change) {
  std::string_view rest = change;
  const Change kind = take_sign(rest);
  const auto amount = parse_int32(rest);
  if (!amount) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("\"{}\" is not a group quota ({}); write a number, or +N or -N to change the present one",
                            change, amount.error()));
  }
  const std::int64_t changed = apply(kind, current, *amount);
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(changed, 0, std::numeric_limits<std::int32_t>::max()));
}

Result<std::int64_t> change_storage_quota(std::int64_t current, std::string_view change) {
  std::string_view rest = change;
  const Change kind = take_sign(rest);
  const auto size = parse_size(rest);
  if (!size) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("\"{}\" is not a storage quota; write a size such as 500MB or 16GiB, or +SIZE or -SIZE to "
                            "change the present one",
                            change),
                size.error().text());
  }
  return apply(kind, current, static_cast<std::int64_t>(std::min<std::uint64_t>(*size, kMost)));
}

std::optional<StorageChange> book_upload(std::int64_t used, std::int64_t quota, std::optional<std::int64_t> old_size,
                                         std::int64_t length) {
  if (length < 0) return std::nullopt;
  const std::int64_t size = old_size ? std::max(*old_size, length) : length;
  std::int64_t growth = 0;
  StorageChange change{.used = 0, .size = size};
  if (__builtin_sub_overflow(size, old_size.value_or(0), &growth) ||
      __builtin_add_overflow(used, growth, &change.used) || change.used > quota) {
    return std::nullopt;
  }
  return change;
}

}  // namespace mito
