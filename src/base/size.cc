#include "base/size.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

namespace mito {
namespace {

using Wide = unsigned __int128;

constexpr std::uint64_t kMaximum = std::numeric_limits<std::uint64_t>::max();
/// 10^38 is the greatest power of ten that Wide holds.
constexpr int kGreatestPower = 38;

struct Unit {
  int prefix = 0;  ///< 0 for none, 1 for k, … 6 for e.
  bool binary = false;
};

/// From here on further digits count only by their place: twenty digits are more than any size that fits has.
constexpr Wide kEnoughDigits = 10'000'000'000'000'000'000U;

/// A decimal number as mantissa x 10^scale. The mantissa is below 2^67, so that its product with 2^60 fits into Wide.
struct Number {
  Wide mantissa = 0;
  std::int64_t scale = 0;
};

Unit take_unit(std::string_view& text) {
  Unit unit;
  if (text.ends_with('b') || text.ends_with('B')) text.remove_suffix(1);
  if (text.ends_with('i') || text.ends_with('I')) {
    unit.binary = true;
    text.remove_suffix(1);
  }
  if (text.empty()) return unit;
  constexpr std::string_view kPrefixes = "kmgtpe";
  constexpr std::string_view kUpperPrefixes = "KMGTPE";
  std::size_t at = kPrefixes.find(text.back());
  if (at == std::string_view::npos) at = kUpperPrefixes.find(text.back());
  if (at == std::string_view::npos) return unit;
  unit.prefix = static_cast<int>(at) + 1;
  text.remove_suffix(1);
  return unit;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool parse_exponent(std::string_view text, std::int64_t& exponent) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  bool any = false;
  for (const char c : text) {
    if (c == ' ' || c == '_') continue;
    if (!is_digit(c)) return false;
    any = true;
    exponent = std::min<std::int64_t>(exponent * 10 + (c - '0'), 1'000'000);
  }
  if (negative) exponent = -exponent;
  return any;
}

bool parse_number(std::string_view text, Number& number) {
  bool any_digit = false;
  bool fraction = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '_') continue;
    if (is_digit(c)) {
      any_digit = true;
      if (number.mantissa < kEnoughDigits) {
        number.mantissa = number.mantissa * 10 + static_cast<unsigned>(c - '0');
        number.scale -= fraction ? 1 : 0;
      } else {
        number.scale += fraction ? 0 : 1;
      }
    } else if (c == '.' && any_digit && !fraction) {
      fraction = true;
    } else if ((c == 'e' || c == 'E') && any_digit) {
      std::int64_t exponent = 0;
      if (!parse_exponent(text.substr(i + 1), exponent)) return false;
      number.scale += exponent;
      return true;
    } else {
      return false;
    }
  }
  return any_digit;
}

/// mantissa x factor x 10^scale rounded to the nearest integer, halves up; false when it does not fit.
bool scale_up(Number number, std::uint64_t factor, std::uint64_t& result) {
  Wide value = number.mantissa * factor;
  for (; number.scale > 0 && value != 0; --number.scale) {
    if (value > kMaximum) return false;
    value *= 10;
  }
  if (number.scale < 0) {
    if (number.scale < -kGreatestPower) {
      value = 0;
    } else {
      Wide divisor = 1;
      for (std::int64_t i = number.scale; i < 0; ++i)
        divisor *= 10;
      value = (value + divisor / 2) / divisor;
    }
  }
  if (value > kMaximum) return false;
  result = static_cast<std::uint64_t>(value);
  return true;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  while (rest.ends_with(' '))
    rest.remove_suffix(1);
  const Unit unit = take_unit(rest);
  Number number;
  if (!parse_number(rest, number)) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("\"{}\" is not a size; write for instance 500, 10kB, 1.5GB or 2GiB", text));
  }
  std::uint64_t factor = 1;
  if (unit.binary) {
    factor <<= 10 * unit.prefix;
  } else {
    number.scale += std::int64_t{3} * unit.prefix;
  }
  std::uint64_t bytes = 0;
  if (!scale_up(number, factor, bytes)) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("the size \"{}\" is too large; it must be below 16 EiB", text));
  }
  return bytes;
}

std::string format_size(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  std::size_t unit = 0;
  std::uint64_t size = 1;
  // The next unit is due from the number on that would be shown as 1000.00 of this one.
  while (unit + 1 < kUnits.size() && bytes >= 1000 * size - size / 200) {
    size *= 1000;
    ++unit;
  }
  if (bytes % size == 0) return fmt::format("{} {}", bytes / size, kUnits[unit]);
  const auto hundredths = static_cast<std::uint64_t>((Wide{bytes} * 100 + size / 2) / size);
  return fmt::format("{}.{:02} {}", hundredths / 100, hundredths % 100, kUnits[unit]);
}

}  // namespace mito
