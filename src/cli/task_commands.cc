#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/core.h>

#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/task_filter.h"
#include "cli/task_follower.h"
#include "cli/task_search.h"
#include "cli/task_submission.h"
#include "cli/task_view.h"
#include "cli/task_wait.h"
#include "cli/text.h"
#include "cli/values.h"
#include "protocol/codec.h"

namespace mito::cli {

namespace {

constexpr Argument kUuid = word("UUID", "The UUID of the task").of(Argument::Values::kTask);
constexpr Argument kUuids = words("UUIDS", "The UUIDs of the tasks").of(Argument::Values::kTask);

constexpr std::array kOnlyUuid{kUuid};
constexpr std::array kQuery{kCreators,
                            kFilterGroup,
                            kFilterTags,
                            kFilterLabels,
                            kFilterStates,
                            kFilterExit,
                            kFilterPriority,
                            kFilterReporter,
                            kFilterFailed,
                            option("limit", 0, "N", "At most so many"),
                            option("offset", 0, "N", "Leave out so many first"),
                            flag("verbose", 'v', "Show everything about each task"),
                            flag("count", 0, "Only count")};
constexpr std::array kCancelMany{kCreators,     kFilterGroup, kFilterTags,    kFilterLabels,
                                 kFilterStates, kFilterExit,  kFilterPriority};
constexpr std::array kOnlyUuids{kUuids};
constexpr std::array kWait{kUuids, flag("no-progress", 0, "Show no progress on the terminal")};
constexpr std::array kUpdateLabels{kUuid, words("LABELS", "The labels it is to have; none: it has none any more")};
constexpr std::array kLogs{kUuid, flag("stderr", 0, "Only what it wrote to standard error"),
                           flag("stdout", 0, "Only what it wrote to standard output")};

std::string describe_change(const protocol::TaskQueryResp& task) {
  return fmt::format("Task {}: {}", task.info.uuid.to_string(), describe_task_fully(condition_of(task)));
}

Result<int> get(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const TaskUuid uuid, task_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto task, client->get_task(uuid, session.stop()));
  auto& out = session.out();
  out.show(protocol::encode(task), task.info.uuid.to_string(), render_task(task, Clock::system().now(), out.colour()));
  return 0;
}

void print_tasks(Output& out, const std::vector<protocol::TaskQueryInfo>& tasks, bool verbose) {
  const auto now = Clock::system().now();
  std::vector<std::string> json;
  std::string text;
  for (const auto& task : tasks) {
    if (out.structured()) json.push_back(protocol::encode(task));
    if (out.names()) text += task.uuid.to_string() + "\n";
    if (out.for_people() && verbose) text += (text.empty() ? "" : "\n") + render_task(task, now, out.colour());
  }
  out.print(text);
  if (!verbose) out.print_table(task_table(tasks, now));
  if (out.structured()) out.print_list(json);
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
  MITO_TRY_ASSIGN(const auto answer,
                  find_tasks(session, request, arguments.has("failed") ? Outcome::kFailed : Outcome::kAny));
  auto& out = session.out();
  const std::string found = fmt::format("Found {} tasks in group {}", answer.count, answer.group_name);
  if (request.count) {
    out.show(protocol::encode(answer), std::to_string(answer.count), found + "\n");
  } else {
    out.heading(found);
  }
  if (!request.count) print_tasks(out, answer.tasks, arguments.has("verbose"));
  const bool looked_at_all = !request.offset && request.limit != 0U;
  if (answer.count == 0 && looked_at_all && !request.group_name && out.for_people())
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
  if (out.structured()) out.print_object(protocol::encode(answer));
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
  if (out.structured()) out.print_object(protocol::encode(answer));
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

/// The UUIDs a command is about, each once.
Result<std::vector<TaskUuid>> uuids_of(const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto named, task_uuids("<UUIDS>", arguments.list("UUIDS")));
  if (named.empty()) return fail(ErrorCode::kUsage, "UUIDs list cannot be empty: name at least one task");
  std::vector<TaskUuid> uuids;
  for (const auto& uuid : named)
    if (std::ranges::find(uuids, uuid) == uuids.end()) uuids.push_back(uuid);
  return uuids;
}

/// The exit code of the first task, in the order they were named, that failed.
int first_failure(const std::vector<protocol::TaskQueryResp>& tasks) {
  for (const auto& task : tasks)
    if (const int code = task_exit_code(task); code != 0) return code;
  return 0;
}

Result<int> wait(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuids, uuids_of(arguments));
  auto& out = session.out();
  Result<std::vector<protocol::TaskQueryResp>> tasks;
  {
    const auto show = arguments.has("no-progress") ? ShowProgress::kNo : ShowProgress::kYes;
    ProgressBar bar(session.out(), uuids.size() > 1 ? show : ShowProgress::kNo, "Waiting", ProgressUnit::kTasks);
    StatusLine line(session.out(), uuids.size() == 1 ? show : ShowProgress::kNo);
    const auto progress = bar.callback();
    std::uint64_t over_count = 0;
    tasks = follow_tasks(session, uuids, [&](const protocol::TaskQueryResp& task, bool over) {
      if (over) ++over_count;
      if (progress) progress(over_count, uuids.size());
      if (!over) line.update(describe_change(task));
    });
  }
  if (!tasks) return fail(std::move(tasks).error());
  std::vector<std::string> json;
  for (const auto& task : *tasks) {
    const std::string uuid = task.info.uuid.to_string();
    if (out.structured()) json.push_back(protocol::encode(task));
    if (out.names()) out.print(uuid + "\n");
    out.say(fmt::format("Task {} is over: {}", uuid, describe_task_fully(condition_of(task))));
  }
  if (out.structured()) out.print_list(json);
  return first_failure(*tasks);
}

Result<int> watch(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuids, uuids_of(arguments));
  auto& out = session.out();
  const auto print_change = [&out](const protocol::TaskQueryResp& task, bool over) {
    if (out.structured()) out.print_object(protocol::encode(task));
    if (out.names() && over) out.print(task.info.uuid.to_string() + "\n");
    out.say(fmt::format("{:%H:%M:%S}  {}", std::chrono::floor<std::chrono::seconds>(Clock::system().now()),
                        describe_change(task)));
    [[maybe_unused]] const auto seen_at_once = out.flush();
  };
  MITO_TRY_ASSIGN(const auto tasks, follow_tasks(session, uuids, print_change));
  return first_failure(tasks);
}

Result<int> logs(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const TaskUuid uuid, task_uuid("<UUID>", arguments.at("UUID")));
  const bool all = arguments.has("stdout") == arguments.has("stderr");
  const auto streams = all ? Streams::kBoth : arguments.has("stdout") ? Streams::kOut : Streams::kErr;
  auto printed = print_task_output(session, uuid, streams);
  if (printed) return 0;
  if (printed.error().code() != ErrorCode::kNotFound) return fail(std::move(printed).error());
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto task, client->get_task(uuid, session.stop()));
  if (!task.info.result) {
    return fail(ErrorCode::kNotFound,
                fmt::format("Task {} is {}: what it writes can be read when it is over; wait for that with: "
                            "mito client tasks wait {}",
                            uuid.to_string(), describe_task_fully(condition_of(task)), uuid.to_string()));
  }
  if (!task.info.spec.terminal_output)
    return fail(
        ErrorCode::kNotFound,
        fmt::format("Task {} kept nothing of what it wrote: it was submitted without --terminal", uuid.to_string()));
  return fail(std::move(printed).error());
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
              .arguments = kWait,
              .run = wait},
      Command{.name = "watch",
              .help = "Print each change of tasks until they are over; the exit code is as that of wait",
              .arguments = kOnlyUuids,
              .run = watch},
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
