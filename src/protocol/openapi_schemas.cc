#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "protocol/json_writer.h"
#include "protocol/openapi_parts.h"
#include "protocol/query.h"
#include "protocol/routes.h"

namespace mito::protocol::openapi {
namespace {

namespace json = boost::json;
using Kind = TypeInfo::Kind;

json::object reference(std::string_view component) {
  return {{"$ref", "#/components/schemas/" + std::string(component)}};
}

json::value to_json(std::string_view text) {
  return json::parse(json::string_view(text.data(), text.size()));
}

/// Schemas that are no message and no enum.
json::object basic_components() {
  return {
      {"Uuid",
       {{"type", "string"},
        {"format", "uuid"},
        {"description",
         "Sent in lower case with hyphens. In requests also without hyphens, in braces, behind `urn:uuid:`, in any "
         "case."}}},
      {"Timestamp",
       {{"type", "string"},
        {"pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{1,9} \\+00:00:00$"},
        {"description", "UTC, with one to nine digits of a second: `2025-11-21 23:24:00.0 +00:00:00`."}}},
      {"Duration",
       {{"type", "string"},
        {"description",
         "Numbers with units, added up: `1h 30m`, `90s`, `1.5h`, `7days`, `250ms`. Units: `ns`, `us`, `ms`, `s`, `m`, "
         "`h`, `d`, `w`, `M` (30.44 days), `y`, and their long forms. `0` needs none."},
        {"examples", {"1h 30m"}}}},
      {"PasswordDigest",
       {{"type", "array"},
        {"items", {{"type", "integer"}, {"minimum", 0}, {"maximum", 255}}},
        {"minItems", 16},
        {"maxItems", 16},
        {"description", "The raw MD5 digest of the UTF-8 password."}}},
  };
}

json::object integer_schema(std::string_view format) {
  json::object schema{{"type", "integer"}, {"format", json::string_view(format.data(), format.size())}};
  if (format == "int32") {
    schema["minimum"] = -2147483648LL;
    schema["maximum"] = 2147483647LL;
  } else if (format == "uint32") {
    schema["minimum"] = 0;
    schema["maximum"] = 4294967295LL;
  } else if (format == "uint64") {
    schema["minimum"] = 0;
    schema["maximum"] = 18446744073709551615ULL;
  }
  return schema;
}

json::array names(std::span<const std::string_view> texts) {
  json::array out;
  for (const std::string_view text : texts)
    out.emplace_back(json::string_view(text.data(), text.size()));
  return out;
}

json::object enum_schema(const TypeInfo& type) {
  json::object schema{{"type", "string"}, {"enum", names(type.spellings)}};
  std::string aliases;
  for (const std::string_view name : type.accepted)
    if (std::ranges::find(type.spellings, name) == type.spellings.end())
      aliases.append(aliases.empty() ? "" : ", ").append("`").append(name).append("`");
  if (!aliases.empty()) schema["description"] = "Requests may also say " + aliases + ".";
  return schema;
}

json::object nullable_schema(const TypeInfo& element) {
  json::object schema = schema_of(element);
  if (auto* const type = schema.if_contains("type"); type != nullptr && !schema.contains("enum")) {
    *type = json::array{*type, "null"};
    return schema;
  }
  return {{"anyOf", json::array{std::move(schema), json::object{{"type", "null"}}}}};
}

json::object tuple_schema(const TypeInfo& type) {
  json::array items;
  for (const Alternative& part : type.alternatives)
    items.emplace_back(schema_of(*part.content));
  const auto count = items.size();
  return {{"type", "array"}, {"prefixItems", std::move(items)}, {"minItems", count}, {"maxItems", count}};
}

json::object variant_schema(const TypeInfo& type) {
  json::array forms;
  for (const Alternative& form : type.alternatives) {
    const json::string_view name(form.name.data(), form.name.size());
    if (form.content == nullptr) {
      forms.emplace_back(json::object{{"type", "string"}, {"const", name}});
    } else {
      forms.emplace_back(json::object{{"type", "object"},
                                      {"properties", json::object{{name, schema_of(*form.content)}}},
                                      {"required", json::array{name}},
                                      {"additionalProperties", false}});
    }
  }
  return {{"oneOf", std::move(forms)}};
}

/// Everything that is reached from a type.
void collect(const TypeInfo& type, std::set<const StructInfo*>& structs, std::set<const TypeInfo*>& enums);

void collect_reference(std::string_view schema, std::set<const StructInfo*>& structs,
                       std::set<const TypeInfo*>& enums) {
  constexpr std::string_view kPrefix = "#/components/schemas/";
  const auto start = schema.find(kPrefix);
  if (start == std::string_view::npos) return;
  const std::string_view name = schema.substr(start + kPrefix.size());
  if (const MessageInfo* message = find_message(name.substr(0, name.find('"'))))
    collect(message->type(), structs, enums);
}

void collect(const TypeInfo& type, std::set<const StructInfo*>& structs, std::set<const TypeInfo*>& enums) {
  if (type.kind == Kind::kEnum && !type.name.empty()) enums.insert(&type);
  if (type.element != nullptr) collect(*type.element, structs, enums);
  for (const Alternative& part : type.alternatives)
    if (part.content != nullptr) collect(*part.content, structs, enums);
  if (type.structure == nullptr || !structs.insert(type.structure).second) return;
  for (const FieldInfo& field : type.structure->fields) {
    collect(field.type(), structs, enums);
    if (const FieldDoc* doc = find_field_doc(type.structure->name, field.name))
      collect_reference(doc->schema, structs, enums);
  }
}

enum class Direction : std::uint8_t { kRequest, kAnswer };

/// Whether a member is always there: requests may leave out more than answers do.
bool is_required(const FieldInfo& field, Direction direction) {
  switch (field.presence) {
    case Presence::kOurs:
      return false;
    case Presence::kKeyRequired:
      return true;
    case Presence::kDefaulted:
      return direction == Direction::kAnswer;
    default:
      return direction == Direction::kAnswer || field.type().kind != Kind::kNullable;
  }
}

json::value default_of(const FieldInfo& field) {
  JsonWriter writer;
  field.write_default(writer);
  return to_json(writer.take());
}

json::object struct_schema(const StructInfo& info, Direction direction) {
  json::object properties;
  json::array required;
  for (const FieldInfo& field : info.fields) {
    json::object schema = described_schema(info.name, field.name, field.type());
    if (field.unique && direction == Direction::kAnswer) schema["uniqueItems"] = true;
    if (field.unique && direction == Direction::kRequest) schema["x-set"] = true;
    if (direction == Direction::kRequest && !is_required(field, direction) && field.type().kind != Kind::kObject)
      schema["default"] = default_of(field);
    const json::string_view name(field.name.data(), field.name.size());
    if (field.presence == Presence::kOurs) schema["x-origin"] = "mitosis";
    if (is_required(field, direction)) required.emplace_back(name);
    properties[name] = std::move(schema);
  }
  json::object schema{{"type", "object"}};
  if (const std::string_view text = message_doc(info.name); !text.empty())
    schema["description"] = json::string_view(text.data(), text.size());
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace

json::object schema_of(const TypeInfo& type) {
  switch (type.kind) {
    case Kind::kString:
      return {{"type", "string"}};
    case Kind::kBoolean:
      return {{"type", "boolean"}};
    case Kind::kInteger:
      return integer_schema(type.format);
    case Kind::kNumber:
      return {{"type", "number"}};
    case Kind::kUuid:
      return reference("Uuid");
    case Kind::kTimestamp:
      return reference("Timestamp");
    case Kind::kDuration:
      return reference("Duration");
    case Kind::kDigest:
      return reference("PasswordDigest");
    case Kind::kEnum:
      return type.name.empty() ? enum_schema(type) : reference(type.name);
    case Kind::kArray:
      return {{"type", "array"}, {"items", schema_of(*type.element)}};
    case Kind::kMap:
      return {{"type", "object"}, {"additionalProperties", schema_of(*type.element)}};
    case Kind::kNullable:
      return nullable_schema(*type.element);
    case Kind::kStruct:
      return reference(type.structure->name);
    case Kind::kTuple:
      return tuple_schema(type);
    case Kind::kVariant:
      return variant_schema(type);
    case Kind::kObject:
      return {{"type", "object"}};
    case Kind::kNull:
      return {{"type", "null"}};
    case Kind::kAny:
      break;
  }
  return {};
}

json::object described_schema(std::string_view owner, std::string_view name, const TypeInfo& type) {
  const FieldDoc* doc = find_field_doc(owner, name);
  if (doc == nullptr) return schema_of(type);
  json::object schema = doc->schema.empty() ? schema_of(type) : to_json(doc->schema).as_object();
  schema["description"] = json::string_view(doc->text.data(), doc->text.size());
  if (!doc->unit.empty()) schema["x-unit"] = json::string_view(doc->unit.data(), doc->unit.size());
  schema["examples"] = json::array{example_of(owner, name, type)};
  return schema;
}

json::value example_of(const TypeInfo& type) {
  switch (type.kind) {
    case Kind::kStruct: {
      json::object example;
      for (const FieldInfo& field : type.structure->fields)
        example[json::string_view(field.name.data(), field.name.size())] =
            example_of(type.structure->name, field.name, field.type());
      return example;
    }
    case Kind::kArray:
      return json::array{example_of(*type.element)};
    case Kind::kNullable:
      return example_of(*type.element);
    default:
      return nullptr;
  }
}

json::value example_of(std::string_view owner, std::string_view name, const TypeInfo& type) {
  const FieldDoc* doc = find_field_doc(owner, name);
  if (doc == nullptr) return example_of(type);
  if (!doc->example.empty()) return to_json(doc->example);
  if (doc->schema.empty()) return example_of(type);
  const json::value schema = to_json(doc->schema);
  const json::string_view target = schema.as_object().at("$ref").as_string();
  const std::string message(target.substr(target.rfind('/') + 1));
  return example_of(find_message(message)->type());
}

json::object schema_components() {
  std::set<const StructInfo*> requested;
  std::set<const StructInfo*> structs;
  std::set<const TypeInfo*> enums;
  for (const Route& route : routes())
    if (const MessageInfo* message = find_message(route.request)) collect(message->type(), requested, enums);
  for (const Route& route : routes())
    if (const MessageInfo* message = find_message(route.response)) collect(message->type(), structs, enums);
  for (const Route& route : routes())
    for (const QueryParameter& parameter : query_parameters(route.query))
      collect(*parameter.type, structs, enums);
  for (const std::string_view name : {"ErrorMsg", "ReportTaskNextResp"})
    collect(find_message(name)->type(), structs, enums);
  structs.insert(requested.begin(), requested.end());

  json::object components = basic_components();
  std::vector<const TypeInfo*> sorted_enums(enums.begin(), enums.end());
  std::ranges::sort(sorted_enums, {}, [](const TypeInfo* type) { return type->name; });
  for (const TypeInfo* type : sorted_enums)
    components[json::string_view(type->name.data(), type->name.size())] = enum_schema(*type);
  std::vector<const StructInfo*> sorted(structs.begin(), structs.end());
  std::ranges::sort(sorted, {}, &StructInfo::name);
  for (const StructInfo* info : sorted)
    components[json::string_view(info->name.data(), info->name.size())] =
        struct_schema(*info, requested.contains(info) ? Direction::kRequest : Direction::kAnswer);
  return components;
}

}  // namespace mito::protocol::openapi
