#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/message_list.h"
#include "protocol/schema.h"
#include "protocol/spellings.h"

// How each type of a member is read, written and described. Only for the .cc files of this layer.
namespace mito::protocol {

/// `read` answers false after an error of the reader; what was read so far is then of no use.
template <class T>
struct Codec;

template <class T>
bool read_value(JsonReader& reader, T& value) {
  return Codec<T>::read(reader, value);
}
template <class T>
void write_value(JsonWriter& writer, const T& value) {
  Codec<T>::write(writer, value);
}
template <class T>
const TypeInfo& type_of() {
  return Codec<T>::type();
}

// Structs, by their tables.
bool read_struct(JsonReader& reader, const StructInfo& info, void* object);
void write_struct(JsonWriter& writer, const StructInfo& info, const void* object);

template <class T>
  requires kHasTable<T>
struct Codec<T> {
  static bool read(JsonReader& reader, T& value) { return read_struct(reader, table<T>(), &value); }
  static void write(JsonWriter& writer, const T& value) { write_struct(writer, table<T>(), &value); }
  static const TypeInfo& type() {
    static const TypeInfo info{.kind = TypeInfo::Kind::kStruct, .structure = &table<T>()};
    return info;
  }
};

// Defined in values.cc.
#define MITO_CODEC(T)                                          \
  template <>                                                  \
  struct Codec<T> {                                            \
    using Value = T;                                           \
    static bool read(JsonReader& reader, Value& value);        \
    static void write(JsonWriter& writer, const Value& value); \
    static const TypeInfo& type();                             \
  }
MITO_CODEC(bool);
MITO_CODEC(std::string);
MITO_CODEC(double);
MITO_CODEC(Uuid);
MITO_CODEC(Timestamp);
MITO_CODEC(Duration);
MITO_CODEC(PasswordDigest);
MITO_CODEC(RawJson);
MITO_CODEC(RawObject);
MITO_CODEC(Watch);
MITO_CODEC(Nothing);
// Variants; task_tables.cc and worker_tables.cc.
using RemoteFile = decltype(Resource::remote_file);
MITO_CODEC(RemoteFile);
MITO_CODEC(SubmitTaskOutcome);
MITO_CODEC(ReportTaskOp);
#undef MITO_CODEC

/// Text of a path on the worker: a string that errors call a path.
bool read_path_string(JsonReader& reader, std::string& value);

bool read_signed(JsonReader& reader, std::int64_t& value, std::int64_t min, std::int64_t max,
                 std::string_view expected);
bool read_unsigned(JsonReader& reader, std::uint64_t& value, std::uint64_t max, std::string_view expected);
template <class T>
const TypeInfo& integer_type();

template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
struct Codec<T> {
  static constexpr std::string_view expected() {
    constexpr bool kWide = sizeof(T) == 8;
    if constexpr (std::is_signed_v<T>) return kWide ? "i64" : "i32";
    return kWide ? "u64" : sizeof(T) == 4 ? "u32" : "u8";
  }
  static bool read(JsonReader& reader, T& value) {
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_signed_v<T>) {
      std::int64_t wide = 0;
      if (!read_signed(reader, wide, Limits::min(), Limits::max(), expected())) return false;
      value = static_cast<T>(wide);
    } else {
      std::uint64_t wide = 0;
      if (!read_unsigned(reader, wide, Limits::max(), expected())) return false;
      value = static_cast<T>(wide);
    }
    return true;
  }
  static void write(JsonWriter& writer, T value) {
    if constexpr (std::is_signed_v<T>) {
      writer.integer(value);
    } else {
      writer.natural(value);
    }
  }
  static const TypeInfo& type() { return integer_type<T>(); }
};

template <class Tag>
struct Codec<TypedUuid<Tag>> {
  static bool read(JsonReader& reader, TypedUuid<Tag>& value) { return read_value(reader, value.value); }
  static void write(JsonWriter& writer, const TypedUuid<Tag>& value) { write_value(writer, value.value); }
  static const TypeInfo& type() { return type_of<Uuid>(); }
};

// Enums, and variants in their outer form: `"Name"` or `{"Name":content}`.

/// Reads the name. `has_content`: it was the object's member name and its value comes next; finish with end_variant().
bool begin_variant(JsonReader& reader, std::string_view& name, bool& has_content);
/// Reads the colon between name and value.
bool variant_content(JsonReader& reader);
bool end_variant(JsonReader& reader);
/// Error: the name is none of `accepted`.
bool fail_variant(JsonReader& reader, std::string_view name, std::span<const std::string_view> accepted);
/// The value of a variant without content, `null`.
bool read_unit(JsonReader& reader);

/// Index into `accepted`.
bool read_enum(JsonReader& reader, std::span<const std::string_view> accepted, std::size_t& index);

/// Reads the content of variant `name` by `read`. `form`: how errors call a variant with content, `newtype variant` or
/// `struct variant`.
template <class Read>
bool read_content(JsonReader& reader, std::string_view name, bool has_content, std::string_view form, Read read) {
  if (!has_content) {
    reader.fail_shape("invalid type: unit variant, expected " + std::string(form));
    return reader.in_member(name);
  }
  if (!variant_content(reader)) return false;
  if (!read()) return reader.in_member(name);
  return end_variant(reader);
}

template <class E>
  requires std::is_enum_v<E>
struct Codec<E> {
  static bool read(JsonReader& reader, E& value) {
    std::size_t index = 0;
    if (!read_enum(reader, accepted_names<E>(), index)) return false;
    value = accepted_spellings<E>()[index].value;
    return true;
  }
  static void write(JsonWriter& writer, E value) { writer.string(to_string(value)); }
  static const TypeInfo& type() {
    static const TypeInfo info{.kind = TypeInfo::Kind::kEnum,
                               .name = kEnumName<E>,
                               .spellings = sent_names<E>(),
                               .accepted = accepted_names<E>()};
    return info;
  }
};

template <class T>
struct Codec<std::optional<T>> {
  static bool read(JsonReader& reader, std::optional<T>& value) {
    if (reader.peek() != 'n') return read_value(reader, value.emplace());
    value.reset();
    return reader.read_null_rest();
  }
  static void write(JsonWriter& writer, const std::optional<T>& value) {
    value ? write_value(writer, *value) : writer.null();
  }
  static const TypeInfo& type() {
    static const TypeInfo info{.kind = TypeInfo::Kind::kNullable, .element = &type_of<T>()};
    return info;
  }
};

/// `[`, or the error that says what was expected instead.
bool begin_array(JsonReader& reader, std::string_view expected);
bool begin_object(JsonReader& reader, std::string_view expected);

template <class T>
struct Codec<std::vector<T>> {
  static bool read(JsonReader& reader, std::vector<T>& value) {
    value.clear();
    if (!begin_array(reader, "a sequence")) return false;
    if (read_elements(reader, value)) return reader.end_array();
    if (!reader.positioned()) reader.close_array();
    return reader.settle();
  }
  static bool read_elements(JsonReader& reader, std::vector<T>& value) {
    bool first = true;
    bool more = false;
    while (true) {
      if (!reader.next_element(first, more)) return false;
      if (!more) return true;
      if (!read_value(reader, value.emplace_back())) return reader.in_element(value.size() - 1);
    }
  }
  static void write(JsonWriter& writer, const std::vector<T>& value) {
    writer.begin_array();
    for (const auto& element : value)
      write_value(writer, element);
    writer.end_array();
  }
  static const TypeInfo& type() {
    static const TypeInfo info{.kind = TypeInfo::Kind::kArray, .element = &type_of<T>()};
    return info;
  }
};

template <class T>
struct Codec<std::map<std::string, T>> {
  using Map = std::map<std::string, T>;
  static bool read(JsonReader& reader, Map& value) {
    value.clear();
    if (!begin_object(reader, "a map")) return false;
    if (read_members(reader, value)) return reader.end_object();
    if (!reader.positioned()) reader.close_object();
    return reader.settle();
  }
  static bool read_members(JsonReader& reader, Map& value) {
    bool first = true;
    bool more = false;
    std::string_view key;
    while (true) {
      if (!reader.next_key(first, more, key)) return reader.in_unknown_key();
      if (!more) return true;
      const auto member = value.insert_or_assign(std::string(key), T{}).first;
      if (!reader.read_colon()) return false;
      if (!read_value(reader, member->second)) return reader.in_member(member->first);
    }
  }
  static void write(JsonWriter& writer, const Map& value) {
    writer.begin_object();
    for (const auto& [key, element] : value) {
      writer.key(key);
      write_value(writer, element);
    }
    writer.end_object();
  }
  static const TypeInfo& type() {
    static const TypeInfo info{.kind = TypeInfo::Kind::kMap, .element = &type_of<T>()};
    return info;
  }
};

// Tables.

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
void normalise(std::vector<T>& items) {
  std::ranges::sort(items);
  const auto repeated = std::ranges::unique(items);
  items.erase(repeated.begin(), repeated.end());
}
template <class T>
void normalise(std::optional<std::vector<T>>& items) {
  if (items) normalise(*items);
}

enum class Order : std::uint8_t { kList, kSet };

template <class C, class T>
struct MemberOf {
  using Class = C;
  using Type = T;
};
template <class C, class T>
MemberOf<C, T> member_of(T C::*);

/// One line of a table. The member pointer is part of the type, so that the functions in the line know it.
template <auto kMember, Presence kPresence, Order kOrder, auto kRead>
FieldInfo make_field(std::string_view name) {
  using Class = typename decltype(member_of(kMember))::Class;
  using Type = typename decltype(member_of(kMember))::Type;
  FieldInfo info;
  info.name = name;
  info.presence = kPresence;
  info.unique = kOrder == Order::kSet;
  info.type = type_of<Type>;
  info.read = [](JsonReader& reader, void* object) {
    Type& value = static_cast<Class*>(object)->*kMember;
    if (!kRead(reader, value)) return false;
    if constexpr (kOrder == Order::kSet) normalise(value);
    return true;
  };
  info.read_missing = [](void* object) {
    if constexpr (kPresence == Presence::kRequired && !kIsOptional<Type>) return false;
    if constexpr (kPresence == Presence::kKeyRequired) return false;
    static_cast<Class*>(object)->*kMember = Class{}.*kMember;
    return true;
  };
  info.is_empty = [](const void* object) {
    const Type& value = static_cast<const Class*>(object)->*kMember;
    if constexpr (kIsOptional<Type>)
      return !value.has_value();
    else if constexpr (std::is_same_v<Type, bool>)
      return !value;
    else if constexpr (requires { value.empty(); })
      return value.empty();
    else
      return false;
  };
  info.write = [](JsonWriter& writer, const void* object) {
    write_value(writer, static_cast<const Class*>(object)->*kMember);
  };
  info.write_default = [](JsonWriter& writer) { write_value(writer, Class{}.*kMember); };
  return info;
}

template <auto kMember, Presence kPresence = Presence::kRequired>
FieldInfo field(std::string_view name) {
  using Type = typename decltype(member_of(kMember))::Type;
  return make_field<kMember, kPresence, Order::kList, read_value<Type>>(name);
}
/// An array whose order and repetitions do not count.
template <auto kMember, Presence kPresence = Presence::kRequired>
FieldInfo set_field(std::string_view name) {
  using Type = typename decltype(member_of(kMember))::Type;
  return make_field<kMember, kPresence, Order::kSet, read_value<Type>>(name);
}
template <auto kMember>
FieldInfo path_field(std::string_view name) {
  return make_field<kMember, Presence::kRequired, Order::kList, read_path_string>(name);
}

}  // namespace mito::protocol

// The table of a message, one entry for each member in the order of the original's declaration, additions of ours last:
// `MITO_TABLE(GroupsQueryResp, MEMBER(groups));`
#define MITO_TABLE(T, ...) MITO_TABLE_AS(T, "struct " #T, __VA_ARGS__)
// The same for a struct that errors call something else.
#define MITO_TABLE_AS(T, expecting, ...)                 \
  template <>                                            \
  const StructInfo& table<T>() {                         \
    using M = T;                                         \
    static const FieldInfo fields[] = {__VA_ARGS__};     \
    static const StructInfo info{#T, expecting, fields}; \
    return info;                                         \
  }                                                      \
  static_assert(true)
#define MEMBER(name) field<&M::name>(#name)
#define DEFAULTED(name) field<&M::name, Presence::kDefaulted>(#name)
#define OURS(name) field<&M::name, Presence::kOurs>(#name)
#define SET(name) set_field<&M::name>(#name)
