#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mito::client {

class Address;
class Client;

/// One line of the credential file. The token is opaque.
struct Credential {
  std::string username;
  std::string token;
  friend bool operator==(const Credential&, const Credential&) = default;
};

/// The file in which client and worker (of either program) keep their tokens: one `username:token` per line
/// (reference/client-and-worker.md 3.9). Any thread; several processes may use one file at once.
class CredentialFile {
 public:
  explicit CredentialFile(std::filesystem::path path) : path_(std::move(path)) {}
  /// `$XDG_CONFIG_HOME/mitosis/credentials`, else `~/.config/mitosis/credentials`. kUsage when there is no home
  /// directory.
  static Result<CredentialFile> at_default_path();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool exists() const;
  /// The line of `user`; without a user the first line. Nothing when there is no such line or no file; kIo when it
  /// cannot be read.
  [[nodiscard]] Result<std::optional<Credential>> find(const std::optional<std::string>& user) const;
  /// Replaces the user's line or appends it and keeps all others. The file is replaced as a whole, with mode 0600;
  /// missing directories are made.
  [[nodiscard]] Result<void> store(const Credential& credential) const;

 private:
  std::filesystem::path path_;
};

/// Whether a coordinator is the one that is used when none is named, or was named for this call (`--coordinator`, a
/// profile).
enum class Choice { kDefault, kNamed };

/// What is known about who wants to log in.
struct LoginSettings {
  std::optional<std::filesystem::path> credential_path{};  ///< Default: CredentialFile::at_default_path().
  std::optional<std::string> user{};
  std::optional<std::string> password{};
  Choice coordinator = Choice::kDefault;
};

/// Logins of several coordinators. Beside the credential file, which does not tell them apart, a file of the same name
/// with `.coordinators` behind it keeps `<address> <username>:<token>` lines. What stands in the credential file alone
/// (the original wrote it) is taken to be for any coordinator; a login at the default coordinator is always written to
/// it, one at another only where no login known to be of a third stands in its place. With a credential path of the
/// user's own there is just that file. Any thread.
class CredentialStore {
 public:
  /// kUsage when there is no place for the file.
  static Result<CredentialStore> open(const LoginSettings& settings, const Address& address);

  /// What may be good for `user` (without one: for whoever is the default), best first.
  [[nodiscard]] Result<std::vector<Credential>> find(const std::optional<std::string>& user) const;
  [[nodiscard]] Result<void> store(const Credential& credential) const;
  /// Notes that the coordinator took what find() gave, so that a login at another does not take its place.
  [[nodiscard]] Result<void> remember(const Credential& credential) const;

 private:
  [[nodiscard]] Result<void> keep_known(const Credential& credential) const;
  CredentialStore(CredentialFile shared, std::string address, Choice choice)
      : shared_(std::move(shared)), address_(std::move(address)), choice_(choice) {}

  CredentialFile shared_;
  std::optional<std::filesystem::path> known_;  ///< The file that tells coordinators apart.
  std::string address_;
  Choice choice_;
};

/// Whether a login ends the other sessions of the user.
enum class OtherSessions { kKeep, kEnd };

/// Asks a person for what a login lacks.
class Prompt {
 public:
  virtual ~Prompt() = default;
  /// `question` is printed as it is. Fails with kUsage when nobody can be asked.
  virtual Result<std::string> ask(std::string_view question) = 0;
  /// The same without showing what is typed.
  virtual Result<std::string> ask_secret(std::string_view question) = 0;
};

/// Asks on the controlling terminal: questions and hidden answers go there, visible answers are read from it. Fails at
/// once, naming what to give instead, when standard input is not a terminal.
class TerminalPrompt : public Prompt {
 public:
  /// A stop request ends a question with kCancelled.
  explicit TerminalPrompt(std::stop_token stop = {}) : stop_(std::move(stop)) {}
  Result<std::string> ask(std::string_view question) override;
  Result<std::string> ask_secret(std::string_view question) override;

 private:
  std::stop_token stop_;
};

/// What connect() found.
struct Login {
  std::string username;
  CredentialStore store;
  bool fresh = false;  ///< A new login was made, nothing usable was in the file.
};

/// Gives `client` a token that works: the one of the credential file when the coordinator accepts it (a given password
/// is not looked at then), else that of a new login, which is stored in the file. Asks `prompt` for a missing name or
/// password. Errors: kNotLoggedIn (something is missing and cannot be asked for), kWrongCredentials, kUnreachable,
/// kUnavailable, kIo.
Result<Login> connect(Client& client, const LoginSettings& settings, Prompt& prompt, std::stop_token stop = {});

/// Logs in, gives `client` the new token and keeps it in `store`.
Result<void> log_in(Client& client, const CredentialStore& store, std::string_view username, std::string_view password,
                    OtherSessions others, std::stop_token stop = {});

}  // namespace mito::client
