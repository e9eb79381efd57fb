#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/address.h"
#include "client/credential_lines.h"
#include "client/credentials.h"

namespace mito::client {

namespace {

/// A line of the file that tells coordinators apart.
struct KnownLogin {
  std::string address;
  Credential credential;
};

std::string text_of(const KnownLogin& login) {
  return login.address + " " + login.credential.username + ":" + login.credential.token;
}

std::vector<KnownLogin> parse(const std::vector<std::string>& lines) {
  std::vector<KnownLogin> logins;
  for (const auto& line : lines) {
    const auto blank = line.find(' ');
    if (blank == std::string::npos) continue;
    const auto colon = line.find(':', blank);
    if (colon == std::string::npos || colon == blank + 1 || colon + 1 == line.size()) continue;
    logins.push_back(
        {.address = line.substr(0, blank),
         .credential = {.username = line.substr(blank + 1, colon - blank - 1), .token = line.substr(colon + 1)}});
  }
  return logins;
}

/// Whether the token is known to be of another coordinator.
bool is_foreign(const std::vector<KnownLogin>& known, std::string_view address, const Credential& credential) {
  const auto of_token = [&](const KnownLogin& login) { return login.credential == credential; };
  return std::ranges::any_of(known, of_token) &&
         std::ranges::none_of(known, [&](const auto& login) { return of_token(login) && login.address == address; });
}

}  // namespace

Result<CredentialStore> CredentialStore::open(const LoginSettings& settings, const Address& address) {
  if (settings.credential_path)
    return CredentialStore(CredentialFile(*settings.credential_path), address.text(), settings.coordinator);
  MITO_TRY_ASSIGN(auto shared, CredentialFile::at_default_path());
  CredentialStore store(std::move(shared), address.text(), settings.coordinator);
  store.known_ = store.shared_.path().string() + ".coordinators";
  return store;
}

Result<std::vector<Credential>> CredentialStore::find(const std::optional<std::string>& user) const {
  std::vector<Credential> found;
  MITO_TRY_ASSIGN(const auto shared, shared_.find(user));
  if (!known_) {
    if (shared) found.push_back(*shared);
    return found;
  }
  MITO_TRY_ASSIGN(const auto lines, read_lines(*known_));
  const auto known = parse(lines);
  const auto own = std::ranges::find_if(known, [&](const KnownLogin& login) {
    return login.address == address_ && (!user || login.credential.username == *user);
  });
  if (own != known.end()) found.push_back(own->credential);
  if (shared && !is_foreign(known, address_, *shared) && (found.empty() || found.front() != *shared)) {
    // Without -c, the user of the file's first line is the default, as with the original.
    const bool first =
        choice_ == Choice::kDefault && !user && found.size() == 1 && found.front().username != shared->username;
    found.insert(first ? found.begin() : found.end(), *shared);
  }
  return found;
}

Result<void> CredentialStore::store(const Credential& credential) const {
  if (!known_) return shared_.store(credential);
  MITO_TRY_ASSIGN(const auto lines, read_lines(*known_));
  MITO_TRY_ASSIGN(const auto shared, shared_.find(credential.username));
  const bool taken = shared && is_foreign(parse(lines), address_, *shared);
  MITO_TRY(keep_known(credential));
  if (taken && choice_ == Choice::kNamed) return {};
  return shared_.store(credential);
}

Result<void> CredentialStore::remember(const Credential& credential) const {
  if (!known_) return {};
  MITO_TRY_ASSIGN(const auto lines, read_lines(*known_));
  if (std::ranges::find(lines, text_of({.address = address_, .credential = credential})) != lines.end()) return {};
  return keep_known(credential);
}

Result<void> CredentialStore::keep_known(const Credential& credential) const {
  return change_lines(*known_, [&](std::vector<std::string>& all) {
    const std::string mine = text_of({.address = address_, .credential = credential});
    const std::string beginning = address_ + " " + credential.username + ":";
    const auto line = std::ranges::find_if(all, [&](const std::string& each) { return each.starts_with(beginning); });
    if (line == all.end()) {
      all.push_back(mine);
    } else {
      *line = mine;
    }
  });
}

}  // namespace mito::client
