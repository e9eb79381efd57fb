#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/task_filter.h"
#include "cli/task_submission.h"
#include "cli/task_view.h"
#include "cli/task_wait.h"
#include "cli/text.h"
#include "cli/values.h"
#include "protocol/codec.h"

namespace mito::cli {

namespace {

constexpr Argument kUuid = word("UUID", "The UUID of the task");
constexpr Argument kUuids = words("UUIDS", "The UUIDs of the tasks");

constexpr std::array kOnlyUuid{kUuid};
constexpr std::array kQuery{kCreators,
                            kFilterGroup,
                            kFilterTags,
                            kFilterLabels,
                            kFilterStates,
                            kFilterExit,
                            kFilterPriority,
                            kFilterReporter,
                            option("limit", 0, "N", "At most so many"),
                            option("offset", 0, "N", "Leave out so many first"),
                            flag("verbose", 'v', "Show everything about each task"),
                            flag("count", 0, "Only count")};
constexpr std::array kCancelMany{kCreators,     kFilterGroup, kFilterTags,    kFilterLabels,
                                 kFilterStates, kFilterExit,  kFilterPriority};
constexpr std::array kOnlyUuids{kUuids};
constexpr std::array kUpdateLabels{kUuid, words("LABELS", "The labels it is to have; none: it has none any more")};
constexpr std::array kLogs{kUuid, flag("stderr", 0, "Only what it wrote to standard error"),
                           flag("stdout", 0, "Only what it wrote to standard output")};

Result<int> get(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const TaskUuid uuid, task_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto task, client->get_task(uuid, session.stop()));
  auto& out = session.out();
  switch (out.format()) {
    case Format::kJson:
      out.print_json(protocol::encode(task));
      break;
    case Format::kQuiet:
      out.print(task.info.uuid.to_string() + "\n");
      break;
    case Format::kTable:
      out.print(render_task(task, Clock::system().now()));
      break;
  }
  return 0;
}

void print_tasks(Output& out, const std::vector<protocol::TaskQueryInfo>& tasks, bool verbose) {
  const auto now = Clock::system().now();
  std::vector<std::string> json;
  std::string text;
  for (const auto& task : tasks) {
    if (out.json()) json.push_back(protocol::encode(task));
    if (out.quiet()) text += task.uuid.to_string() + "\n";
    if (out.format() == Format::kTable && verbose) text += (text.empty() ? "" : "\n") + render_task(task, now);
  }
  if (out.format() == Format::kTable && !verbose) text = render_tasks(tasks, now, out.width());
  out.print(text);
  if (out.json()) out.print_json_array(json);
}

Result<int> query(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto request, task_filter<protocol::TasksQueryReq>(arguments));
  if (const auto limit = arguments.value("limit")) {
    MITO_TRY_ASSIGN(request.limit, count_value("--limit", *limit));
  }
  if (const auto offset = arguments.value("offset")) {
    MITO_TRY_ASSIGN(request.offset, count_value("--offset", *offset));
  }
  request.count = arguments.has("count");
  request.detail = !request.count;
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, client->query_tasks(request, session.stop()));
  auto& out = session.out();
  if (request.count && out.json()) {
    out.print_json(protocol::encode(answer));
    return 0;
  }
  out.say(fmt::format("Found {} tasks in group {}", answer.count, answer.group_name));
  if (!request.count) print_tasks(out, answer.tasks, arguments.has("verbose"));
  if (answer.count == 0 && !request.group_name && out.format() == Format::kTable)
    out.note(fmt::format("only your own group {} was searched; -g names another, mito client users groups lists them",
                         answer.group_name));
  return 0;
}

Result<int> cancel(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const TaskUuid uuid, task_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  auto cancelled = client->cancel_task(uuid, session.stop());
  if (cancelled) {
    session.out().done("Task cancelled successfully");
    return 0;
  }
  if (cancelled.error().code() != ErrorCode::kNotFound) return fail(std::move(cancelled).error());
  // Only tasks that wait can be cancelled: say which it is.
  const auto task = client->get_task(uuid, session.stop());
  if (!task) return fail(std::move(cancelled).error());
  return fail(ErrorCode::kInvalidRequest,
              fmt::format("Task {} cannot be cancelled: it is {}; only tasks that wait (ready, pending) can",
                          uuid.to_string(), describe_task_fully(condition_of(*task))));
}

/// `Cancelled 2 tasks`, and a warning about those that were not.
int say_cancelled(Output& out, const protocol::TasksCancelByUuidsResp& answer) {
  if (out.json()) out.print_json(protocol::encode(answer));
  out.say(fmt::format("Cancelled {} tasks", answer.cancelled_count));
  if (answer.failed_uuids.empty()) return 0;
  out.warn(fmt::format("Failed to cancel {} tasks: [{}]; only tasks that wait (ready, pending) can be cancelled",
                       answer.failed_uuids.size(), join_uuids(answer.failed_uuids)));
  return static_cast<int>(ExitCode::kFailed);
}

Result<int> cancel_many(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto request, task_filter<protocol::TasksCancelByFilterReq>(arguments));
  if (request.states) {
    std::erase_if(*request.states,
                  [](TaskState state) { return state != TaskState::kReady && state != TaskState::kPending; });
    if (request.states->empty()) {  // the original's coordinator would take this for "all that wait"
      return fail(ErrorCode::kUsage,
                  fmt::format("tasks that are {} cannot be cancelled; only ready and pending ones can",
                              join(arguments.list("state"), " or ")));
    }
  }
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, client->cancel_tasks(request, session.stop()));
  auto& out = session.out();
  if (out.json()) out.print_json(protocol::encode(answer));
  out.say(fmt::format("Cancelled {} tasks in group {}", answer.cancelled_count, answer.group_name));
  return 0;
}

Result<int> cancel_list(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto uuids, task_uuids("<UUIDS>", arguments.list("UUIDS")));
  if (uuids.empty()) return fail(ErrorCode::kUsage, "UUIDs list cannot be empty: name at least one task");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer,
                  client->cancel_tasks(protocol::TasksCancelByUuidsReq{.uuids = std::move(uuids)}, session.stop()));
  return say_cancelled(session.out(), answer);
}

Result<int> update_labels(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const TaskUuid uuid, task_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY(client->update_task_labels(uuid, {.labels = arguments.list("LABELS")}, session.stop()));
  session.out().done("Task labels updated successfully");
  return 0;
}

Result<int> wait(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuids, task_uuids("<UUIDS>", arguments.list("UUIDS")));
  if (uuids.empty()) return fail(ErrorCode::kUsage, "UUIDs list cannot be empty: name at least one task");
  int first_failure = 0;
  std::vector<std::string> json;
  auto& out = session.out();
  for (const auto& uuid : uuids) {
    MITO_TRY_ASSIGN(const auto task, wait_for_task(session, uuid));
    if (out.json()) json.push_back(protocol::encode(task));
    if (out.quiet()) out.print(uuid.to_string() + "\n");
    out.say(fmt::format("Task {} is over: {}", uuid.to_string(), describe_task_fully(condition_of(task))));
    if (first_failure == 0) first_failure = task_exit_code(task);
  }
  if (out.json()) out.print_json_array(json);
  return first_failure;
}

Result<int> logs(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const TaskUuid uuid, task_uuid("<UUID>", arguments.at("UUID")));
  const bool all = arguments.has("stdout") == arguments.has("stderr");
  MITO_TRY(print_task_output(session, uuid,
                             all                       ? Streams::kBoth
                             : arguments.has("stdout") ? Streams::kOut
                                                       : Streams::kErr));
  return 0;
}

}  // namespace

std::span<const Command> task_commands() {
  static const std::array kCommands{
      Command{
          .name = "submit",
          .help = "Submit a task",
          .arguments = kSubmitArguments,
          .run = submit_task,
          .details =
              "The command stands behind `--`: mito client tasks submit -t gpu -e N=3 --terminal -- python3 run.py\n\n"
              "Inputs (-r) are artifact=UUID:TYPE:LOCAL_PATH or attachment=KEY:LOCAL_PATH, where TYPE is result, "
              "exec-log or std-log;\n"
              "the task finds them under $MITO_RESOURCE_DIR. Durations are written like 10m, 1h 30m or 2days."},
      Command{
          .name = "submit-many",
          .help = "Submit many tasks from a file",
          .arguments = kSubmitManyArguments,
          .run = submit_many_tasks,
          .details =
              "The file is a JSON array of tasks, or one JSON object a line:\n"
              R"(  {"group_name":"g","tags":[],"labels":[],"timeout":"10m","priority":0,"task_spec":{"args":["true"]}})"},
      Command{.name = "get", .help = "Show a task", .arguments = kOnlyUuid, .run = get},
      Command{.name = "query", .help = "List the tasks of a group", .arguments = kQuery, .run = query},
      Command{.name = "wait",
              .help = "Wait until tasks are over; the exit code is that of the first that failed",
              .arguments = kOnlyUuids,
              .run = wait},
      Command{.name = "logs",
              .help = "Print what a task that is over wrote (submitted with --terminal)",
              .arguments = kLogs,
              .run = logs},
      Command{.name = "cancel", .help = "Cancel a task that waits", .arguments = kOnlyUuid, .run = cancel},
      Command{.name = "cancel-many",
              .help = "Cancel all waiting tasks that fit a filter",
              .arguments = kCancelMany,
              .run = cancel_many},
      Command{.name = "cancel-list",
              .help = "Cancel waiting tasks by their UUIDs",
              .arguments = kOnlyUuids,
              .run = cancel_list},
      Command{.name = "update-labels",
              .help = "Replace the labels of a task",
              .arguments = kUpdateLabels,
              .run = update_labels},
      Command{.name = "change",
              .help = "Change a task that waits; what is not named stays",
              .arguments = kChangeArguments,
              .run = change_task},
      Command{.name = "artifacts",
              .help = "The files that tasks made",
              .commands = artifact_commands(),
              .look_up = "mito client tasks get UUID lists the artifacts of a task"},
  };
  return kCommands;
}

}  // namespace mito::cli
