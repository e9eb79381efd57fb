#include "base/settings_file.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace mito {
namespace {

/// More is not a configuration file but a mistake.
constexpr std::size_t kLongestFile = 4U << 20U;

std::string number_text(double number) {
  return fmt::format("{}", number);
}

RawSetting read_node(const toml::node& node) {
  RawSetting raw;
  raw.line = node.source().begin.line;
  if (const auto* text = node.as_string()) {
    raw.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    raw.form = RawSetting::Form::kInteger;
    raw.text = fmt::format("{}", integer->get());
  } else if (const auto* flag = node.as_boolean()) {
    raw.form = RawSetting::Form::kFlag;
    raw.text = flag->get() ? "true" : "false";
  } else if (const auto* array = node.as_array()) {
    raw.form = RawSetting::Form::kList;
    raw.text = "a list";
    for (const toml::node& item : *array) {
      const auto* item_text = item.as_string();
      if (item_text == nullptr) {
        raw.form = RawSetting::Form::kOther;
        raw.text = "a list with something else than texts";
        break;
      }
      raw.items.push_back(item_text->get());
    }
  } else {
    raw.form = RawSetting::Form::kOther;
    const auto* number = node.as_floating_point();
    raw.text = node.is_table() ? "a table" : number != nullptr ? number_text(number->get()) : "a date or time";
  }
  return raw;
}

Result<std::map<std::string, RawSetting>> read_table(const toml::table& file, std::string_view name,
                                                     std::string_view shown_name) {
  std::map<std::string, RawSetting> settings;
  const toml::node* node = file.get(name);
  if (node == nullptr) return settings;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    return fail(ErrorCode::kUsage,
                fmt::format("{}:{}: {} must be a table; write [{}] on a line of its own and the settings below it",
                            shown_name, node->source().begin.line, name, name));
  }
  for (const auto& [key, value] : *table)
    settings.emplace(std::string(key.str()), read_node(value));
  return settings;
}

/// The tables below [<role>.profiles].
Result<std::map<std::string, std::map<std::string, RawSetting>>> read_profiles(const toml::table& file,
                                                                               std::string_view role,
                                                                               std::string_view shown_name) {
  std::map<std::string, std::map<std::string, RawSetting>> profiles;
  const toml::table* of_role = file[role].as_table();
  const toml::table* all = of_role == nullptr ? nullptr : (*of_role)["profiles"].as_table();
  if (all == nullptr) return profiles;
  for (const auto& [name, table] : *all) {
    MITO_TRY_ASSIGN(profiles[std::string(name.str())], read_table(*all, name.str(), shown_name));
  }
  return profiles;
}

Result<std::string> read_text(const std::filesystem::path& path, std::string_view shown_name) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) {
    const int reason = errno;
    return fail(ErrorCode::kUsage, fmt::format("{}: the configuration file cannot be read: {}", shown_name,
                                               std::generic_category().message(reason)));
  }
  if (text.size() > kLongestFile) {
    return fail(ErrorCode::kUsage, fmt::format("{}: the configuration file is over {} MiB; is it the right file?",
                                               shown_name, kLongestFile >> 20U));
  }
  return text;
}

}  // namespace

Result<SettingsFile> read_settings_file(const std::filesystem::path& path, std::string_view shown_name,
                                        std::string_view role) {
  MITO_TRY_ASSIGN(const std::string text, read_text(path, shown_name));
  toml::table table;
  try {
    table = toml::parse(std::string_view(text));
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kUsage,
                fmt::format("{}:{}: this is not TOML ({}); a setting is written as key = value, with texts in quotes",
                            shown_name, error.source().begin.line, error.description()));
  }
  SettingsFile file;
  MITO_TRY_ASSIGN(file.defaults, read_table(table, "default", shown_name));
  MITO_TRY_ASSIGN(file.role, read_table(table, role, shown_name));
  MITO_TRY_ASSIGN(file.global, read_table(table, "global", shown_name));
  MITO_TRY_ASSIGN(file.profiles, read_profiles(table, role, shown_name));
  if (const auto found = file.role.find("profiles"); found != file.role.end() && !file.profiles.empty())
    file.role.erase(found);
  return file;
}

}  // namespace mito
