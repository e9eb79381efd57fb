#include "protocol/json_reader.h"

#include <algorithm>

#include "protocol/json_errors.h"
#include "protocol/text.h"

namespace mito::protocol {

using namespace json_errors;

namespace {

constexpr std::size_t kMaxDepth = 127;

bool is_digit(int byte) {
  return byte >= '0' && byte <= '9';
}

}  // namespace

// --- Errors ---

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
  error_.at_root =
      std::ranges::all_of(path_, [](const Segment& segment) { return segment.kind == Segment::Kind::kUnknownKey; });
  if (!error_.at_root) {
    for (auto segment = path_.rbegin(); segment != path_.rend(); ++segment) {
      if (segment != path_.rbegin() && segment->kind != Segment::Kind::kElement) error_.path += '.';
      error_.path += segment->text;
    }
  }
  return std::move(error_);
}

// --- Tokens ---

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
    if (text_[index_++] != expected) return fail_syntax(kExpectedIdent, At::kLast);
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
    if (byte == ']') return fail_syntax(kTrailingComma, At::kNext);
    if (byte == kEnd) return fail_syntax(kEofValue, At::kNext);
  } else {
    return fail_syntax(kExpectedListCommaOrEnd, At::kNext);
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
    return fail_syntax(kExpectedObjectCommaOrEnd, At::kNext);
  }
  if (byte == '}') return fail_syntax(kTrailingComma, At::kNext);
  if (byte == kEnd) return fail_syntax(kEofValue, At::kNext);
  if (byte != '"') return fail_syntax(kKeyMustBeAString, At::kNext);
  ++index_;
  more = true;
  return read_string_rest(key);
}

bool JsonReader::read_colon() {
  const int byte = peek();
  if (byte == kEnd) return fail_syntax(kEofObject, At::kNext);
  if (byte != ':') return fail_syntax(kExpectedColon, At::kNext);
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
      return fail_syntax(peek() == ']' ? kTrailingComma : kTrailingCharacters, At::kNext);
    case kEnd:
      return fail_syntax(kEofList, At::kNext);
    default:
      return fail_syntax(kTrailingCharacters, At::kNext);
  }
}

bool JsonReader::end_object() {
  switch (peek()) {
    case '}':
      ++index_;
      return true;
    case ',':
      return fail_syntax(kTrailingComma, At::kNext);
    case kEnd:
      return fail_syntax(kEofObject, At::kNext);
    default:
      return fail_syntax(kTrailingCharacters, At::kNext);
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
  return peek() == kEnd || fail_syntax(kTrailingCharacters, At::kNext);
}

// --- Values nobody asked for ---

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
      if (check == Check::kStrict && open.size() == kMaxDepth) return fail_syntax(kRecursionLimit, At::kNext);
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
      if (byte != ',') return fail_syntax(list ? kExpectedListCommaOrEnd : kExpectedObjectCommaOrEnd, At::kNext);
      ++index_;
      break;
    }
    if (open.empty()) return true;
    if (open.back() == '[') continue;
    byte = peek();
    if (byte != '"')
      return byte == kEnd ? fail_syntax(kEofObject, At::kNext) : fail_syntax(kKeyMustBeAString, At::kNext);
    if (!skip_scalar('"', check) || !read_colon()) return false;
  }
}

}  // namespace mito::protocol
