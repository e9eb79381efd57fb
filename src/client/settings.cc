#include "client/settings.h"

#include <fstream>

#include <fmt/core.h>

namespace mito::client {

const SettingsDeclaration<Settings>& settings_declaration() {
  static const auto kDeclaration = [] {
    SettingsDeclaration<Settings> d("client");
    d.add("coordinator_addr", "-c,--coordinator", &Settings::coordinator_addr, setting::text("URL"),
          "The address of the coordinator, without http:// or https:// it is http; several, separated by commas, where "
          "one stands by for another");
    d.add("credential_path", "--credential-path", &Settings::credential_path, setting::path(),
          "The file that keeps the logins", "$XDG_CONFIG_HOME/mitosis/credentials");
    d.add("user", "-u,--user", &Settings::user, setting::text("NAME"), "The user to act as",
          "the first of the credential file");
    d.add("password", "-p,--password", &Settings::password, setting::text("PASSWORD"),
          "The password, for when a login is needed", "asked for on a terminal");
    d.add("password_file", "--password-file", &Settings::password_file, setting::path(),
          "A file whose first line is the password", "none");
    d.add("ca_file", "--ca-cert", &Settings::ca_file, setting::path(),
          "Certificates (PEM) that an https coordinator may bear", "the system's");
    d.add("profile", "--profile", &Settings::profile, setting::text("NAME"),
          "Take settings from the table [client.profiles.NAME] of a configuration file", "none");
    d.add("retain", "--retain", &Settings::retain, setting::flag(),
          "Keep the user's other sessions at a login; they are always kept, unless with login --logout-others");
    return d;
  }();
  return kDeclaration;
}

Result<LoginSettings> login_settings(const Settings& settings) {
  LoginSettings login{.credential_path = settings.credential_path,
                      .user = settings.user,
                      .password = settings.password,
                      .coordinator = settings.coordinator_choice};
  if (login.password || !settings.password_file) return login;
  std::ifstream file(*settings.password_file);
  std::string line;
  if (!std::getline(file, line)) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot read a password from the first line of {}", settings.password_file->string()));
  }
  if (line.ends_with('\r')) line.pop_back();
  login.password = std::move(line);
  return login;
}

}  // namespace mito::client
