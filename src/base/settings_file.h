#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/settings_value.h"

namespace mito {

/// The tables of a configuration file that concern one role: weakest first, a later table's value wins.
struct SettingsFile {
  std::map<std::string, RawSetting> defaults;  ///< [default], for every role.
  std::map<std::string, RawSetting> role;
  std::map<std::string, RawSetting> global;  ///< [global], for every role.
  /// [<role>.profiles.<name>], by name.
  std::map<std::string, std::map<std::string, RawSetting>> profiles;
};

/// Reads a TOML file. kUsage when it cannot be read or is not TOML; the text begins with `shown_name` and the line.
Result<SettingsFile> read_settings_file(const std::filesystem::path& path, std::string_view shown_name,
                                        std::string_view role);

}  // namespace mito
