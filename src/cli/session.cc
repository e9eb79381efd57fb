#include "cli/session.h"

#include <utility>

#include "client/address.h"
#include "http/client.h"

namespace mito::cli {

namespace {

/// Says why it asks, before the first question.
class LoginPrompt : public client::Prompt {
 public:
  LoginPrompt(client::Prompt& inner, Output& output, std::string_view reason)
      : inner_(inner), output_(output), reason_(reason) {}
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
    if (!std::exchange(announced_, true)) output_.diagnose(reason_);
  }

  client::Prompt& inner_;
  Output& output_;
  std::string_view reason_;
  bool announced_ = false;
};

}  // namespace

Session::Session(client::Settings settings, Output& output, client::Prompt& prompt, Interrupts& interrupts)
    : settings_(std::move(settings)), output_(output), prompt_(prompt), interrupts_(interrupts) {}

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
    LoginPrompt prompt(prompt_, output_, "Local credential not found or invalid, need to login");
    MITO_TRY_ASSIGN(login_, client::connect(*client, settings, prompt, stop()));
    password_ = settings.password;
    client->set_renewal([this] { return renew_token(); });
  }
  return client;
}

Result<client::CredentialStore> Session::credentials() const {
  MITO_TRY_ASSIGN(const auto settings, client::login_settings(settings_));
  MITO_TRY_ASSIGN(const auto address, client::Address::parse(settings_.coordinator_addr));
  return client::CredentialStore::open(settings, address);
}

Result<void> Session::log_in(const std::string& username, const std::string& password, client::OtherSessions others) {
  MITO_TRY_ASSIGN(auto* client, anonymous_client());
  MITO_TRY_ASSIGN(auto store, credentials());
  client->set_renewal({});
  MITO_TRY(client::log_in(*client, store, username, password, others, stop()));
  login_ = client::Login{.username = username, .store = std::move(store), .fresh = true};
  password_ = password;
  client->set_renewal([this] { return renew_token(); });
  return {};
}

void Session::adopt_password(const std::string& password) {
  password_ = password;
}

Result<std::string> Session::renew_token() {
  LoginPrompt prompt(prompt_, output_, "The login has expired, need to login");
  std::string password;
  if (password_) {
    password = *password_;
  } else {
    auto answer = prompt.ask_secret(fmt::format("Password of {}: ", login_->username));
    if (!answer && answer.error().code() == ErrorCode::kUsage)
      return fail(ErrorCode::kNotLoggedIn,
                  "the login has expired, and there is no terminal to ask for the password; "
                  "give --password or --password-file, or set MITO_PASSWORD");
    MITO_TRY_ASSIGN(password, std::move(answer));
  }
  MITO_TRY_ASSIGN(const auto* known, anonymous_client());
  client::Client client = known->without_token();
  MITO_TRY(client::log_in(client, login_->store, login_->username, password, client::OtherSessions::kKeep, stop()));
  return client.token();
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
