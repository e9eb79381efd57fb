#include "storage/database/json_text.h"

#include <algorithm>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "domain/states.h"

namespace mito::storage {
namespace {

namespace json = boost::json;

/// Parses into memory on the stack as far as it fits, for texts that are small as a rule.
class SmallText {
 public:
  explicit SmallText(std::string_view text)
      : resource_(buffer_, sizeof buffer_), value_(json::parse(text, error_, json::storage_ptr(&resource_))) {}
  [[nodiscard]] const json::value* value() const { return error_ ? nullptr : &value_; }

 private:
  unsigned char buffer_[2048];
  json::monotonic_resource resource_;
  json::error_code error_;
  json::value value_;
};

bool is_plain(std::string_view text) {
  for (const char c : text)
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) return false;
  return true;
}

/// Takes the first member, with its quotes, off what is left of a list behind its `[` or a comma; empty at the end.
std::string_view take_member(std::string_view& rest) {
  if (rest.empty() || rest.front() != '"') return {};
  std::size_t end = 1;
  while (end < rest.size() && rest[end] != '"')
    end += rest[end] == '\\' ? 2 : 1;
  const std::string_view member = rest.substr(0, end + 1);
  rest.remove_prefix(std::min(rest.size(), end + 2));  // With the comma, or the bracket that ends the list.
  return member;
}

bool has_member(std::string_view list, std::string_view wanted) {
  if (list.find(wanted) == std::string_view::npos) return false;
  for (std::string_view rest = list.substr(1); !rest.empty();)
    if (take_member(rest) == wanted) return true;
  return false;
}

}  // namespace

bool list_contains(std::string_view list, std::string_view wanted) {
  if (list.empty() || wanted.empty()) return false;
  for (std::string_view rest = wanted.substr(1); !rest.empty();) {
    const std::string_view member = take_member(rest);
    if (member.empty()) break;
    if (!has_member(list, member)) return false;
  }
  return true;
}

std::string encode_list(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const std::string& item : items) {
    if (text.size() > 1) text += ',';
    if (is_plain(item)) {
      text.append(1, '"').append(item).append(1, '"');
    } else {
      text += json::serialize(json::string_view(item));
    }
  }
  return text += ']';
}

Result<std::vector<std::string>> decode_list(std::string_view text) {
  std::vector<std::string> items;
  if (text == "[]") return items;
  const SmallText parsed(text);
  const json::array* array = parsed.value() != nullptr ? parsed.value()->if_array() : nullptr;
  if (array == nullptr) return fail(ErrorCode::kInternal, "", "not a JSON array: " + std::string(text));
  items.reserve(array->size());
  for (const json::value& element : *array) {
    const json::string* item = element.if_string();
    if (item == nullptr) return fail(ErrorCode::kInternal, "", "not an array of strings: " + std::string(text));
    items.emplace_back(item->begin(), item->end());
  }
  return items;
}

std::optional<std::int64_t> exit_status_of(std::string_view result) {
  const SmallText parsed(result);
  const json::object* object = parsed.value() != nullptr ? parsed.value()->if_object() : nullptr;
  const json::value* status = object != nullptr ? object->if_contains("exit_status") : nullptr;
  if (status == nullptr || !status->is_int64()) return std::nullopt;
  return status->get_int64();
}

Result<std::optional<Watch>> watch_of(std::string_view spec) {
  const SmallText parsed(spec);
  const json::object* object = parsed.value() != nullptr ? parsed.value()->if_object() : nullptr;
  if (object == nullptr) return fail(ErrorCode::kInternal, "", "a stored task spec is not a JSON object");
  const json::value* value = object->if_contains("watch");
  if (value == nullptr || value->is_null()) return std::optional<Watch>();
  const json::array* pair = value->if_array();
  if (pair != nullptr && pair->size() == 2 && pair->at(0).is_string() && pair->at(1).is_string()) {
    const auto uuid = Uuid::parse(std::string_view(pair->at(0).get_string()));
    const auto state = parse_enum<TaskExecState>(std::string_view(pair->at(1).get_string()));
    if (uuid && state) return std::optional(Watch{TaskUuid{*uuid}, *state});
  }
  return fail(ErrorCode::kInternal, "", "a stored watch is not [\"<uuid>\",\"<state>\"]: " + json::serialize(*value));
}

}  // namespace mito::storage
