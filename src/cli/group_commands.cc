#include <array>
#include <string>

#include <fmt/core.h>

#include "base/size.h"
#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/humane.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/values.h"
#include "protocol/codec.h"

namespace mito::cli {

namespace {

constexpr Argument kGroup = word("GROUP_NAME", "The name of the group").of(Argument::Values::kGroup);

constexpr std::array kOnlyGroup{kGroup};
constexpr std::array kUpdateUser{kGroup,
                                 words("ROLES", "Who gets which role, as user:role; roles are read, write and admin")};
constexpr std::array kRemoveUser{kGroup, words("USERS", "Who is to leave the group").of(Argument::Values::kUser)};

Result<int> create(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto* client, session.client());
  MITO_TRY(client->create_group({.group_name = arguments.at("GROUP_NAME")}, session.stop()));
  session.out().done("Successfully created group");
  return 0;
}

std::string storage(std::int64_t bytes) {
  return format_size(static_cast<std::uint64_t>(bytes < 0 ? 0 : bytes));
}

std::string render_group(const protocol::GroupQueryInfo& group, Colour colour) {
  const auto now = Clock::system().now();
  Details details;
  details.add("Group Name", group.group_name);
  details.add("Created by user", group.creator_username);
  details.add("Created at", moment(group.created_at, now));
  details.add("Updated at", moment(group.updated_at, now));
  details.add("State", std::string(to_string(group.state)));
  details.add("Tasks", fmt::format("{}", group.task_count));
  details.add("Storage(used/total)", fmt::format("{} / {}", storage(group.storage_used), storage(group.storage_quota)));
  details.add("Workers", fmt::format("{}", group.worker_count));
  if (!group.users_in_group) return details.render();
  Table users({{.title = "USER"}, {.title = "ROLE"}});
  for (const auto& [name, role] : *group.users_in_group)
    users.add({name, std::string(to_string(role))});
  return details.render() + "Users in the group:\n" + users.render({.colour = colour});
}

Result<int> get(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto* client, session.client());
  MITO_TRY_ASSIGN(const auto group, client->get_group(arguments.at("GROUP_NAME"), session.stop()));
  auto& out = session.out();
  out.show(protocol::encode(group), group.group_name, render_group(group, out.colour()));
  return 0;
}

Result<int> update_user(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto roles, roles_value("[ROLES]...", arguments.list("ROLES"), "UserGroupRole"));
  if (roles.empty()) return fail(ErrorCode::kUsage, "nobody was named; write user:role, for instance alice:write");
  MITO_TRY_ASSIGN(auto* client, session.client());
  const auto done = client->update_group_users(arguments.at("GROUP_NAME"), {.relations = roles}, session.stop());
  if (!done) return fail(with_names(done.error(), names_of(roles)));
  session.out().done("User group roles updated successfully");
  return 0;
}

Result<int> remove_user(Session& session, const Arguments& arguments) {
  if (arguments.list("USERS").empty()) return fail(ErrorCode::kUsage, "nobody was named who is to leave the group");
  MITO_TRY_ASSIGN(auto* client, session.client());
  const auto& users = arguments.list("USERS");
  const auto done = client->remove_group_users(arguments.at("GROUP_NAME"), {.users = users}, session.stop());
  if (!done) return fail(with_names(done.error(), users));
  session.out().done("User group roles removed successfully");
  return 0;
}

}  // namespace

std::span<const Command> group_commands() {
  static const std::array kCommands{
      Command{
          .name = "create", .help = "Create a group, with you as its admin", .arguments = kOnlyGroup, .run = create},
      Command{.name = "get", .help = "Show a group", .arguments = kOnlyGroup, .run = get},
      Command{.name = "update-user",
              .help = "Add users to a group, or change their roles",
              .arguments = kUpdateUser,
              .run = update_user},
      Command{.name = "remove-user", .help = "Remove users from a group", .arguments = kRemoveUser, .run = remove_user},
      Command{.name = "attachments",
              .help = "The files of a group, which tasks can use as inputs",
              .commands = attachment_commands(),
              .look_up = "mito client groups attachments query lists the files of a group (-g names it)"},
  };
  return kCommands;
}

}  // namespace mito::cli
