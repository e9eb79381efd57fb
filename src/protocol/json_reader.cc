#include "protocol/json_reader.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/encoding.h"
#include "protocol/text.h"

namespace mito::protocol {
namespace {

constexpr std::string_view kEofValue = "EOF while parsing a value";
constexpr std::string_view kEofString = "EOF while parsing a string";
constexpr std::string_view kEofList = "EOF while parsing a list";
constexpr std::string_view kEofObject = "EOF while parsing an object";
constexpr std::string_view kExpectedValue = "expected value";
constexpr std::string_view kInvalidNumber = "invalid number";
constexpr std::string_view kInvalidEscape = "invalid escape";
constexpr std::string_view kOutOfRange = "number out of range";
constexpr std::string_view kControl = "control character (\\u0000-\\u001F) found while parsing a string";
constexpr std::size_t kMaxDepth = 127;

bool is_digit(int byte) {
  return byte >= '0' && byte <= '9';
}

bool is_plain(unsigned char byte) {
  return byte >= 0x20 && byte != '"' && byte != '\\';
}

int hex_value(unsigned char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

}  // namespace

// Errors
// -----------------------------------------------------------------------------------------------------------------------

void JsonReader::set_position(std::size_t index) {
  const std::string_view before = text_.substr(0, std::min(index, text_.size()));
  const std::size_t line_break = before.rfind('\n');
  const std::size_t line_start = line_break == std::string_view::npos ? 0 : line_break + 1;
  error_.line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  error_.column = before.size() - line_start;
  positioned_ = true;
}

bool JsonReader::fail_syntax(std::string_view message, At at) {
  error_.kind = DecodeError::Kind::kSyntax;
  error_.message = message;
  set_position(at == At::kNext ? index_ + 1 : index_);
  return false;
}

bool JsonReader::fail_shape(std::string message) {
  error_.kind = DecodeError::Kind::kShape;
  error_.message = std::move(message);
  positioned_ = false;
  return false;
}

bool JsonReader::settle() {
  if (!positioned_) set_position(index_);
  return false;
}

bool JsonReader::fail_type(std::string_view expected) {
  const auto fail_with = [&](const std::string& found) {
    fail_shape("invalid type: " + found + ", expected " + std::string(expected));
    return settle();
  };
  switch (const int byte = peek_byte(); byte) {
    case 'n':
      ++index_;
      return read_rest("ull") && fail_with("null");
    case 't':
      ++index_;
      return read_rest("rue") && fail_with("boolean `true`");
    case 'f':
      ++index_;
      return read_rest("alse") && fail_with("boolean `false`");
    case '"': {
      ++index_;
      std::string_view value;
      return read_string_rest(value) && fail_with("string " + show_string(value));
    }
    case '[':
      return fail_with("sequence");
    case '{':
      return fail_with("map");
    default:
      if (byte != '-' && !is_digit(byte)) return fail_syntax(kExpectedValue, At::kNext);
      if (byte == '-') ++index_;
      JsonNumber number;
      if (!read_number_rest(byte != '-', number)) return false;
      switch (number.kind) {
        case JsonNumber::Kind::kUnsigned:
          return fail_with("integer `" + std::to_string(number.natural) + "`");
        case JsonNumber::Kind::kSigned:
          return fail_with("integer `" + std::to_string(number.integer) + "`");
        default:
          return fail_with("floating point `" + show_float(number.real) + "`");
      }
  }
}

bool JsonReader::in_member(std::string_view name) {
  path_.push_back({std::string(name), Segment::Kind::kName});
  return false;
}

bool JsonReader::in_element(std::size_t index) {
  path_.push_back({"[" + std::to_string(index) + "]", Segment::Kind::kElement});
  return false;
}

bool JsonReader::in_unknown_key() {
  path_.push_back({"?", Segment::Kind::kUnknownKey});
  return false;
}

DecodeError JsonReader::take_error() {
  settle();
  const bool unknown_only =
      std::ranges::all_of(path_, [](const Segment& segment) { return segment.kind == Segment::Kind::kUnknownKey; });
  if (!unknown_only) {
    for (auto segment = path_.rbegin(); segment != path_.rend(); ++segment) {
      if (!error_.path.empty() && segment->kind != Segment::Kind::kElement) error_.path += '.';
      error_.path += segment->text;
    }
  }
  return std::move(error_);
}

// Tokens
// -----------------------------------------------------------------------------------------------------------------------

int JsonReader::peek() {
  while (index_ < text_.size()) {
    const char byte = text_[index_];
    if (byte != ' ' && byte != '\n' && byte != '\t' && byte != '\r') return static_cast<unsigned char>(byte);
    ++index_;
  }
  return kEnd;
}

bool JsonReader::read_rest(std::string_view rest) {
  for (const char expected : rest) {
    if (index_ == text_.size()) return fail_syntax(kEofValue, At::kLast);
    if (text_[index_++] != expected) return fail_syntax("expected ident", At::kLast);
  }
  return true;
}

bool JsonReader::read_null_rest() {
  ++index_;
  return read_rest("ull");
}

bool JsonReader::read_bool(bool& value) {
  switch (peek()) {
    case kEnd:
      return fail_syntax(kEofValue, At::kNext);
    case 't':
      ++index_;
      value = true;
      return read_rest("rue");
    case 'f':
      ++index_;
      value = false;
      return read_rest("alse");
    default:
      return fail_type("a boolean");
  }
}

bool JsonReader::read_string(std::string_view& value, std::string_view expected) {
  switch (peek()) {
    case kEnd:
      return fail_syntax(kEofValue, At::kNext);
    case '"':
      ++index_;
      return read_string_rest(value);
    default:
      return fail_type(expected);
  }
}

bool JsonReader::next_element(bool& first, bool& more) {
  more = false;
  int byte = peek();
  if (byte == ']') return true;
  if (byte == kEnd) return fail_syntax(kEofList, At::kNext);
  if (first) {
    first = false;
  } else if (byte == ',') {
    ++index_;
    byte = peek();
    if (byte == ']') return fail_syntax("trailing comma", At::kNext);
    if (byte == kEnd) return fail_syntax(kEofValue, At::kNext);
  } else {
    return fail_syntax("expected `,` or `]`", At::kNext);
  }
  more = true;
  return true;
}

bool JsonReader::next_key(bool& first, bool& more, std::string_view& key) {
  more = false;
  int byte = peek();
  if (byte == '}') return true;
  if (byte == kEnd) return fail_syntax(kEofObject, At::kNext);
  if (first) {
    first = false;
  } else if (byte == ',') {
    ++index_;
    byte = peek();
  } else {
    return fail_syntax("expected `,` or `}`", At::kNext);
  }
  if (byte == '}') return fail_syntax("trailing comma", At::kNext);
  if (byte == kEnd) return fail_syntax(kEofValue, At::kNext);
  if (byte != '"') return fail_syntax("key must be a string", At::kNext);
  ++index_;
  more = true;
  return read_string_rest(key);
}

bool JsonReader::read_colon() {
  const int byte = peek();
  if (byte == kEnd) return fail_syntax(kEofObject, At::kNext);
  if (byte != ':') return fail_syntax("expected `:`", At::kNext);
  ++index_;
  return true;
}

bool JsonReader::end_array() {
  switch (peek()) {
    case ']':
      ++index_;
      return true;
    case ',':
      ++index_;
      return fail_syntax(peek() == ']' ? "trailing comma" : "trailing characters", At::kNext);
    case kEnd:
      return fail_syntax(kEofList, At::kNext);
    default:
      return fail_syntax("trailing characters", At::kNext);
  }
}

bool JsonReader::end_object() {
  switch (peek()) {
    case '}':
      ++index_;
      return true;
    case ',':
      return fail_syntax("trailing comma", At::kNext);
    case kEnd:
      return fail_syntax(kEofObject, At::kNext);
    default:
      return fail_syntax("trailing characters", At::kNext);
  }
}

void JsonReader::close_array() {
  const int byte = peek();
  if (byte != ']' && byte != ',') return;
  ++index_;
  if (byte == ',') peek();
}

void JsonReader::close_object() {
  if (peek() == '}') ++index_;
}

bool JsonReader::end_text() {
  return peek() == kEnd || fail_syntax("trailing characters", At::kNext);
}

// Strings
// ----------------------------------------------------------------------------------------------------------------------

void JsonReader::skip_plain(bool& ascii) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = kOnes << 7U;
  std::uint64_t seen = 0;
  // Eight bytes at once; `special` may be a false alarm, but is never zero wrongly.
  while (text_.size() - index_ >= sizeof(std::uint64_t)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text_.data() + index_, sizeof(bytes));
    const std::uint64_t quotes = bytes ^ (kOnes * '"');
    const std::uint64_t slashes = bytes ^ (kOnes * '\\');
    const std::uint64_t special =
        (((bytes - kOnes * 0x20) & ~bytes) | ((quotes - kOnes) & ~quotes) | ((slashes - kOnes) & ~slashes)) & kHighs;
    if (special != 0) break;
    seen |= bytes;
    index_ += sizeof(bytes);
  }
  while (index_ < text_.size() && is_plain(static_cast<unsigned char>(text_[index_]))) {
    seen |= static_cast<unsigned char>(text_[index_]);
    ++index_;
  }
  if ((seen & kHighs) != 0) ascii = false;
}

bool JsonReader::read_string_rest(std::string_view& value) {
  scratch_.clear();
  bool ascii = true;
  bool escaped = false;
  std::size_t start = index_;
  while (true) {
    skip_plain(ascii);
    if (index_ == text_.size()) return fail_syntax(kEofString, At::kLast);
    const char byte = text_[index_++];
    if (byte == '"') break;
    if (byte != '\\') return fail_syntax(kControl, At::kLast);
    scratch_.append(text_.substr(start, index_ - 1 - start));
    if (!read_escape()) return false;
    escaped = true;
    start = index_;
  }
  value = text_.substr(start, index_ - 1 - start);
  if (escaped) {
    scratch_.append(value);
    value = scratch_;
  }
  return ascii || is_utf8(value) || fail_syntax("invalid unicode code point", At::kLast);
}

bool JsonReader::skip_string_rest() {
  bool ascii = true;
  while (true) {
    skip_plain(ascii);
    if (index_ == text_.size()) return fail_syntax(kEofString, At::kLast);
    const char byte = text_[index_];
    if (byte != '"' && byte != '\\') return fail_syntax(kControl, At::kLast);
    ++index_;
    if (byte == '"') return true;
    if (!skip_escape()) return false;
  }
}

bool JsonReader::read_escape() {
  if (index_ == text_.size()) return fail_syntax(kEofString, At::kLast);
  switch (text_[index_++]) {
    case '"':
      scratch_ += '"';
      return true;
    case '\\':
      scratch_ += '\\';
      return true;
    case '/':
      scratch_ += '/';
      return true;
    case 'b':
      scratch_ += '\b';
      return true;
    case 'f':
      scratch_ += '\f';
      return true;
    case 'n':
      scratch_ += '\n';
      return true;
    case 'r':
      scratch_ += '\r';
      return true;
    case 't':
      scratch_ += '\t';
      return true;
    case 'u':
      return read_unicode_escape();
    default:
      return fail_syntax(kInvalidEscape, At::kLast);
  }
}

bool JsonReader::skip_escape() {
  if (index_ == text_.size()) return fail_syntax(kEofString, At::kLast);
  const char byte = text_[index_++];
  std::uint32_t unit = 0;
  if (byte == 'u') return read_hex(unit);
  return std::string_view("\"\\/bfnrt").contains(byte) || fail_syntax(kInvalidEscape, At::kLast);
}

bool JsonReader::read_hex(std::uint32_t& unit) {
  if (text_.size() - index_ < 4) {
    index_ = text_.size();
    return fail_syntax(kEofString, At::kLast);
  }
  unit = 0;
  bool valid = true;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(static_cast<unsigned char>(text_[index_++]));
    valid = valid && digit >= 0;
    unit = unit << 4U | static_cast<std::uint32_t>(digit < 0 ? 0 : digit);
  }
  return valid || fail_syntax(kInvalidEscape, At::kLast);
}

bool JsonReader::read_unicode_escape() {
  std::uint32_t first = 0;
  if (!read_hex(first)) return false;
  if (first < 0xD800 || first > 0xDFFF) {
    append_utf8(scratch_, first);
    return true;
  }
  if (first >= 0xDC00) return fail_syntax("lone leading surrogate in hex escape", At::kLast);
  for (const char expected : {'\\', 'u'}) {
    if (index_ == text_.size()) return fail_syntax(kEofString, At::kLast);
    if (text_[index_++] != expected) return fail_syntax("unexpected end of hex escape", At::kLast);
  }
  std::uint32_t second = 0;
  if (!read_hex(second)) return false;
  if (second < 0xDC00 || second > 0xDFFF) return fail_syntax("lone leading surrogate in hex escape", At::kLast);
  append_utf8(scratch_, 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00));
  return true;
}

// Numbers
// ----------------------------------------------------------------------------------------------------------------------

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

// Values nobody asked for
// ------------------------------------------------------------------------------------------------------

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

bool JsonReader::skip_scalar(int first, Check check) {
  std::string_view ignored;
  JsonNumber number;
  switch (first) {
    case 'n':
      ++index_;
      return read_rest("ull");
    case 't':
      ++index_;
      return read_rest("rue");
    case 'f':
      ++index_;
      return read_rest("alse");
    case '"':
      ++index_;
      return check == Check::kStrict ? read_string_rest(ignored) : skip_string_rest();
    case kEnd:
      return fail_syntax(kEofValue, At::kNext);
    default:
      if (first != '-' && !is_digit(first)) return fail_syntax(kExpectedValue, At::kNext);
      if (first == '-') ++index_;
      return check == Check::kStrict ? read_number_rest(first != '-', number) : skip_number_rest();
  }
}

bool JsonReader::skip_value(Check check) {
  std::string open;  // The brackets around the current value.
  while (true) {
    int byte = peek();
    bool complete =
        byte != '[' && byte != '{';  // A value has just been read, so that a comma or a bracket must follow.
    if (complete) {
      if (!skip_scalar(byte, check)) return false;
    } else {
      if (check == Check::kStrict && open.size() == kMaxDepth)
        return fail_syntax("recursion limit exceeded", At::kNext);
      ++index_;
      open += static_cast<char>(byte);
    }
    while (!open.empty()) {
      const bool list = open.back() == '[';
      byte = peek();
      if (byte == kEnd) return fail_syntax(list ? kEofList : kEofObject, At::kNext);
      if (byte == (list ? ']' : '}')) {
        ++index_;
        open.pop_back();
        complete = true;
        continue;
      }
      if (!complete) break;
      if (byte != ',') return fail_syntax(list ? "expected `,` or `]`" : "expected `,` or `}`", At::kNext);
      ++index_;
      break;
    }
    if (open.empty()) return true;
    if (open.back() == '[') continue;
    byte = peek();
    if (byte != '"')
      return byte == kEnd ? fail_syntax(kEofObject, At::kNext) : fail_syntax("key must be a string", At::kNext);
    if (!skip_scalar('"', check) || !read_colon()) return false;
  }
}

}  // namespace mito::protocol
