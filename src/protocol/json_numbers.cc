#include <algorithm>
#include <cstdlib>
#include <limits>

#include "protocol/json_errors.h"
#include "protocol/json_reader.h"

namespace mito::protocol {

using namespace json_errors;

namespace {

bool is_digit(int byte) {
  return byte >= '0' && byte <= '9';
}

}  // namespace

bool JsonReader::read_number(JsonNumber& number, std::string_view expected) {
  const int byte = peek();
  if (byte == kEnd) return fail_syntax(kEofValue, At::kNext);
  if (byte == '-') {
    ++index_;
    return read_number_rest(false, number);
  }
  return is_digit(byte) ? read_number_rest(true, number) : fail_type(expected);
}

bool JsonReader::read_number_rest(bool positive, JsonNumber& number) {
  if (index_ == text_.size()) return fail_syntax(kEofValue, At::kLast);
  const int first = peek_byte();
  ++index_;
  if (!is_digit(first)) return fail_syntax(kInvalidNumber, At::kLast);
  if (first == '0' && is_digit(peek_byte())) return fail_syntax(kInvalidNumber, At::kNext);
  auto significand = static_cast<std::uint64_t>(first - '0');
  while (is_digit(peek_byte())) {
    const auto digit = static_cast<std::uint64_t>(peek_byte() - '0');
    if (significand > (std::numeric_limits<std::uint64_t>::max() - digit) / 10)
      return read_long_integer(positive, significand, number);
    significand = significand * 10 + digit;
    ++index_;
  }
  const int next = peek_byte();
  if (next == '.') return read_decimal(positive, significand, 0, number);
  if (next == 'e' || next == 'E') return read_exponent(positive, significand, 0, number);
  constexpr std::uint64_t kSignedLimit = std::uint64_t{1} << 63U;
  if (positive) {
    number = {.kind = JsonNumber::Kind::kUnsigned, .natural = significand};
  } else if (significand == 0 || significand > kSignedLimit) {
    number = {.kind = JsonNumber::Kind::kFloat, .real = -static_cast<double>(significand)};
  } else {
    number = {.kind = JsonNumber::Kind::kSigned, .integer = -static_cast<std::int64_t>(significand - 1) - 1};
  }
  return true;
}

bool JsonReader::read_long_integer(bool positive, std::uint64_t significand, JsonNumber& number) {
  int exponent = 0;
  for (; is_digit(peek_byte()); ++index_)
    ++exponent;
  const int next = peek_byte();
  if (next == '.') return read_decimal(positive, significand, exponent, number);
  if (next == 'e' || next == 'E') return read_exponent(positive, significand, exponent, number);
  return make_float(positive, significand, exponent, number);
}

bool JsonReader::read_decimal(bool positive, std::uint64_t significand, int exponent, JsonNumber& number) {
  ++index_;
  if (!is_digit(peek_byte())) return fail_syntax(peek_byte() == kEnd ? kEofValue : kInvalidNumber, At::kNext);
  bool full = false;  // Further digits would not fit and do not count.
  for (; is_digit(peek_byte()); ++index_) {
    const auto digit = static_cast<std::uint64_t>(peek_byte() - '0');
    full = full || significand > (std::numeric_limits<std::uint64_t>::max() - digit) / 10;
    if (full) continue;
    significand = significand * 10 + digit;
    --exponent;
  }
  const int next = peek_byte();
  if (next == 'e' || next == 'E') return read_exponent(positive, significand, exponent, number);
  return make_float(positive, significand, exponent, number);
}

bool JsonReader::read_exponent(bool positive, std::uint64_t significand, int exponent, JsonNumber& number) {
  ++index_;
  const bool negative_exponent = peek_byte() == '-';
  if (negative_exponent || peek_byte() == '+') ++index_;
  if (index_ == text_.size()) return fail_syntax(kEofValue, At::kLast);
  if (!is_digit(peek_byte())) {
    ++index_;
    return fail_syntax(kInvalidNumber, At::kLast);
  }
  std::int64_t given = 0;
  while (is_digit(peek_byte())) {
    given = given * 10 + (peek_byte() - '0');
    ++index_;
    if (given <= std::numeric_limits<std::int32_t>::max()) continue;
    if (significand != 0 && !negative_exponent) return fail_syntax(kOutOfRange, At::kLast);
    while (is_digit(peek_byte()))
      ++index_;
    number = {.kind = JsonNumber::Kind::kFloat, .real = positive ? 0.0 : -0.0};
    return true;
  }
  const std::int64_t sum = exponent + (negative_exponent ? -given : given);
  constexpr std::int64_t kMin = std::numeric_limits<int>::min();
  constexpr std::int64_t kMax = std::numeric_limits<int>::max();
  return make_float(positive, significand, static_cast<int>(std::clamp(sum, kMin, kMax)), number);
}

bool JsonReader::make_float(bool positive, std::uint64_t significand, int exponent, JsonNumber& number) {
  // Scaled step by step, as the original does: the last digit may differ from the nearest float, and is shown in
  // errors.
  constexpr int kLargest = 308;
  const auto power = [](int of) {
    char digits[8] = "1e";
    digits[2 + std::to_string(of).copy(digits + 2, 4)] = '\0';
    return std::strtod(digits, nullptr);
  };
  auto value = static_cast<double>(significand);
  while (value != 0 && (exponent > kLargest || exponent < -kLargest)) {
    if (exponent > 0) return fail_syntax(kOutOfRange, At::kLast);
    value /= power(kLargest);
    exponent += kLargest;
  }
  if (value != 0) value = exponent >= 0 ? value * power(exponent) : value / power(-exponent);
  if (value > std::numeric_limits<double>::max()) return fail_syntax(kOutOfRange, At::kLast);
  number = {.kind = JsonNumber::Kind::kFloat, .real = positive ? value : -value};
  return true;
}

bool JsonReader::skip_number_rest() {
  const int first = peek_byte();
  if (first != kEnd) ++index_;
  if (!is_digit(first)) return fail_syntax(kInvalidNumber, At::kLast);
  if (first == '0' && is_digit(peek_byte())) return fail_syntax(kInvalidNumber, At::kNext);
  while (is_digit(peek_byte()))
    ++index_;
  if (peek_byte() == '.') {
    ++index_;
    if (!is_digit(peek_byte())) return fail_syntax(kInvalidNumber, At::kNext);
    while (is_digit(peek_byte()))
      ++index_;
  }
  if (peek_byte() != 'e' && peek_byte() != 'E') return true;
  ++index_;
  if (peek_byte() == '+' || peek_byte() == '-') ++index_;
  const int digit = peek_byte();
  if (digit != kEnd) ++index_;
  if (!is_digit(digit)) return fail_syntax(kInvalidNumber, At::kLast);
  while (is_digit(peek_byte()))
    ++index_;
  return true;
}

}  // namespace mito::protocol
