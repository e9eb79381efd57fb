#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/settings.h"
#include "cli/arguments.h"

namespace mito::cli {

/// The command line of a role, made from the declaration of its settings, and `--config`. Lives as long as the
/// arguments are used.
class RoleOptions {
 public:
  explicit RoleOptions(const SettingsTable& table);
  RoleOptions(const RoleOptions&) = delete;
  RoleOptions& operator=(const RoleOptions&) = delete;

  [[nodiscard]] const std::vector<Argument>& arguments() const { return arguments_; }
  /// Environment, files and what was given on the command line.
  [[nodiscard]] SettingsSources sources(const Arguments& given) const;

 private:
  struct Names {
    std::string name;  ///< Of the argument: the long flag without dashes.
    std::string key;
    std::string default_text;
  };
  std::vector<Names> names_;
  std::vector<std::vector<std::string_view>> choices_;
  std::vector<Argument> arguments_;
};

}  // namespace mito::cli
