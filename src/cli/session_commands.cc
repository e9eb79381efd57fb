#include <array>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/humane.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/text.h"
#include "protocol/codec.h"
#include "security/password.h"

namespace mito::cli {

namespace {

constexpr std::array kLogin{
    maybe_word("USERNAME", "Who to log in as; asked for when missing"),
    maybe_word("PASSWORD", "The password; asked for when missing").secret(),
    flag("logout-others", 0, "End all other sessions of the user"),
};

Result<int> login(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto known, client::login_settings(session.settings()));
  const auto given_name = arguments.value("USERNAME");
  MITO_TRY_ASSIGN(const auto username, session.value_or_ask(given_name ? given_name : known.user, "Username: "));
  const auto given_password = arguments.value("PASSWORD");
  MITO_TRY_ASSIGN(const auto password, session.value_or_ask_secret(given_password ? given_password : known.password,
                                                                   "Please Input Password: "));
  const auto others = arguments.has("logout-others") ? client::OtherSessions::kEnd : client::OtherSessions::kKeep;
  MITO_TRY(session.log_in(username, password, others));
  session.out().done(fmt::format("Successfully logged in as {}", username));
  return 0;
}

constexpr std::array kAuth{maybe_word("USERNAME", "Old form of login").hidden(),
                           maybe_word("PASSWORD", "Old form of login").secret().hidden()};

Result<int> auth(Session& session, const Arguments& arguments) {
  if (arguments.has("USERNAME")) {
    session.out().note("`auth` with a name is the old form of: mito client login USERNAME PASSWORD");
    return login(session, arguments);
  }
  MITO_TRY(session.client());
  if (session.out().names()) {
    session.out().print(session.username() + "\n");
  } else {
    session.out().done(fmt::format("Currently logged in as {}", session.username()));
  }
  return 0;
}

constexpr std::array kCmd{
    flag("split", 's', "Do not merge the command into one string: its first word is run with the others as $0, $1, …"),
    command_line("COMMAND", "The command to run"),
};

Result<int> cmd(Session& session, const Arguments& arguments) {
  const auto& words = arguments.list("COMMAND");
  if (words.empty()) return 0;
  const char* shell = std::getenv("SHELL");
  std::vector<std::string> args{shell == nullptr || shell[0] == '\0' ? "/bin/bash" : shell, "-c"};
  if (arguments.has("split")) {
    args.insert(args.end(), words.begin(), words.end());
  } else {
    args.push_back(join(words, " "));
  }
  MITO_TRY(session.out().flush());
  std::vector<char*> argv;
  argv.reserve(args.size() + 1);
  for (auto& arg : args)
    argv.push_back(arg.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return fail(ErrorCode::kIo, "cannot start a process; are there too many?");
  if (child == 0) {
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && ::access(argv[0], X_OK) != 0)
    return fail(ErrorCode::kIo, fmt::format("cannot run the shell {} that SHELL names", args[0]));
  return shell_exit_code(status);
}

Result<int> quit(Session& session, const Arguments& /*arguments*/) {
  session.leave();
  return 0;
}

constexpr std::array kCommands{
    Command{.name = "auth", .help = "Say who is logged in", .arguments = kAuth, .run = auth},
    Command{.name = "login", .help = "Log in with user name and password", .arguments = kLogin, .run = login},
    Command{.name = "cmd", .help = "Run a command of this machine", .arguments = kCmd, .run = cmd},
    Command{.name = "quit", .help = "Leave the interactive mode", .run = quit, .alias = "exit"},
};

Result<int> groups(Session& session, const Arguments& /*arguments*/) {
  MITO_TRY_ASSIGN(auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, client->user_groups(session.stop()));
  auto& out = session.out();
  if (out.structured()) out.print_object(protocol::encode(answer));
  out.say(fmt::format("Currently in {} groups", answer.groups.size()));
  for (const auto& [name, role] : answer.groups) {
    if (out.names()) out.print(name + "\n");
    out.say(fmt::format("Have {} access for group {}", to_string(role), name));
  }
  return 0;
}

constexpr std::array kChangePassword{
    maybe_word("ORIG_PASSWORD", "The password so far; asked for when missing").secret(),
    maybe_word("NEW_PASSWORD", "The new password; asked for when missing").secret(),
};

Result<int> change_password(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto* client, session.client());
  MITO_TRY_ASSIGN(const auto before,
                  session.value_or_ask_secret(arguments.value("ORIG_PASSWORD"), "Please Input Old Password: "));
  MITO_TRY_ASSIGN(const auto after,
                  session.value_or_ask_secret(arguments.value("NEW_PASSWORD"), "Please Input New Password: "));
  const protocol::UserChangePasswordReq request{.old_md5_password = security::digest_password(before),
                                                .new_md5_password = security::digest_password(after)};
  MITO_TRY_ASSIGN(auto answer, client->change_password(session.username(), request, session.stop()));
  client->set_token(answer.token);
  session.adopt_password(after);
  MITO_TRY_ASSIGN(const auto store, session.credentials());
  MITO_TRY(store.store({.username = session.username(), .token = std::move(answer.token)}));
  session.out().done("User password changed successfully");
  return 0;
}

constexpr std::array kUserCommands{
    Command{.name = "change-password",
            .help = "Change your password",
            .arguments = kChangePassword,
            .run = change_password},
    Command{
        .name = "groups", .help = "List the groups you are in, with your role", .run = groups, .alias = "my-groups"},
};

}  // namespace

std::span<const Command> session_commands() {
  return kCommands;
}
std::span<const Command> user_commands() {
  return kUserCommands;
}

}  // namespace mito::cli
