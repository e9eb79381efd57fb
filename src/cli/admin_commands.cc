#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/size.h"
#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/humane.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/values.h"
#include "cli/worker_view.h"
#include "protocol/codec.h"
#include "security/password.h"

namespace mito::cli {

namespace {

constexpr std::array<std::string_view, 3> kTypes{"result", "exec-log", "std-log"};

constexpr std::array kCreateUser{maybe_word("USERNAME", "The name of the new user; asked for when missing"),
                                 maybe_word("PASSWORD", "The password; asked for when missing").secret(),
                                 flag("admin", 0, "Make the user an admin of the coordinator")};
constexpr std::array kDeleteUser{word("USERNAME", "The name of the user").of(Argument::Values::kUser)};
constexpr std::array kChangePassword{maybe_word("USERNAME", "The name of the user; asked for when missing"),
                                     maybe_word("NEW_PASSWORD", "The new password; asked for when missing").secret()};
constexpr std::array kGroupQuota{
    word("USERNAME", "The name of the user").of(Argument::Values::kUser),
    word("GROUP_QUOTA", "How many groups the user may make: N or =N, +N, -N (behind `--`)")};
constexpr std::array kStorageQuota{
    word("GROUP_NAME", "The name of the group").of(Argument::Values::kGroup),
    word("STORAGE_QUOTA", "Bytes, such as 5GB or 1GiB: SIZE or =SIZE, +SIZE, -SIZE (behind `--`)")};
constexpr std::array kDeleteAttachment{
    word("KEY", "The key of the attachment").of(Argument::Values::kAttachment),
    maybe_word("OLD_KEY", "The key, where the group stands in front of it").hidden(),
    option("group", 'g', "GROUP_NAME", "The group the file stands in (default: your own)").of(Argument::Values::kGroup),
    flag("smart", 's', "Without -g, the part of the key before the first / is the group")};
constexpr std::array kDeleteArtifact{word("UUID", "The UUID of the task").of(Argument::Values::kTask),
                                     word("CONTENT_TYPE", "Which artifact").among(kTypes)};
constexpr std::array kCancelWorker{word("UUID", "The UUID of the worker").of(Argument::Values::kWorker),
                                   flag("force", 'f', "At once: its task goes back to the queue")};
constexpr std::array kShutdown{
    maybe_word("SECRET", "The secret that the coordinator said where to find when it started; asked for when missing")
        .secret()};

constexpr std::array<std::string_view, 3> kStateNames{"active", "locked", "deleted"};
constexpr Argument kState = list("state", 's', "STATE", "Only those in one of these states").among(kStateNames);
constexpr Argument kLimit = option("limit", 0, "N", "At most so many");
constexpr Argument kOffset = option("offset", 0, "N", "Leave out so many first");
constexpr Argument kCount = flag("count", 0, "Only count");
constexpr std::array kListUsers{maybe_word("NAME", "Only users with this in their name"),
                                kState,
                                flag("admins", 0, "Only admins"),
                                kLimit,
                                kOffset,
                                kCount};
constexpr std::array kListGroups{maybe_word("NAME", "Only groups with this in their name"),
                                 option("creator", 0, "USER", "Only groups that this user made"),
                                 kState,
                                 kLimit,
                                 kOffset,
                                 kCount};
constexpr std::array kListWorkers{
    option("group", 'g', "GROUP_NAME", "Only workers of this group").of(Argument::Values::kGroup),
    list("tags", 't', "TAG", "Only workers with all of these tags"),
    list("labels", 'l', "LABEL", "Only workers with all of these labels"),
    option("creator", 0, "USER", "Only workers of this user"),
    kLimit,
    kOffset,
    kCount};
constexpr std::array kOneGroup{word("GROUP_NAME", "The name of the group").of(Argument::Values::kGroup)};

/// What only our coordinator can do fails with a 404 at the original's.
template <class Answer>
Result<Answer> known_here(Result<Answer> answer) {
  if (answer || (answer.error().code() != ErrorCode::kNotFound && answer.error().code() != ErrorCode::kProtocol))
    return answer;
  if (!answer.error().text().empty() && answer.error().text() != "not found") return answer;
  return fail(ErrorCode::kInvalidRequest, "this coordinator does not offer that: it is an older one");
}

template <class State>
std::optional<std::vector<State>> states_of(const Arguments& arguments) {
  if (!arguments.has("state")) return std::nullopt;
  std::vector<State> states;
  for (const auto& name : arguments.list("state")) {
    const State state = name == "active" ? State::kActive : name == "locked" ? State::kLocked : State::kDeleted;
    if (std::ranges::find(states, state) == states.end()) states.push_back(state);
  }
  return states;
}

/// --limit, --offset and --count into a request.
template <class Request>
Result<void> take_page(const Arguments& arguments, Request& request) {
  if (const auto limit = arguments.value("limit")) {
    MITO_TRY_ASSIGN(request.limit, count_value("--limit", *limit));
  }
  if (const auto offset = arguments.value("offset")) {
    MITO_TRY_ASSIGN(request.offset, count_value("--offset", *offset));
  }
  request.count = arguments.has("count");
  return {};
}

/// The answer of a query: a count, or its items as objects, names or rows.
template <class Answer, class Items, class NameOf>
void show_list(Output& out, const Answer& answer, const Items& items, std::string_view things, bool only_count,
               const NameOf& name_of, const Table& table) {
  const std::string found = fmt::format("Found {} {}", answer.count, things);
  if (only_count) {
    out.show(protocol::encode(answer), std::to_string(answer.count), found + "\n");
    return;
  }
  out.heading(found);
  std::vector<std::string> json;
  for (const auto& item : items) {
    if (out.structured()) json.push_back(protocol::encode(item));
    if (out.names()) out.print(name_of(item) + "\n");
  }
  if (out.structured()) out.print_list(json);
  out.print_table(table);
}

Result<int> list_users(Session& session, const Arguments& arguments) {
  protocol::AdminUsersQueryReq request;
  request.username = arguments.value("NAME");
  request.states = states_of<UserState>(arguments);
  if (arguments.has("admins")) request.admin = true;
  MITO_TRY(take_page(arguments, request));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, known_here(client->query_users(request, session.stop())));
  const auto now = Clock::system().now();
  Table table({{.title = "NAME"},
               {.title = "ADMIN"},
               {.title = "STATE"},
               {.title = "GROUPS", .align = Table::Align::kRight},
               {.title = "LAST LOGIN"},
               {.title = "FROM", .shown = Table::Columns::kAll},
               {.title = "CREATED"}});
  for (const auto& user : answer.users)
    table.add({user.username, user.admin ? "yes" : "", std::string(to_string(user.state)),
               fmt::format("{}/{}", user.group_count, user.group_quota),
               user.current_sign_in_at ? ago(*user.current_sign_in_at, now) : "never",
               user.current_sign_in_ip.value_or(""), ago(user.created_at, now)});
  show_list(
      session.out(), answer, answer.users, "users", request.count, [](const auto& user) { return user.username; },
      table);
  return 0;
}

Result<int> list_groups(Session& session, const Arguments& arguments) {
  protocol::AdminGroupsQueryReq request;
  request.group_name = arguments.value("NAME");
  request.creator_username = arguments.value("creator");
  request.states = states_of<GroupState>(arguments);
  MITO_TRY(take_page(arguments, request));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, known_here(client->query_groups(request, session.stop())));
  const auto now = Clock::system().now();
  Table table({{.title = "NAME"},
               {.title = "STATE"},
               {.title = "CREATOR"},
               {.title = "TASKS", .align = Table::Align::kRight},
               {.title = "WORKERS", .align = Table::Align::kRight},
               {.title = "STORED", .align = Table::Align::kRight},
               {.title = "QUOTA", .align = Table::Align::kRight},
               {.title = "CREATED"}});
  const auto size = [](std::int64_t bytes) { return format_size(static_cast<std::uint64_t>(bytes < 0 ? 0 : bytes)); };
  for (const auto& group : answer.groups)
    table.add({group.group_name, std::string(to_string(group.state)), group.creator_username,
               fmt::format("{}", group.task_count), fmt::format("{}", group.worker_count), size(group.storage_used),
               size(group.storage_quota), ago(group.created_at, now)});
  show_list(
      session.out(), answer, answer.groups, "groups", request.count, [](const auto& group) { return group.group_name; },
      table);
  return 0;
}

Result<int> list_workers(Session& session, const Arguments& arguments) {
  protocol::AdminWorkersQueryReq request;
  request.group_name = arguments.value("group");
  request.tags = arguments.maybe_list("tags");
  request.labels = arguments.maybe_list("labels");
  request.creator_username = arguments.value("creator");
  MITO_TRY(take_page(arguments, request));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, known_here(client->query_all_workers(request, session.stop())));
  show_list(
      session.out(), answer, answer.workers, "workers", request.count,
      [](const auto& worker) { return worker.worker_id.to_string(); },
      worker_table(answer.workers, Clock::system().now()));
  return 0;
}

Result<int> set_user_state(Session& session, const Arguments& arguments, UserState state, std::string_view done) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY(client->change_user_state(arguments.at("USERNAME"), {.state = state}, session.stop()));
  session.out().done(fmt::format("Successfully {} user {}", done, arguments.at("USERNAME")));
  return 0;
}
Result<int> lock_user(Session& session, const Arguments& arguments) {
  return set_user_state(session, arguments, UserState::kLocked, "locked");
}
Result<int> unlock_user(Session& session, const Arguments& arguments) {
  return set_user_state(session, arguments, UserState::kActive, "unlocked");
}

Result<int> set_group_state(Session& session, const Arguments& arguments, GroupState state, std::string_view done) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY(known_here(client->change_group_state(arguments.at("GROUP_NAME"), {.state = state}, session.stop())));
  session.out().done(fmt::format("Successfully {} group {}", done, arguments.at("GROUP_NAME")));
  return 0;
}
Result<int> lock_group(Session& session, const Arguments& arguments) {
  return set_group_state(session, arguments, GroupState::kLocked, "locked");
}
Result<int> unlock_group(Session& session, const Arguments& arguments) {
  return set_group_state(session, arguments, GroupState::kActive, "unlocked");
}

Result<int> create_user(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto username, session.value_or_ask(arguments.value("USERNAME"), "Username of new user: "));
  MITO_TRY_ASSIGN(const auto password,
                  session.value_or_ask_secret(arguments.value("PASSWORD"), "Please Input Password of new user: "));
  MITO_TRY(client->create_user(
      {.username = username, .md5_password = security::digest_password(password), .admin = arguments.has("admin")},
      session.stop()));
  session.out().done("Successfully created user");
  return 0;
}

Result<int> delete_user(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY(client->delete_user(arguments.at("USERNAME"), session.stop()));
  session.out().done("Successfully deleted user");
  return 0;
}

Result<int> change_password(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto username, session.value_or_ask(arguments.value("USERNAME"), "Username: "));
  MITO_TRY_ASSIGN(const auto password,
                  session.value_or_ask_secret(arguments.value("NEW_PASSWORD"), "Please Input New Password: "));
  MITO_TRY(client->admin_change_password(username, {.new_md5_password = security::digest_password(password)},
                                         session.stop()));
  session.out().done("Successfully changed password");
  return 0;
}

Result<int> group_quota(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer,
                  client->change_group_quota(arguments.at("USERNAME"), {.group_quota = arguments.at("GROUP_QUOTA")},
                                             session.stop()));
  if (session.out().structured()) session.out().print_object(protocol::encode(answer));
  session.out().say(fmt::format("Successfully updated user group quota to {}", answer.group_quota));
  return 0;
}

Result<int> storage_quota(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer,
                  client->change_storage_quota(arguments.at("GROUP_NAME"),
                                               {.storage_quota = arguments.at("STORAGE_QUOTA")}, session.stop()));
  if (session.out().structured()) session.out().print_object(protocol::encode(answer));
  session.out().say(fmt::format("Successfully updated group storage quota to {}",
                                format_size(static_cast<std::uint64_t>(answer.storage_quota))));
  return 0;
}

Result<int> delete_attachment(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  std::string group = session.group_or_own(arguments.value("group"));
  std::string key = arguments.at("KEY");
  const auto slash = key.find('/');
  if (const auto behind = arguments.value("OLD_KEY"); behind && !arguments.has("group")) {
    group = std::exchange(key, *behind);
  } else if (!arguments.has("group") && arguments.has("smart") && slash != std::string::npos) {
    group = key.substr(0, slash);
    key.erase(0, slash + 1);
  }
  MITO_TRY(client->delete_attachment(group, key, client::As::kAdmin, session.stop()));
  session.out().done("Successfully deleted attachment");
  return 0;
}

Result<int> delete_artifact(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuid, task_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto type, content_type_value("<CONTENT_TYPE>", arguments.at("CONTENT_TYPE")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY(client->delete_artifact(uuid, type, client::As::kAdmin, session.stop()));
  session.out().done("Successfully deleted artifact");
  return 0;
}

Result<int> cancel_worker(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuid, worker_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  const auto op = arguments.has("force") ? ShutdownOp::kForce : ShutdownOp::kGraceful;
  MITO_TRY(client->cancel_worker(uuid, op, client::As::kAdmin, session.stop()));
  session.out().done("Successfully cancelled worker");
  return 0;
}

Result<int> shutdown(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(
      const auto secret,
      session.value_or_ask_secret(
          arguments.value("SECRET"),
          "Shutdown secret (in the file shutdown-secret of the coordinator's data directory, which its log names): "));
  const auto done = client->shut_down({.secret = secret}, session.stop());
  if (!done && done.error().code() == ErrorCode::kPermissionDenied)
    return fail(done.error().code(), done.error().text() +
                                         ": this is not the secret, which stands in the file "
                                         "shutdown-secret of the coordinator's data directory, or "
                                         "you are no admin");
  MITO_TRY(done);
  session.out().done("Coordinator shutdown successfully");
  session.leave();
  return 0;
}

constexpr std::array kUserCommands{
    Command{.name = "list", .help = "List all users", .arguments = kListUsers, .run = list_users},
    Command{.name = "lock",
            .help = "Keep a user from logging in and from everything else",
            .arguments = kDeleteUser,
            .run = lock_user},
    Command{.name = "unlock", .help = "Let a locked user in again", .arguments = kDeleteUser, .run = unlock_user},
    Command{.name = "create", .help = "Create a user", .arguments = kCreateUser, .run = create_user},
    Command{.name = "delete", .help = "Delete a user", .arguments = kDeleteUser, .run = delete_user},
    Command{.name = "change-password",
            .help = "Set the password of a user",
            .arguments = kChangePassword,
            .run = change_password},
    Command{.name = "group-quota",
            .help = "Change how many groups a user may make",
            .arguments = kGroupQuota,
            .run = group_quota},
};
constexpr std::array kAttachmentCommands{
    Command{.name = "delete",
            .help = "Delete an attachment of any group",
            .arguments = kDeleteAttachment,
            .run = delete_attachment},
};
constexpr std::array kGroupCommands{
    Command{.name = "list", .help = "List all groups", .arguments = kListGroups, .run = list_groups},
    Command{.name = "lock",
            .help = "Refuse uploads into a group; its tasks go on",
            .arguments = kOneGroup,
            .run = lock_group},
    Command{.name = "unlock", .help = "Open a locked group again", .arguments = kOneGroup, .run = unlock_group},
    Command{.name = "storage-quota",
            .help = "Change how much a group may store",
            .arguments = kStorageQuota,
            .run = storage_quota},
    Command{.name = "attachments", .help = "The files of groups", .commands = kAttachmentCommands},
};
constexpr std::array kArtifactCommands{
    Command{.name = "delete",
            .help = "Delete an artifact of any task",
            .arguments = kDeleteArtifact,
            .run = delete_artifact},
};
constexpr std::array kTaskCommands{
    Command{.name = "artifacts", .help = "The files that tasks made", .commands = kArtifactCommands},
};
constexpr std::array kWorkerCommands{
    Command{.name = "list", .help = "List all workers", .arguments = kListWorkers, .run = list_workers},
    Command{.name = "cancel",
            .help = "Stop any worker after its task, or at once",
            .arguments = kCancelWorker,
            .run = cancel_worker},
};
constexpr std::array kCommands{
    Command{.name = "users",
            .help = "List, create, delete, lock and change users",
            .commands = kUserCommands,
            .look_up = "mito client admin users list lists all users"},
    Command{.name = "groups",
            .help = "List and lock groups; their quotas and files",
            .commands = kGroupCommands,
            .look_up = "mito client admin groups list lists all groups"},
    Command{.name = "tasks", .help = "Files of tasks", .commands = kTaskCommands},
    Command{.name = "workers",
            .help = "List and stop workers",
            .commands = kWorkerCommands,
            .look_up = "mito client admin workers list lists all workers"},
    Command{.name = "shutdown", .help = "Stop the coordinator", .arguments = kShutdown, .run = shutdown},
};

}  // namespace

std::span<const Command> admin_commands() {
  return kCommands;
}

}  // namespace mito::cli
