#include <cstdlib>
#include <vector>

#include "client/credential_lines.h"
#include "client/credentials.h"

namespace mito::client {

namespace {

std::optional<Credential> split_line(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == line.size()) return std::nullopt;
  return Credential{.username = std::string(line.substr(0, colon)), .token = std::string(line.substr(colon + 1))};
}

}  // namespace

Result<CredentialFile> CredentialFile::at_default_path() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && config[0] == '/')
    return CredentialFile(std::filesystem::path(config) / "mitosis" / "credentials");
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] != '\0')
    return CredentialFile(std::filesystem::path(home) / ".config" / "mitosis" / "credentials");
  return fail(ErrorCode::kUsage,
              "there is no place for the credential file because HOME is not set; give one with --credential-path");
}

bool CredentialFile::exists() const {
  std::error_code error;
  return std::filesystem::is_regular_file(path_, error);
}

Result<std::optional<Credential>> CredentialFile::find(const std::optional<std::string>& user) const {
  MITO_TRY_ASSIGN(const auto lines, read_lines(path_));
  if (!user) return lines.empty() ? std::nullopt : split_line(lines.front());
  for (const auto& line : lines)
    if (auto credential = split_line(line); credential && credential->username == *user) return credential;
  return std::optional<Credential>{};
}

Result<void> CredentialFile::store(const Credential& credential) const {
  return change_lines(path_, [&credential](std::vector<std::string>& lines) {
    const std::string mine = credential.username + ":" + credential.token;
    for (auto& line : lines) {
      if (!line.starts_with(credential.username + ":")) continue;
      line = mine;
      return;
    }
    lines.push_back(mine);
  });
}

}  // namespace mito::client
