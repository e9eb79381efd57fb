#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "protocol/codec.h"

// What messages look like on the wire, as data: the tables that drive decoding and encoding, readable for documents and
// tests.
namespace mito::protocol {

class JsonReader;
class JsonWriter;
struct StructInfo;
struct TypeInfo;

/// One form of a value that has several.
struct Alternative {
  std::string_view name;    ///< `Commit` in `{"Commit":{…}}`.
  const TypeInfo* content;  ///< Nothing: the name alone, as a string.
};

/// The type of a value.
struct TypeInfo {
  enum class Kind : std::uint8_t {
    kString,
    kBoolean,
    kInteger,
    kNumber,
    kUuid,
    kTimestamp,
    kDuration,
    kDigest,    ///< 16 numbers of 0 … 255.
    kEnum,      ///< One of `spellings`.
    kArray,     ///< Of `element`.
    kMap,       ///< Object with values of `element`.
    kNullable,  ///< `element` or null.
    kStruct,    ///< `structure`
    kTuple,     ///< Array of exactly the `alternatives`' contents, in order.
    kVariant,   ///< One of `alternatives`: a string, or an object with one member.
    kAny,       ///< Any JSON value.
    kObject,    ///< Any object.
    kNull,
  };
  Kind kind = Kind::kAny;
  std::string_view format = {};  ///< Of integers: `int32`, `int64`, `uint32`, `uint64`.
  const TypeInfo* element = nullptr;
  const StructInfo* structure = nullptr;
  std::string_view name = {};                        ///< Of enums: `TaskState`.
  std::span<const std::string_view> spellings = {};  ///< As sent; aliases are left out.
  std::span<const std::string_view> accepted = {};   ///< Of enums: all that are understood, aliases included.
  std::span<const Alternative> alternatives = {};
};

/// Whether a member must be there.
enum class Presence : std::uint8_t {
  kRequired,     ///< Must be there, unless its type is nullable: then missing means null.
  kKeyRequired,  ///< Nullable, and must be there all the same.
  kDefaulted,    ///< May be left out.
  kOurs,         ///< An addition to the original's message: may be left out, and is left out when empty.
};

/// One member of an object.
struct FieldInfo {
  std::string_view name;
  Presence presence = Presence::kRequired;
  bool unique = false;  ///< An array that stands for a set.
  const TypeInfo& (*type)() = nullptr;
  bool (*read)(JsonReader& reader, void* object) = nullptr;
  /// What a missing member means; answers false when it must not be missing.
  bool (*read_missing)(void* object) = nullptr;
  bool (*is_empty)(const void* object) = nullptr;
  void (*write)(JsonWriter& writer, const void* object) = nullptr;
  /// What a member that may be missing is then.
  void (*write_default)(JsonWriter& writer) = nullptr;
};

/// An object, member by member in the order of the original's declaration, ours last.
struct StructInfo {
  std::string_view name;
  std::string_view expecting;  ///< How errors call it: `struct UserLoginReq`.
  std::span<const FieldInfo> fields;
};

/// A message by its name.
struct MessageInfo {
  std::string_view name;
  const TypeInfo& (*type)() = nullptr;
  /// Decodes the text as this message and encodes what came out.
  std::expected<std::string, DecodeError> (*recode)(std::string_view json) = nullptr;
};

/// Every message, by name.
std::span<const MessageInfo> messages();
/// The message of that name, as the route table names it; nothing for an unknown name.
const MessageInfo* find_message(std::string_view name);

}  // namespace mito::protocol
