#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/humane.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/values.h"
#include "cli/worker_view.h"
#include "protocol/codec.h"

namespace mito::cli {

namespace {

constexpr std::array<std::string_view, 3> kRoleNames{"read", "write", "admin"};
constexpr Argument kUuid = word("UUID", "The UUID of the worker").of(Argument::Values::kWorker);
constexpr Argument kForce = flag("force", 'f', "At once: its task goes back to the queue");
constexpr Argument kGroup = option("group", 'g', "GROUP_NAME", "The group whose workers are meant (default: your own)")
                                .of(Argument::Values::kGroup);
constexpr Argument kRole =
    list("role", 'r', "ROLE", "Only workers on which the group has one of these roles").among(kRoleNames);
constexpr Argument kTags = list("tags", 't', "TAG", "Only workers with all of these tags");
constexpr Argument kLabels = list("labels", 'l', "LABEL", "Only workers with all of these labels");
constexpr Argument kCreator = option("creator", 0, "USER", "Only workers of this user").of(Argument::Values::kUser);

constexpr std::array kOnlyUuid{kUuid};
constexpr std::array kCancel{kUuid, kForce};
constexpr std::array kCancelMany{kGroup, kRole, kTags, kLabels, kCreator, kForce};
constexpr std::array kCancelList{words("UUIDS", "The UUIDs of the workers").of(Argument::Values::kWorker), kForce};
constexpr std::array kUpdateTags{kUuid, words("TAGS", "The tags it is to have")};
constexpr std::array kUpdateLabels{kUuid, words("LABELS", "The labels it is to have")};
constexpr std::array kUpdateRoles{
    kUuid, words("ROLES", "Which group gets which role, as group:role; roles are read, write and admin")};
constexpr std::array kRemoveRoles{
    kUuid, words("GROUPS", "The groups that are to lose the worker").of(Argument::Values::kGroup)};
constexpr std::array kQuery{kGroup,
                            kRole,
                            kTags,
                            kLabels,
                            kCreator,
                            flag("verbose", 'v', "Show everything about each worker"),
                            flag("count", 0, "Only count")};

ShutdownOp op_of(const Arguments& arguments) {
  return arguments.has("force") ? ShutdownOp::kForce : ShutdownOp::kGraceful;
}

Result<int> get(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuid, worker_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto worker, client->get_worker(uuid, session.stop()));
  auto& out = session.out();
  if (out.structured()) out.print_object(protocol::encode(worker));
  if (out.names()) out.print(worker.info.worker_id.to_string() + "\n");
  if (!out.for_people()) return 0;
  Table groups({{.title = "GROUP"}, {.title = "ROLE"}});
  for (const auto& [name, role] : worker.groups)
    groups.add({name, std::string(to_string(role))});
  out.print(render_worker(worker.info, Clock::system().now()) + "Accessible Groups:\n" +
            groups.render({.colour = out.colour()}));
  return 0;
}

/// The filter options into a request that has them.
template <class Request>
Request filter(const Arguments& arguments) {
  Request request;
  request.group_name = arguments.value("group");
  if (arguments.has("role")) request.role = roles(arguments.list("role"));
  request.tags = arguments.maybe_list("tags");
  request.labels = arguments.maybe_list("labels");
  request.creator_username = arguments.value("creator");
  return request;
}

Result<int> query(Session& session, const Arguments& arguments) {
  auto request = filter<protocol::WorkersQueryReq>(arguments);
  request.count = arguments.has("count");
  request.detail = !request.count;
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, client->query_workers(request, session.stop()));
  auto& out = session.out();
  const auto now = Clock::system().now();
  const std::string found = fmt::format("Found {} workers in group {}", answer.count, answer.group_name);
  if (request.count) {
    out.show(protocol::encode(answer), std::to_string(answer.count), found + "\n");
    return 0;
  }
  out.heading(found);
  std::vector<std::string> json;
  std::string text;
  for (const auto& worker : answer.workers) {
    if (out.structured()) json.push_back(protocol::encode(worker));
    if (out.names()) text += worker.worker_id.to_string() + "\n";
    if (out.for_people() && arguments.has("verbose")) text += (text.empty() ? "" : "\n") + render_worker(worker, now);
  }
  out.print(text);
  if (!arguments.has("verbose")) out.print_table(worker_table(answer.workers, now));
  if (out.structured()) out.print_list(json);
  return 0;
}

Result<int> cancel(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuid, worker_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY(client->cancel_worker(uuid, op_of(arguments), client::As::kUser, session.stop()));
  session.out().done("Worker cancelled successfully");
  return 0;
}

Result<int> cancel_many(Session& session, const Arguments& arguments) {
  auto request = filter<protocol::WorkersShutdownByFilterReq>(arguments);
  request.op = op_of(arguments);
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, client->shut_down_workers(request, session.stop()));
  auto& out = session.out();
  if (out.structured()) out.print_object(protocol::encode(answer));
  out.say(fmt::format("Shutdown {} workers in group {}", answer.shutdown_count, answer.group_name));
  return 0;
}

Result<int> cancel_list(Session& session, const Arguments& arguments) {
  protocol::WorkersShutdownByUuidsReq request{.uuids = {}, .op = op_of(arguments)};
  MITO_TRY_ASSIGN(request.uuids, worker_uuids("<UUIDS>", arguments.list("UUIDS")));
  if (request.uuids.empty()) return fail(ErrorCode::kUsage, "UUIDs list cannot be empty: name at least one worker");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, client->shut_down_workers(request, session.stop()));
  auto& out = session.out();
  if (out.structured()) out.print_object(protocol::encode(answer));
  out.say(fmt::format("Shutdown {} workers", answer.shutdown_count));
  if (answer.failed_uuids.empty()) return 0;
  out.warn(fmt::format("Failed to shutdown {} workers: [{}]; they are unknown, or no group of yours is admin of them",
                       answer.failed_uuids.size(), join_uuids(answer.failed_uuids)));
  return static_cast<int>(ExitCode::kFailed);
}

Result<int> update_tags(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuid, worker_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY(client->replace_worker_tags(uuid, {.tags = arguments.list("TAGS")}, session.stop()));
  session.out().done("Worker tags updated successfully");
  return 0;
}

Result<int> update_labels(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuid, worker_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY(client->replace_worker_labels(uuid, {.labels = arguments.list("LABELS")}, session.stop()));
  session.out().done("Worker labels updated successfully");
  return 0;
}

Result<int> update_roles(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuid, worker_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto relations, roles_value("[ROLES]...", arguments.list("ROLES"), "GroupWorkerRole"));
  if (relations.empty()) return fail(ErrorCode::kUsage, "no group was named; write group:role, for instance lab:write");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  const auto done = client->update_worker_groups(uuid, {.relations = relations}, session.stop());
  if (!done) return fail(with_names(done.error(), names_of(relations)));
  session.out().done("Group worker roles updated successfully");
  return 0;
}

Result<int> remove_roles(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuid, worker_uuid("<UUID>", arguments.at("UUID")));
  if (arguments.list("GROUPS").empty()) return fail(ErrorCode::kUsage, "no group was named that is to lose the worker");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  const auto& groups = arguments.list("GROUPS");
  const auto done = client->remove_worker_groups(uuid, {.groups = groups}, session.stop());
  if (!done) return fail(with_names(done.error(), groups));
  session.out().done("Group worker roles removed successfully");
  return 0;
}

constexpr std::array kCommands{
    Command{.name = "cancel", .help = "Stop a worker after its task, or at once", .arguments = kCancel, .run = cancel},
    Command{.name = "cancel-many",
            .help = "Stop all workers that fit a filter",
            .arguments = kCancelMany,
            .run = cancel_many},
    Command{.name = "cancel-list", .help = "Stop workers by their UUIDs", .arguments = kCancelList, .run = cancel_list},
    Command{
        .name = "update-tags", .help = "Replace the tags of a worker", .arguments = kUpdateTags, .run = update_tags},
    Command{.name = "update-labels",
            .help = "Replace the labels of a worker",
            .arguments = kUpdateLabels,
            .run = update_labels},
    Command{.name = "update-roles",
            .help = "Give groups roles on a worker",
            .arguments = kUpdateRoles,
            .run = update_roles},
    Command{
        .name = "remove-roles", .help = "Take a worker from groups", .arguments = kRemoveRoles, .run = remove_roles},
    Command{.name = "get", .help = "Show a worker", .arguments = kOnlyUuid, .run = get},
    Command{.name = "query", .help = "List the workers of a group", .arguments = kQuery, .run = query},
};

}  // namespace

std::span<const Command> worker_commands() {
  return kCommands;
}

}  // namespace mito::cli
