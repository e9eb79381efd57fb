#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/output.h"
#include "client/client.h"
#include "client/credentials.h"
#include "client/settings.h"

namespace mito::cli {

/// What a command of `mito client` works with: output, settings, and a client that is logged in when it is first asked
/// for. One thread.
class Session {
 public:
  /// `prompt` and `output` outlive the session.
  Session(client::Settings settings, Output& output, client::Prompt& prompt, std::stop_token stop);

  [[nodiscard]] Output& out() { return output_; }
  [[nodiscard]] client::Prompt& prompt() { return prompt_; }
  [[nodiscard]] const client::Settings& settings() const { return settings_; }
  /// Ctrl-C.
  [[nodiscard]] std::stop_token stop() const { return stop_; }

  /// A client that is logged in.
  Result<client::Client*> client();
  /// A client that need not be.
  Result<client::Client*> anonymous_client();
  /// Who is logged in; after client().
  [[nodiscard]] const std::string& username() const { return login_->username; }
  /// The credential file in use.
  Result<client::CredentialFile> credential_file() const;
  /// The group that was named, else the user's own; after client().
  [[nodiscard]] std::string group_or_own(const std::optional<std::string>& named) const {
    return named.value_or(username());
  }

  /// The value, or the answer to `question`, asked on the terminal.
  Result<std::string> value_or_ask(const std::optional<std::string>& value, std::string_view question);
  Result<std::string> value_or_ask_secret(const std::optional<std::string>& value, std::string_view question);

 private:
  client::Settings settings_;
  Output& output_;
  client::Prompt& prompt_;
  std::stop_token stop_;
  std::unique_ptr<client::Client> client_;
  std::optional<client::Login> login_;
};

}  // namespace mito::cli
