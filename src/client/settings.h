#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/settings.h"
#include "client/credentials.h"

namespace mito::client {

/// Everything that can be set about `mito client`; keys, flags and defaults are those of the original.
struct Settings {
  std::string coordinator_addr = "http://127.0.0.1:5000";
  std::optional<std::filesystem::path> credential_path;
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::optional<std::filesystem::path> password_file;  ///< Its first line is the password.
  std::optional<std::filesystem::path> ca_file;        ///< PEM; which certificates an https coordinator may bear.
  std::optional<std::string> profile;                  ///< A table [client.profiles.NAME] of the configuration.
  bool retain = false;  ///< Accepted for the original's sake: our logins always keep other sessions.
  /// Not a setting: whether the coordinator was named for this call.
  Choice coordinator_choice = Choice::kDefault;
};

/// The declaration of these settings.
const SettingsDeclaration<Settings>& settings_declaration();

/// What a login needs of them; reads the password file. kIo when that is not possible.
Result<LoginSettings> login_settings(const Settings& settings);

}  // namespace mito::client
