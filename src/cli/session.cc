#include "cli/session.h"

#include <utility>

#include "client/address.h"
#include "http/client.h"

namespace mito::cli {

namespace {

/// Says why it asks, before the first question.
class LoginPrompt : public client::Prompt {
 public:
  LoginPrompt(client::Prompt& inner, Output& output) : inner_(inner), output_(output) {}
  Result<std::string> ask(std::string_view question) override {
    announce();
    return inner_.ask(question);
  }
  Result<std::string> ask_secret(std::string_view question) override {
    announce();
    return inner_.ask_secret(question);
  }

 private:
  void announce() {
    if (!std::exchange(announced_, true)) output_.diagnose("Local credential not found or invalid, need to login");
  }

  client::Prompt& inner_;
  Output& output_;
  bool announced_ = false;
};

}  // namespace

Session::Session(client::Settings settings, Output& output, client::Prompt& prompt, std::stop_token stop)
    : settings_(std::move(settings)), output_(output), prompt_(prompt), stop_(std::move(stop)) {}

Result<client::Client*> Session::anonymous_client() {
  if (!client_) {
    MITO_TRY_ASSIGN(auto address, client::Address::parse(settings_.coordinator_addr));
    http::ClientSettings connections;
    if (settings_.ca_file) connections.ca_file = settings_.ca_file->string();
    client_ = std::make_unique<client::Client>(std::move(address), std::make_shared<http::Client>(connections));
  }
  return client_.get();
}

Result<client::Client*> Session::client() {
  MITO_TRY_ASSIGN(auto* client, anonymous_client());
  if (!login_) {
    MITO_TRY_ASSIGN(const auto settings, client::login_settings(settings_));
    LoginPrompt prompt(prompt_, output_);
    MITO_TRY_ASSIGN(login_, client::connect(*client, settings, prompt, stop_));
  }
  return client;
}

Result<client::CredentialFile> Session::credential_file() const {
  if (settings_.credential_path) return client::CredentialFile(*settings_.credential_path);
  return client::CredentialFile::at_default_path();
}

Result<std::string> Session::value_or_ask(const std::optional<std::string>& value, std::string_view question) {
  if (value) return *value;
  return prompt_.ask(question);
}

Result<std::string> Session::value_or_ask_secret(const std::optional<std::string>& value, std::string_view question) {
  if (value) return *value;
  return prompt_.ask_secret(question);
}

}  // namespace mito::cli
