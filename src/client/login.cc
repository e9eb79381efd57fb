#include <utility>

#include <fmt/core.h>

#include "client/client.h"
#include "client/credentials.h"
#include "security/password.h"

namespace mito::client {

namespace {

/// Whether the coordinator takes the token for that user. An error when it cannot say.
Result<bool> accepts(const Client& client, const std::string& username, std::stop_token stop) {
  auto name = client.auth(std::move(stop));
  if (name) return *name == username;
  switch (name.error().code()) {
    case ErrorCode::kInternal:
    case ErrorCode::kUnavailable:
    case ErrorCode::kUnreachable:
    case ErrorCode::kTimeout:
    case ErrorCode::kCancelled:
      return fail(std::move(name).error());
    default:
      return false;
  }
}

/// What `answer` has; that nobody could be asked means here that nobody is logged in.
Result<std::string> answer_for_login(std::string_view missing, Result<std::string> answer) {
  if (answer || answer.error().code() != ErrorCode::kUsage) return answer;
  return fail(ErrorCode::kNotLoggedIn,
              fmt::format("not logged in: the {} is missing and cannot be asked for without a terminal; give --user "
                          "and --password, set "
                          "MITO_USER and MITO_PASSWORD, or log in once with: mito client login USERNAME PASSWORD",
                          missing));
}

}  // namespace

Result<void> log_in(Client& client, const CredentialStore& store, std::string_view username, std::string_view password,
                    OtherSessions others, std::stop_token stop) {
  const protocol::UserLoginReq request{.username = std::string(username),
                                       .md5_password = security::digest_password(password),
                                       .retain = others == OtherSessions::kKeep};
  MITO_TRY_ASSIGN(auto answer, client.login(request, std::move(stop)));
  client.set_token(answer.token);
  return store.store({.username = request.username, .token = std::move(answer.token)});
}

Result<Login> connect(Client& client, const LoginSettings& settings, Prompt& prompt, std::stop_token stop) {
  MITO_TRY_ASSIGN(auto store, CredentialStore::open(settings, client.address()));
  MITO_TRY_ASSIGN(auto known, store.find(settings.user));
  for (auto& credential : known) {
    client.set_token(credential.token);
    MITO_TRY_ASSIGN(const bool usable, accepts(client, credential.username, stop));
    if (usable) {
      [[maybe_unused]] const auto noted = store.remember(credential);  // the login is as good without the note
      return Login{.username = std::move(credential.username), .store = std::move(store)};
    }
    client.set_token({});
  }

  Login login{.username = settings.user.value_or(""), .store = std::move(store), .fresh = true};
  if (login.username.empty()) {
    MITO_TRY_ASSIGN(login.username, answer_for_login("user name", prompt.ask("Username: ")));
  }
  std::string password = settings.password.value_or("");
  if (!settings.password) {
    MITO_TRY_ASSIGN(password, answer_for_login("password", prompt.ask_secret("Please Input Password: ")));
  }
  MITO_TRY(log_in(client, login.store, login.username, password, OtherSessions::kKeep, std::move(stop)));
  return login;
}

}  // namespace mito::client
