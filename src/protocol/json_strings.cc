#include <cstring>

#include "base/encoding.h"
#include "protocol/json_errors.h"
#include "protocol/json_reader.h"

namespace mito::protocol {

using namespace json_errors;

namespace {

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
  return ascii || is_utf8(value) || fail_syntax(kInvalidCodePoint, At::kLast);
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
  if (first >= 0xDC00) return fail_syntax(kLoneSurrogate, At::kLast);
  for (const char expected : {'\\', 'u'}) {
    if (index_ == text_.size()) return fail_syntax(kEofString, At::kLast);
    if (text_[index_++] != expected) return fail_syntax(kEndOfHexEscape, At::kLast);
  }
  std::uint32_t second = 0;
  if (!read_hex(second)) return false;
  if (second < 0xDC00 || second > 0xDFFF) return fail_syntax(kLoneSurrogate, At::kLast);
  append_utf8(scratch_, 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00));
  return true;
}

}  // namespace mito::protocol
