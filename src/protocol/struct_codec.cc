#include <bitset>

#include "protocol/json_errors.h"
#include "protocol/value_codec.h"

namespace mito::protocol {
namespace {

constexpr std::size_t kMaxFields = 32;
using Seen = std::bitset<kMaxFields>;

std::size_t original_field_count(const StructInfo& info) {
  return static_cast<std::size_t>(
      std::ranges::count_if(info.fields, [](const FieldInfo& field) { return field.presence != Presence::kOurs; }));
}

/// The form of an array with the members' values in order. Additions of ours are not part of it.
bool read_from_array(JsonReader& reader, const StructInfo& info, void* object) {
  bool first = true;
  bool more = true;
  std::size_t index = 0;
  for (const FieldInfo& field : info.fields) {
    if (field.presence == Presence::kOurs) {
      field.read_missing(object);
      continue;
    }
    if (more && !reader.next_element(first, more)) return false;
    if (!more && field.presence == Presence::kDefaulted) {
      field.read_missing(object);
    } else if (!more) {
      const std::size_t count = original_field_count(info);
      return reader.fail_shape("invalid length " + std::to_string(index) + ", expected " + std::string(info.expecting) +
                               " with " + std::to_string(count) + (count == 1 ? " element" : " elements"));
    } else if (!field.read(reader, object)) {
      return reader.in_element(index);
    }
    ++index;
  }
  return true;
}

/// Index of the field of that name; members mostly come in order, so the search starts behind the last one.
std::size_t find_field(std::span<const FieldInfo> fields, std::string_view name, std::size_t start) {
  for (std::size_t i = start; i < fields.size(); ++i)
    if (fields[i].name == name) return i;
  for (std::size_t i = 0; i < start; ++i)
    if (fields[i].name == name) return i;
  return fields.size();
}

bool skip_unknown(JsonReader& reader, std::string_view key) {
  const std::string name(key);
  return reader.read_colon() && (reader.skip_value(JsonReader::Check::kLoose) || reader.in_member(name));
}

bool read_from_object(JsonReader& reader, const StructInfo& info, void* object) {
  Seen seen;
  bool first = true;
  bool more = false;
  std::size_t next = 0;
  std::string_view key;
  while (true) {
    if (!reader.next_key(first, more, key)) return reader.in_unknown_key();
    if (!more) break;
    const std::size_t index = find_field(info.fields, key, next);
    if (index == info.fields.size()) {
      if (!skip_unknown(reader, key)) return false;
      continue;
    }
    const FieldInfo& field = info.fields[index];
    if (seen.test(index)) return reader.fail_shape("duplicate field `" + std::string(field.name) + "`");
    seen.set(index);
    next = index + 1;
    if (!reader.read_colon()) return false;
    if (!field.read(reader, object)) return reader.in_member(field.name);
  }
  for (std::size_t i = 0; i < info.fields.size(); ++i) {
    if (seen.test(i) || info.fields[i].read_missing(object)) continue;
    return reader.fail_shape("missing field `" + std::string(info.fields[i].name) + "`");
  }
  return true;
}

}  // namespace

bool read_struct(JsonReader& reader, const StructInfo& info, void* object) {
  switch (reader.peek()) {
    case JsonReader::kEnd:
      return reader.fail_syntax(json_errors::kEofValue, JsonReader::At::kNext);
    case '[':
      reader.skip();
      if (read_from_array(reader, info, object)) return reader.end_array();
      if (!reader.positioned()) reader.close_array();
      return reader.settle();
    case '{':
      reader.skip();
      if (read_from_object(reader, info, object)) return reader.end_object();
      if (!reader.positioned()) reader.close_object();
      return reader.settle();
    default:
      return reader.fail_type(info.expecting);
  }
}

void write_struct(JsonWriter& writer, const StructInfo& info, const void* object) {
  writer.begin_object();
  for (const FieldInfo& field : info.fields) {
    if (field.presence == Presence::kOurs && field.is_empty(object)) continue;
    writer.key(field.name);
    field.write(writer, object);
  }
  writer.end_object();
}

}  // namespace mito::protocol
