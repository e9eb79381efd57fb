#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/duration.h"
#include "base/size.h"
#include "client/settings.h"
#include "coordinator/settings.h"
#include "worker/settings.h"

namespace mito {
namespace {

constexpr const char* kIntroduction =
    R"(# Every setting of the three roles with its default. Copy what you need into a config.toml and take away the # before it;
# values in <…> are yours to choose. What the settings mean in full: docs/settings.md.
#
# Written from the program's own declarations: MITO_ACCEPT=1 build/release/bin/unit_cli --gtest_filter='ConfigExample.*'
)";

bool has_key(const SettingsTable& table, std::string_view key) {
  return std::ranges::any_of(table.entries(), [&](const SettingEntry& entry) { return entry.key == key; });
}

/// Whether a declaration's default is a value; others are words, such as "one per core".
bool is_value(const SettingsTable& table, const SettingEntry& entry) {
  const std::string& text = entry.default_text;
  switch (entry.type.kind) {
    case SettingKind::kFlag:
      return true;
    case SettingKind::kInteger:
      return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
    case SettingKind::kSize:
      return parse_size(text).has_value();
    case SettingKind::kDuration:
      return Duration::parse(text).has_value();
    case SettingKind::kAddress:
      return !text.empty() && text.find(' ') == std::string::npos && text.find(':') != std::string::npos;
    case SettingKind::kChoice:
      return std::ranges::find(entry.type.names, text) != entry.type.names.end();
    case SettingKind::kUrl:
      return std::ranges::any_of(entry.type.names, [&](const std::string& start) { return text.starts_with(start); });
    case SettingKind::kList:
      return text.empty();
    default:
      return !text.empty() && text.find(' ') == std::string::npos && text != "none" && text != "random" &&
             !has_key(table, text);
  }
}

std::string value_of(const SettingEntry& entry) {
  switch (entry.type.kind) {
    case SettingKind::kFlag:
      return "false";
    case SettingKind::kInteger:
      return entry.default_text;
    case SettingKind::kList:
      return "[]";
    default:
      return "\"" + entry.default_text + "\"";
  }
}

std::string line_of(const SettingsTable& table, const SettingEntry& entry) {
  if (is_value(table, entry)) return "# " + entry.help + "\n#" + entry.key + " = " + value_of(entry) + "\n";
  const std::string words = entry.default_text.empty() ? "" : " (default: " + entry.default_text + ")";
  const std::string name = entry.type.value_name.empty() ? "VALUE" : entry.type.value_name;
  const std::string placeholder = entry.type.kind == SettingKind::kInteger ? "<" + name + ">" : "\"<" + name + ">\"";
  return "# " + entry.help + words + "\n#" + entry.key + " = " + placeholder + "\n";
}

std::string section(const SettingsTable& table) {
  std::string out = "\n[" + table.role() + "]\n";
  for (const SettingEntry& entry : table.entries())
    out += line_of(table, entry);
  return out;
}

std::string example() {
  return kIntroduction + section(coordinator::settings_declaration()) + section(worker::settings_declaration()) +
         section(client::settings_declaration());
}

TEST(ConfigExample, IsWhatTheFileSays) {
  const std::string path = std::string(MITO_SOURCE_DIR) + "/config.example.toml";
  if (std::getenv("MITO_ACCEPT") != nullptr) std::ofstream(path) << example();
  std::stringstream found;
  found << std::ifstream(path).rdbuf();
  EXPECT_EQ(found.str(), example()) << "config.example.toml is stale; its head says how to write it anew";
}

/// The example as somebody leaves it who takes every # away, but for what he has to choose himself.
std::string filled_in() {
  std::istringstream lines(example());
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const bool is_setting = line.size() > 2 && line[0] == '#' && std::islower(static_cast<unsigned char>(line[1])) != 0;
    if (is_setting && line.find("= \"<") == std::string::npos && line.find("= <") == std::string::npos)
      line.erase(0, 1);
    out += line + "\n";
  }
  return out;
}

template <class Declaration>
void expect_defaults(const Declaration& declaration, const std::filesystem::path& file) {
  SettingsSources sources;
  sources.working_directory = file.parent_path();
  sources.config_file = file;
  const auto loaded = declaration.load(sources);
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_THAT(loaded->warnings, ::testing::IsEmpty());
}

TEST(ConfigExample, CanBeUsed) {
  std::string pattern = (std::filesystem::temp_directory_path() / "mito-config-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  std::ofstream(folder / "config.toml") << filled_in();
  expect_defaults(coordinator::settings_declaration(), folder / "config.toml");
  expect_defaults(worker::settings_declaration(), folder / "config.toml");
  expect_defaults(client::settings_declaration(), folder / "config.toml");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace mito
