#include "cli/yaml.h"

#include <algorithm>
#include <cctype>

#include <boost/json.hpp>

namespace mito::cli {

namespace {

namespace json = boost::json;

/// Whether the text may stand without quotes: a word or path that is no keyword and does not look like a number.
bool is_plain(std::string_view text) {
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text.front())) == 0) return false;
  constexpr std::string_view kAllowed = "_-./+@=";
  const bool simple = std::ranges::all_of(text, [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || kAllowed.contains(c) || c == ' ';
  });
  if (!simple || text.back() == ' ') return false;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view keyword : {"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
    if (lower == keyword) return false;
  return true;
}

std::string scalar(const json::value& value) {
  if (const auto* text = value.if_string(); text != nullptr && is_plain({text->data(), text->size()}))
    return {text->data(), text->size()};
  return json::serialize(value);  // JSON's quoted texts and numbers are YAML's, too
}

bool is_inline(const json::value& value) {
  if (const auto* object = value.if_object()) return object->empty();
  if (const auto* array = value.if_array()) return array->empty();
  return true;
}

void write(const json::value& value, std::size_t depth, std::string& yaml);

void write_member(const json::value& value, std::size_t depth, std::string& yaml) {
  if (is_inline(value)) {
    yaml += " " + scalar(value) + "\n";
  } else {
    yaml += "\n";
    write(value, depth, yaml);
  }
}

void write_items(const json::array& items, std::size_t depth, std::string& yaml) {
  const std::string indent(depth * 2, ' ');
  for (const auto& item : items) {
    if (is_inline(item)) {
      yaml += indent + "- " + scalar(item) + "\n";
      continue;
    }
    std::string inner;  // its first line stands behind the dash
    write(item, depth + 1, inner);
    yaml += indent + "- " + inner.substr(indent.size() + 2);
  }
}

void write(const json::value& value, std::size_t depth, std::string& yaml) {
  const std::string indent(depth * 2, ' ');
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    for (const auto& member : *object) {
      yaml += indent + scalar(json::string(member.key())) + ":";
      write_member(member.value(), depth + 1, yaml);
    }
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    write_items(*array, depth, yaml);
  } else {
    yaml += indent + scalar(value) + "\n";
  }
}

}  // namespace

std::string yaml_of(std::string_view text) {
  std::string yaml;
  write(json::parse({text.data(), text.size()}), 0, yaml);
  return yaml;
}

}  // namespace mito::cli
