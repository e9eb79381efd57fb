#include "protocol/json_writer.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/encoding.h"
#include "protocol/text.h"

namespace mito::protocol {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

template <class Number>
void append_number(std::string& out, Number value) {
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value);
  out.append(std::begin(digits), end.ptr);
}

/// How many bytes from `start` on stand for themselves inside of quotes. Clears `ascii` where one is no ASCII.
std::size_t plain_bytes(std::string_view value, std::size_t start, bool& ascii) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = kOnes << 7U;
  std::size_t i = start;
  std::uint64_t seen = 0;
  // Eight bytes at once; `special` may be a false alarm, but is never zero wrongly.
  while (value.size() - i >= sizeof(std::uint64_t)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, value.data() + i, sizeof(bytes));
    const std::uint64_t quotes = bytes ^ (kOnes * '"');
    const std::uint64_t slashes = bytes ^ (kOnes * '\\');
    const std::uint64_t special =
        (((bytes - kOnes * 0x20) & ~bytes) | ((quotes - kOnes) & ~quotes) | ((slashes - kOnes) & ~slashes)) & kHighs;
    if (special != 0) break;
    seen |= bytes;
    i += sizeof(bytes);
  }
  for (; i < value.size(); ++i) {
    const auto byte = static_cast<unsigned char>(value[i]);
    if (byte < 0x20 || byte == '"' || byte == '\\') break;
    seen |= byte;
  }
  if ((seen & kHighs) != 0) ascii = false;
  return i - start;
}

}  // namespace

void JsonWriter::separate() {
  if (!first_) text_ += ',';
  first_ = false;
}

void JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  text_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  quoted(name);
  text_ += ':';
  first_ = true;
}

void JsonWriter::integer(std::int64_t value) {
  separate();
  append_number(text_, value);
}

void JsonWriter::natural(std::uint64_t value) {
  separate();
  append_number(text_, value);
}

void JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  separate();
  append_number(text_, value);
}

void JsonWriter::string(std::string_view value) {
  separate();
  quoted(value);
}

void JsonWriter::raw(std::string_view json) {
  separate();
  text_ += json;
}

void JsonWriter::quoted(std::string_view value) {
  bool ascii = true;
  text_ += '"';
  const std::size_t start = text_.size();
  for (std::size_t i = 0;; ++i) {
    const std::size_t plain = plain_bytes(value, i, ascii);
    text_.append(value, i, plain);
    i += plain;
    if (i == value.size()) break;
    const auto byte = static_cast<unsigned char>(value[i]);
    switch (byte) {
      case '"':
        text_ += "\\\"";
        break;
      case '\\':
        text_ += "\\\\";
        break;
      case '\b':
        text_ += "\\b";
        break;
      case '\f':
        text_ += "\\f";
        break;
      case '\n':
        text_ += "\\n";
        break;
      case '\r':
        text_ += "\\r";
        break;
      case '\t':
        text_ += "\\t";
        break;
      default:
        text_ += "\\u00";
        text_ += kHex[byte >> 4U];
        text_ += kHex[byte & 0xFU];
    }
  }
  if (!ascii && !is_utf8(std::string_view(text_).substr(start))) {
    const std::string repaired = replace_bad_utf8(std::string_view(text_).substr(start));
    text_.replace(start, std::string::npos, repaired);
  }
  text_ += '"';
}

}  // namespace mito::protocol
