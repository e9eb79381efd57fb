#include "protocol/json_writer.h"

#include <charconv>
#include <cmath>

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
  std::size_t done = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto byte = static_cast<unsigned char>(value[i]);
    if (byte >= 0x80) ascii = false;
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    text_.append(value, done, i - done);
    done = i + 1;
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
  text_.append(value, done);
  if (!ascii && !is_utf8(std::string_view(text_).substr(start))) {
    const std::string repaired = replace_bad_utf8(std::string_view(text_).substr(start));
    text_.replace(start, std::string::npos, repaired);
  }
  text_ += '"';
}

}  // namespace mito::protocol
