#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/size.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/values.h"
#include "protocol/codec.h"
#include "security/password.h"

namespace mito::cli {

namespace {

constexpr std::array<std::string_view, 3> kTypes{"result", "exec-log", "std-log"};

constexpr std::array kCreateUser{maybe_word("USERNAME", "The name of the new user; asked for when missing"),
                                 maybe_word("PASSWORD", "The password; asked for when missing"),
                                 flag("admin", 0, "Make the user an admin of the coordinator")};
constexpr std::array kDeleteUser{word("USERNAME", "The name of the user")};
constexpr std::array kChangePassword{maybe_word("USERNAME", "The name of the user; asked for when missing"),
                                     maybe_word("NEW_PASSWORD", "The new password; asked for when missing")};
constexpr std::array kGroupQuota{
    word("USERNAME", "The name of the user"),
    word("GROUP_QUOTA", "How many groups the user may make: N or =N, +N, -N (behind `--`)")};
constexpr std::array kStorageQuota{
    word("GROUP_NAME", "The name of the group"),
    word("STORAGE_QUOTA", "Bytes, such as 5GB or 1GiB: SIZE or =SIZE, +SIZE, -SIZE (behind `--`)")};
constexpr std::array kDeleteAttachment{
    word("KEY", "The key of the attachment"),
    option("group", 'g', "GROUP_NAME", "The group the file stands in (default: your own)"),
    flag("smart", 's', "Without -g, the part of the key before the first / is the group")};
constexpr std::array kDeleteArtifact{word("UUID", "The UUID of the task"),
                                     word("CONTENT_TYPE", "Which artifact").among(kTypes)};
constexpr std::array kCancelWorker{word("UUID", "The UUID of the worker"),
                                   flag("force", 'f', "At once: its task goes back to the queue")};
constexpr std::array kShutdown{
    maybe_word("SECRET", "The secret that the coordinator said where to find when it started; asked for when missing")};

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
  if (session.out().json()) session.out().print_json(protocol::encode(answer));
  session.out().say(fmt::format("Successfully updated user group quota to {}", answer.group_quota));
  return 0;
}

Result<int> storage_quota(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer,
                  client->change_storage_quota(arguments.at("GROUP_NAME"),
                                               {.storage_quota = arguments.at("STORAGE_QUOTA")}, session.stop()));
  if (session.out().json()) session.out().print_json(protocol::encode(answer));
  session.out().say(fmt::format("Successfully updated group storage quota to {}",
                                format_size(static_cast<std::uint64_t>(answer.storage_quota))));
  return 0;
}

Result<int> delete_attachment(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  std::string group = session.group_or_own(arguments.value("group"));
  std::string key = arguments.at("KEY");
  const auto slash = key.find('/');
  if (!arguments.has("group") && arguments.has("smart") && slash != std::string::npos) {
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
  MITO_TRY_ASSIGN(const auto secret, session.value_or_ask_secret(
                                         arguments.value("SECRET"),
                                         "Shutdown secret (the coordinator's start-up lines say where it stands): "));
  MITO_TRY(client->shut_down({.secret = secret}, session.stop()));
  session.out().done("Coordinator shutdown successfully");
  return 0;
}

constexpr std::array kUserCommands{
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
    Command{.name = "cancel",
            .help = "Stop any worker after its task, or at once",
            .arguments = kCancelWorker,
            .run = cancel_worker},
};
constexpr std::array kCommands{
    Command{.name = "users", .help = "Create, delete and change users", .commands = kUserCommands},
    Command{.name = "groups", .help = "Quotas and files of groups", .commands = kGroupCommands},
    Command{.name = "tasks", .help = "Files of tasks", .commands = kTaskCommands},
    Command{.name = "workers", .help = "Stop workers", .commands = kWorkerCommands},
    Command{.name = "shutdown", .help = "Stop the coordinator", .arguments = kShutdown, .run = shutdown},
};

}  // namespace

std::span<const Command> admin_commands() {
  return kCommands;
}

}  // namespace mito::cli
