#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/interrupts.h"
#include "cli/output.h"
#include "client/client.h"
#include "client/credentials.h"
#include "client/settings.h"

namespace mito::cli {

/// What a command of `mito client` works with: output, settings, and a client that is logged in when it is first asked
/// for, and again when its token has expired. One thread, but for the client.
class Session {
 public:
  /// All that is handed over by reference outlives the session.
  Session(client::Settings settings, Output& output, client::Prompt& prompt, Interrupts& interrupts);

  [[nodiscard]] Output& out() { return output_; }
  [[nodiscard]] client::Prompt& prompt() { return prompt_; }
  [[nodiscard]] const client::Settings& settings() const { return settings_; }
  /// Ctrl-C of the command that runs.
  [[nodiscard]] std::stop_token stop() const { return interrupts_.token(); }
  [[nodiscard]] Interrupts& interrupts() { return interrupts_; }

  /// A client that is logged in.
  Result<client::Client*> client();
  /// A client that need not be.
  Result<client::Client*> anonymous_client();
  /// Who is logged in; after client().
  [[nodiscard]] const std::string& username() const { return login_->username; }
  /// Where logins are kept.
  Result<client::CredentialStore> credentials() const;
  /// Logs in and goes on as that user.
  Result<void> log_in(const std::string& username, const std::string& password, client::OtherSessions others);
  /// The user has another password from now on.
  void adopt_password(const std::string& password);
  /// The group that was named, else the user's own; after client().
  [[nodiscard]] std::string group_or_own(const std::optional<std::string>& named) const {
    return named.value_or(username());
  }

  /// The value, or the answer to `question`, asked on the terminal.
  Result<std::string> value_or_ask(const std::optional<std::string>& value, std::string_view question);
  Result<std::string> value_or_ask_secret(const std::optional<std::string>& value, std::string_view question);

  /// Ends the shell after this command.
  void leave() { leaving_ = true; }
  [[nodiscard]] bool is_leaving() const { return leaving_; }

 private:
  /// A new token for whoever is logged in.
  Result<std::string> renew_token();

  client::Settings settings_;
  Output& output_;
  client::Prompt& prompt_;
  Interrupts& interrupts_;
  std::unique_ptr<client::Client> client_;
  std::optional<client::Login> login_;
  std::optional<std::string> password_;  ///< Of the login, where it was given.
  bool leaving_ = false;
};

/// Asks on the terminal, as client::TerminalPrompt does; Ctrl-C ends a question.
class ConsolePrompt : public client::Prompt {
 public:
  explicit ConsolePrompt(const Interrupts& interrupts) : interrupts_(interrupts) {}
  Result<std::string> ask(std::string_view question) override {
    return client::TerminalPrompt(interrupts_.token()).ask(question);
  }
  Result<std::string> ask_secret(std::string_view question) override {
    return client::TerminalPrompt(interrupts_.token()).ask_secret(question);
  }

 private:
  const Interrupts& interrupts_;
};

}  // namespace mito::cli
