#include "cli/role_options.h"

#include <filesystem>

namespace mito::cli {

namespace {

/// The letter of `-b,--bind`; 0 when there is none.
char short_flag(std::string_view flags) {
  return flags.size() >= 2 && flags[0] == '-' && flags[1] != '-' ? flags[1] : '\0';
}

Argument::Kind kind_of(SettingKind kind) {
  if (kind == SettingKind::kFlag) return Argument::Kind::kFlag;
  return kind == SettingKind::kList ? Argument::Kind::kList : Argument::Kind::kOption;
}

}  // namespace

RoleOptions::RoleOptions(const SettingsTable& table) {
  const auto& entries = table.entries();
  names_.reserve(entries.size());  // the arguments keep views of these
  choices_.reserve(entries.size());
  for (const auto& entry : entries) {
    if (entry.flags.empty()) continue;
    names_.push_back({.name = entry.long_flag().substr(2), .key = entry.key, .default_text = entry.default_text});
    choices_.emplace_back(entry.type.names.begin(), entry.type.names.end());
    arguments_.push_back({.kind = kind_of(entry.type.kind),
                          .name = names_.back().name,
                          .short_name = short_flag(entry.flags),
                          .value = entry.type.value_name,
                          .help = entry.help,
                          .choices = entry.type.kind == SettingKind::kChoice
                                         ? std::span<const std::string_view>(choices_.back())
                                         : std::span<const std::string_view>(),
                          .default_text = names_.back().default_text});
  }
  arguments_.push_back(
      option("config", 0, "PATH", "A configuration file instead of config.toml of this directory or one above"));
}

SettingsSources RoleOptions::sources(const Arguments& given) const {
  auto sources = SettingsSources::from_process();
  if (const auto config = given.value("config")) sources.config_file = *config;
  for (const auto& names : names_)
    if (given.has(names.name)) sources.command_line[names.key] = given.list(names.name);
  return sources;
}

}  // namespace mito::cli
