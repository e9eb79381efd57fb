#include "base/settings.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/settings_file.h"
#include "base/settings_value.h"

namespace mito {
namespace {

namespace fs = std::filesystem;

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return result;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, change});
    }
  }
  return row[b.size()];
}

/// The key that was probably meant; empty when none is near.
std::string nearest_key(std::string_view key, const std::vector<SettingEntry>& entries) {
  std::string nearest;
  std::size_t least = std::max<std::size_t>(2, key.size() / 3) + 1;
  for (const SettingEntry& entry : entries) {
    const std::size_t distance = edit_distance(key, entry.key);
    if (distance >= least) continue;
    least = distance;
    nearest = entry.key;
  }
  return nearest;
}

/// How a file is named in messages: as seen from the working directory when it lies below it.
std::string shown_name(const fs::path& path, const fs::path& working_directory) {
  const fs::path relative = path.lexically_relative(working_directory);
  if (relative.empty() || *relative.begin() == "..") return path.string();
  return relative.string();
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error) && !fs::is_directory(path, error);
}

/// `name` in `directory` or in one of its parents.
std::optional<fs::path> find_upwards(fs::path directory, const fs::path& name) {
  while (!directory.empty()) {
    if (fs::path candidate = directory / name; is_file(candidate)) return candidate;
    fs::path parent = directory.parent_path();
    if (parent == directory) break;
    directory = std::move(parent);
  }
  return std::nullopt;
}

/// The files to read, weakest first.
Result<std::vector<fs::path>> find_files(const SettingsSources& sources) {
  std::vector<fs::path> files;
  if (!sources.config_directory.empty()) {
    fs::path file = sources.config_directory / "mitosis" / "config.toml";
    if (is_file(file)) files.push_back(std::move(file));
  }
  const fs::path name = sources.config_file.value_or("config.toml");
  std::optional<fs::path> local;
  if (name.is_relative()) {
    local = find_upwards(sources.working_directory, name);
  } else if (is_file(name)) {
    local = name;
  }
  if (!local && sources.config_file) {
    return fail(
        ErrorCode::kUsage,
        fmt::format("--config: there is no file {}; give the path of a configuration file, or leave --config out",
                    name.string()));
  }
  std::error_code error;
  if (local && !(files.size() == 1 && fs::equivalent(files.front(), *local, error)))
    files.push_back(local->lexically_normal());
  return files;
}

Error with_place(const Error& error, std::string_view place) {
  return {error.code(), fmt::format("{}: {}", place, error.text()), error.internal()};
}

}  // namespace

std::string SettingEntry::environment_name() const {
  return "MITO_" + upper(key);
}

std::string SettingEntry::long_flag() const {
  const std::size_t comma = flags.rfind(',');
  return comma == std::string::npos ? flags : flags.substr(comma + 1);
}

SettingsSources SettingsSources::from_process() {
  SettingsSources sources;
  for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) sources.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  std::error_code error;
  sources.working_directory = fs::current_path(error);
  const auto variable = [&sources](const char* name) {
    const auto found = sources.environment.find(name);
    return found == sources.environment.end() ? fs::path{} : fs::path(found->second);
  };
  const fs::path configured = variable("XDG_CONFIG_HOME");
  const fs::path home = variable("HOME");
  if (configured.is_absolute()) {
    sources.config_directory = configured;
  } else if (home.is_absolute()) {
    sources.config_directory = home / ".config";
  }
  return sources;
}

void SettingsTable::add_entry(SettingEntry entry) {
  const bool twice =
      std::ranges::any_of(entries_, [&entry](const SettingEntry& other) { return other.key == entry.key; });
  if (twice || entry.key.empty()) throw std::logic_error("a setting is declared twice or without a key: " + entry.key);
  entries_.push_back(std::move(entry));
}

/// Collects the values of one load, source after source.
class SettingsReader {
 public:
  SettingsReader(const SettingsTable& table, const SettingsSources& sources) : table_(table), sources_(sources) {}

  [[nodiscard]] Result<void> read_files() {
    MITO_TRY_ASSIGN(const auto files, find_files(sources_));
    for (const fs::path& path : files)
      MITO_TRY(read_file(path));
    return read_profile();
  }

  [[nodiscard]] Result<void> read_environment() {
    std::map<std::string, std::string> variables;
    for (const auto& [name, value] : sources_.environment)
      variables[upper(name)] = value;
    for (const SettingEntry& entry : table_.entries()) {
      const std::string name = entry.environment_name();
      const auto found = variables.find(name);
      if (found == variables.end()) continue;
      std::string_view text = found->second;
      const bool is_text = entry.type.kind == SettingKind::kText;
      if (text.empty() && !is_text && entry.type.kind != SettingKind::kList) continue;
      // The original needs quotes around a password of digits; what was written for it keeps its meaning.
      if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) text = text.substr(1, text.size() - 2);
      MITO_TRY(keep(entry, read_setting(entry.type, text, sources_.working_directory), name, name));
    }
    return {};
  }

  [[nodiscard]] Result<void> read_command_line() {
    for (const SettingEntry& entry : table_.entries()) {
      const auto found = sources_.command_line.find(entry.key);
      if (found == sources_.command_line.end()) continue;
      const std::string flag = entry.long_flag().empty() ? entry.key : entry.long_flag();
      MITO_TRY(keep(entry, read_words(entry.type, found->second), flag, flag));
    }
    return {};
  }

  std::map<std::string, SettingValue> values;
  SettingsReport report;

 private:
  /// What becomes of a key that is not a setting.
  enum class Unknown { kIgnore, kWarn };

  Result<void> read_file(const fs::path& path) {
    const std::string name = shown_name(path, sources_.working_directory);
    MITO_TRY_ASSIGN(const auto file, read_settings_file(path, name, table_.role()));
    report.files.push_back(path);
    for (const auto* settings : {&file.defaults, &file.role, &file.global})
      MITO_TRY(keep_table(*settings, name, path, settings == &file.role ? Unknown::kWarn : Unknown::kIgnore));
    for (const auto& [profile, settings] : file.profiles) {
      profiles_.push_back(profile);
      if (sources_.profile == profile) profile_tables_.push_back({settings, name, path});
    }
    return {};
  }

  /// The chosen profile, after all other tables.
  Result<void> read_profile() {
    if (!sources_.profile) return {};
    for (const auto& [settings, name, path] : profile_tables_)
      MITO_TRY(keep_table(settings, name, path, Unknown::kWarn));
    if (!profile_tables_.empty()) return {};
    return fail(
        ErrorCode::kUsage,
        profiles_.empty()
            ? fmt::format("there is no profile {}: write a table [{}.profiles.{}] into config.toml", *sources_.profile,
                          table_.role(), *sources_.profile)
            : fmt::format("there is no profile {}; there are: {}", *sources_.profile, fmt::join(profiles_, ", ")));
  }

  Result<void> keep_table(const std::map<std::string, RawSetting>& settings, const std::string& name,
                          const fs::path& path, Unknown unknown) {
    for (const auto& [key, raw] : settings) {
      const auto entry = std::ranges::find(table_.entries(), key, &SettingEntry::key);
      const std::string place = fmt::format("{}:{}", name, raw.line);
      if (entry != table_.entries().end()) {
        MITO_TRY(keep(*entry, read_setting(entry->type, raw, path.parent_path()), place, place + ": " + key));
      } else if (unknown == Unknown::kWarn) {
        warn_of_unknown(key, place);
      }
    }
    return {};
  }

  void warn_of_unknown(const std::string& key, const std::string& place) {
    const std::string nearest = nearest_key(key, table_.entries());
    report.warnings.push_back(
        nearest.empty() ? fmt::format("{}: {} is not a setting of [{}] and is ignored", place, key, table_.role())
                        : fmt::format("{}: {} is not a setting of [{}] and is ignored; did you mean {}?", place, key,
                                      table_.role(), nearest));
  }

  Result<SettingValue> read_words(const SettingType& type, const std::vector<std::string>& words) const {
    if (type.kind == SettingKind::kList) {
      std::vector<std::string> items;
      for (const std::string& word : words) {
        for (std::string& item : split_list(word))
          items.push_back(std::move(item));
      }
      return SettingValue(std::move(items));
    }
    if (type.kind == SettingKind::kFlag && words.empty()) return SettingValue(true);
    if (words.empty()) return fail(ErrorCode::kUsage, "a value is missing");
    return read_setting(type, words.back(), sources_.working_directory);
  }

  Result<void> keep(const SettingEntry& entry, Result<SettingValue> value, const std::string& origin,
                    std::string_view place) {
    if (!value) return fail(with_place(value.error(), place));
    values[entry.key] = *std::move(value);
    report.origins[entry.key] = origin;
    return {};
  }

  struct ProfileTable {
    std::map<std::string, RawSetting> settings;
    std::string name;
    fs::path path;
  };
  const SettingsTable& table_;
  const SettingsSources& sources_;
  std::vector<std::string> profiles_;  ///< Names of all that were seen.
  std::vector<ProfileTable> profile_tables_;
};

Result<SettingsTable::Values> SettingsTable::read(const SettingsSources& sources) const {
  SettingsReader reader(*this, sources);
  for (const SettingEntry& entry : entries_)
    reader.report.origins[entry.key] = "default";
  MITO_TRY(reader.read_files());
  MITO_TRY(reader.read_environment());
  MITO_TRY(reader.read_command_line());
  Values values;
  static_cast<SettingsReport&>(values) = std::move(reader.report);
  values.values = std::move(reader.values);
  return values;
}

}  // namespace mito
