#include "protocol/json_errors.h"
#include "protocol/text.h"
#include "protocol/value_codec.h"

namespace mito::protocol {
namespace {

using Kind = TypeInfo::Kind;

bool read_text(JsonReader& reader, std::string& value, std::string_view expected) {
  std::string_view text;
  if (!reader.read_string(text, expected)) return false;
  value = text;
  return true;
}

bool fail_value(JsonReader& reader, const std::string& found, std::string_view expected) {
  reader.fail_shape("invalid value: " + found + ", expected " + std::string(expected));
  return reader.settle();
}

bool fail_number(JsonReader& reader, const JsonNumber& number, std::string_view expected) {
  if (number.kind == JsonNumber::Kind::kFloat) {
    reader.fail_shape("invalid type: floating point `" + show_float(number.real) + "`, expected " +
                      std::string(expected));
    return reader.settle();
  }
  const bool below_zero = number.kind == JsonNumber::Kind::kSigned;
  return fail_value(reader,
                    "integer `" + (below_zero ? std::to_string(number.integer) : std::to_string(number.natural)) + "`",
                    expected);
}

constexpr TypeInfo simple(Kind kind, std::string_view format = {}) {
  TypeInfo info;
  info.kind = kind;
  info.format = format;
  return info;
}

}  // namespace

// --- Text, numbers, truth ---

bool Codec<bool>::read(JsonReader& reader, bool& value) {
  return reader.read_bool(value);
}
void Codec<bool>::write(JsonWriter& writer, const bool& value) {
  writer.boolean(value);
}
const TypeInfo& Codec<bool>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kBoolean);
  return kInfo;
}

bool Codec<std::string>::read(JsonReader& reader, std::string& value) {
  return read_text(reader, value, "a string");
}
void Codec<std::string>::write(JsonWriter& writer, const std::string& value) {
  writer.string(value);
}
const TypeInfo& Codec<std::string>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kString);
  return kInfo;
}

bool read_path_string(JsonReader& reader, std::string& value) {
  return read_text(reader, value, "path string");
}

bool Codec<double>::read(JsonReader& reader, double& value) {
  JsonNumber number;
  if (!reader.read_number(number, "f64")) return false;
  switch (number.kind) {
    case JsonNumber::Kind::kUnsigned:
      value = static_cast<double>(number.natural);
      break;
    case JsonNumber::Kind::kSigned:
      value = static_cast<double>(number.integer);
      break;
    case JsonNumber::Kind::kFloat:
      value = number.real;
      break;
  }
  return true;
}
void Codec<double>::write(JsonWriter& writer, const double& value) {
  writer.number(value);
}
const TypeInfo& Codec<double>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kNumber);
  return kInfo;
}

bool read_signed(JsonReader& reader, std::int64_t& value, std::int64_t min, std::int64_t max,
                 std::string_view expected) {
  JsonNumber number;
  if (!reader.read_number(number, expected)) return false;
  if (number.kind == JsonNumber::Kind::kUnsigned && number.natural <= static_cast<std::uint64_t>(max)) {
    value = static_cast<std::int64_t>(number.natural);
  } else if (number.kind == JsonNumber::Kind::kSigned && number.integer >= min) {
    value = number.integer;
  } else {
    return fail_number(reader, number, expected);
  }
  return true;
}

bool read_unsigned(JsonReader& reader, std::uint64_t& value, std::uint64_t max, std::string_view expected) {
  JsonNumber number;
  if (!reader.read_number(number, expected)) return false;
  if (number.kind != JsonNumber::Kind::kUnsigned || number.natural > max) return fail_number(reader, number, expected);
  value = number.natural;
  return true;
}

#define MITO_INTEGER_TYPE(T, format)                                  \
  template <>                                                         \
  const TypeInfo& integer_type<T>() {                                 \
    static constexpr TypeInfo kInfo = simple(Kind::kInteger, format); \
    return kInfo;                                                     \
  }
MITO_INTEGER_TYPE(std::int32_t, "int32")
MITO_INTEGER_TYPE(std::int64_t, "int64")
MITO_INTEGER_TYPE(std::uint32_t, "uint32")
MITO_INTEGER_TYPE(std::uint64_t, "uint64")
#undef MITO_INTEGER_TYPE

// --- Ids and times ---

bool Codec<Uuid>::read(JsonReader& reader, Uuid& value) {
  std::string_view text;
  if (!reader.read_string(text, "a formatted UUID string")) return false;
  const auto parsed = Uuid::parse(text);
  if (!parsed) {
    reader.fail_shape("UUID parsing failed: " + parsed.error());
    return reader.settle();
  }
  value = *parsed;
  return true;
}
void Codec<Uuid>::write(JsonWriter& writer, const Uuid& value) {
  writer.string(value.to_string());
}
const TypeInfo& Codec<Uuid>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kUuid);
  return kInfo;
}

bool Codec<Timestamp>::read(JsonReader& reader, Timestamp& value) {
  constexpr std::string_view kExpected = "an `OffsetDateTime`";
  std::string_view text;
  if (!reader.read_string(text, kExpected)) return false;
  const auto parsed = parse_timestamp(text);
  if (!parsed) return fail_value(reader, "string " + show_string(text), kExpected);
  value = *parsed;
  return true;
}
void Codec<Timestamp>::write(JsonWriter& writer, const Timestamp& value) {
  writer.string(format_timestamp(value));
}
const TypeInfo& Codec<Timestamp>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kTimestamp);
  return kInfo;
}

bool Codec<Duration>::read(JsonReader& reader, Duration& value) {
  constexpr std::string_view kExpected = "a duration";
  std::string_view text;
  if (!reader.read_string(text, kExpected)) return false;
  const auto parsed = Duration::parse(text);
  if (!parsed) return fail_value(reader, "string " + show_string(text), kExpected);
  value = *parsed;
  return true;
}
void Codec<Duration>::write(JsonWriter& writer, const Duration& value) {
  writer.string(value.to_string());
}
const TypeInfo& Codec<Duration>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kDuration);
  return kInfo;
}

// --- Arrays of fixed length ---

bool begin_array(JsonReader& reader, std::string_view expected) {
  const int byte = reader.peek();
  if (byte == JsonReader::kEnd) return reader.fail_syntax(json_errors::kEofValue, JsonReader::At::kNext);
  if (byte != '[') return reader.fail_type(expected);
  reader.skip();
  return true;
}

bool begin_object(JsonReader& reader, std::string_view expected) {
  const int byte = reader.peek();
  if (byte == JsonReader::kEnd) return reader.fail_syntax(json_errors::kEofValue, JsonReader::At::kNext);
  if (byte != '{') return reader.fail_type(expected);
  reader.skip();
  return true;
}

namespace {

/// Exactly `count` elements, each read by `read(index)`.
template <class Read>
bool read_elements(JsonReader& reader, std::size_t count, std::string_view expected, Read read) {
  bool first = true;
  bool more = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (!reader.next_element(first, more)) return false;
    if (!more) return reader.fail_shape("invalid length " + std::to_string(i) + ", expected " + std::string(expected));
    if (!read(i)) return reader.in_element(i);
  }
  return true;
}

template <class Read>
bool read_fixed(JsonReader& reader, std::size_t count, std::string_view expected, Read read) {
  if (!begin_array(reader, expected)) return false;
  if (read_elements(reader, count, expected, read)) return reader.end_array();
  if (!reader.positioned()) reader.close_array();
  return reader.settle();
}

}  // namespace

bool Codec<PasswordDigest>::read(JsonReader& reader, PasswordDigest& value) {
  return read_fixed(reader, value.size(), "an array of length 16",
                    [&](std::size_t i) { return read_value(reader, value[i]); });
}
void Codec<PasswordDigest>::write(JsonWriter& writer, const PasswordDigest& value) {
  writer.begin_array();
  for (const std::uint8_t byte : value)
    writer.natural(byte);
  writer.end_array();
}
const TypeInfo& Codec<PasswordDigest>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kDigest);
  return kInfo;
}

bool Codec<Watch>::read(JsonReader& reader, Watch& value) {
  return read_fixed(reader, 2, "a tuple of size 2", [&](std::size_t i) {
    return i == 0 ? read_value(reader, value.task) : read_value(reader, value.state);
  });
}
void Codec<Watch>::write(JsonWriter& writer, const Watch& value) {
  writer.begin_array();
  write_value(writer, value.task);
  write_value(writer, value.state);
  writer.end_array();
}
const TypeInfo& Codec<Watch>::type() {
  static const Alternative kParts[] = {{"task", &type_of<Uuid>()}, {"state", &type_of<TaskExecState>()}};
  static const TypeInfo kInfo{.kind = Kind::kTuple, .alternatives = kParts};
  return kInfo;
}

// --- JSON as it is ---

namespace {

bool read_raw(JsonReader& reader, std::string& text) {
  const std::size_t start = reader.offset();
  if (!reader.skip_value(JsonReader::Check::kStrict)) return false;
  text = reader.text().substr(start, reader.position() - start);
  return true;
}

}  // namespace

bool Codec<RawJson>::read(JsonReader& reader, RawJson& value) {
  return read_raw(reader, value.text);
}
void Codec<RawJson>::write(JsonWriter& writer, const RawJson& value) {
  writer.raw(value.text);
}
const TypeInfo& Codec<RawJson>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kAny);
  return kInfo;
}

bool Codec<RawObject>::read(JsonReader& reader, RawObject& value) {
  if (const int byte = reader.peek(); byte != '{' && byte != JsonReader::kEnd) return reader.fail_type("a map");
  return read_raw(reader, value.text);
}
void Codec<RawObject>::write(JsonWriter& writer, const RawObject& value) {
  writer.raw(value.text.empty() ? "{}" : value.text);
}
const TypeInfo& Codec<RawObject>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kObject);
  return kInfo;
}

bool Codec<Nothing>::read(JsonReader& reader, Nothing& /*value*/) {
  return read_unit(reader);
}
void Codec<Nothing>::write(JsonWriter& writer, const Nothing& /*value*/) {
  writer.null();
}
const TypeInfo& Codec<Nothing>::type() {
  static constexpr TypeInfo kInfo = simple(Kind::kNull);
  return kInfo;
}

// --- Enums and variants ---

bool begin_variant(JsonReader& reader, std::string_view& name, bool& has_content) {
  constexpr std::string_view kExpected = "variant identifier";
  switch (reader.peek()) {
    case '"':
      has_content = false;
      return reader.read_string(name, kExpected);
    case '{':
      reader.skip();
      has_content = true;
      return reader.read_string(name, kExpected);
    case JsonReader::kEnd:
      return reader.fail_syntax(json_errors::kEofValue, JsonReader::At::kNext);
    default:
      return reader.fail_syntax(json_errors::kExpectedValue, JsonReader::At::kNext);
  }
}

bool variant_content(JsonReader& reader) {
  return reader.read_colon();
}

bool end_variant(JsonReader& reader) {
  switch (reader.peek()) {
    case '}':
      reader.skip();
      return true;
    case JsonReader::kEnd:
      return reader.fail_syntax(json_errors::kEofObject, JsonReader::At::kLast);
    default:
      return reader.fail_syntax(json_errors::kExpectedValue, JsonReader::At::kLast);
  }
}

bool fail_variant(JsonReader& reader, std::string_view name, std::span<const std::string_view> accepted) {
  reader.fail_shape(unknown_variant(name, accepted));
  return reader.settle();
}

bool read_unit(JsonReader& reader) {
  const int byte = reader.peek();
  if (byte == JsonReader::kEnd) return reader.fail_syntax(json_errors::kEofValue, JsonReader::At::kNext);
  return byte == 'n' ? reader.read_null_rest() : reader.fail_type("unit");
}

bool read_enum(JsonReader& reader, std::span<const std::string_view> accepted, std::size_t& index) {
  std::string_view name;
  bool has_content = false;
  if (!begin_variant(reader, name, has_content)) return false;
  const auto found = std::ranges::find(accepted, name);
  if (found == accepted.end()) return fail_variant(reader, name, accepted);
  index = static_cast<std::size_t>(found - accepted.begin());
  if (!has_content) return true;
  if (!variant_content(reader)) return false;
  if (!read_unit(reader)) return reader.in_member(*found);
  return end_variant(reader);
}

}  // namespace mito::protocol
