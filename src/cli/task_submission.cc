#include "cli/task_submission.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <sstream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/time.h"
#include "base/uuid.h"
#include "cli/progress.h"
#include "cli/task_view.h"
#include "cli/task_wait.h"
#include "cli/values.h"
#include "protocol/codec.h"

namespace mito::cli {

namespace {

TaskUuid new_task_uuid() {
  return TaskUuid{Uuid::make_ordered(Clock::system().now())};
}

/// Puts what was named into `spec`; the rest stays.
Result<void> apply(const Arguments& arguments, TaskSpec& spec) {
  if (!arguments.list("COMMAND").empty()) spec.args = arguments.list("COMMAND");
  if (arguments.has("envs")) {
    MITO_TRY_ASSIGN(spec.envs, environment_value("--envs [<KEY=VALUE>...]", arguments.list("envs")));
  }
  if (arguments.has("resources")) {
    MITO_TRY_ASSIGN(spec.resources, resources_value("--resources [<RESOURCE>...]", arguments.list("resources")));
  }
  if (const auto watch = arguments.value("watch")) {
    MITO_TRY_ASSIGN(spec.watch, watch_value("--watch <UUID,STATE>", *watch));
  }
  if (arguments.has("terminal")) spec.terminal_output = true;
  return {};
}

Result<protocol::SubmitTaskReq> submission(const Arguments& arguments) {
  protocol::SubmitTaskReq request;
  if (arguments.list("COMMAND").empty()) {
    const bool swallowed =
        !arguments.list("tags").empty() || !arguments.list("labels").empty() || !arguments.list("envs").empty();
    return fail(
        ErrorCode::kUsage,
        fmt::format("no command was given: it stands behind `--`, as in `mito client tasks submit {}-- echo hello`{}",
                    arguments.has("tags") ? "-t TAG " : "",
                    swallowed ? " (words behind -t, -l and -e up to the next option belong to these)" : ""));
  }
  MITO_TRY(apply(arguments, request.task_spec));
  request.tags = arguments.list("tags");
  request.labels = arguments.list("labels");
  MITO_TRY_ASSIGN(request.timeout,
                  duration_value("--timeout <DURATION>", arguments.value("timeout").value_or("10min")));
  MITO_TRY_ASSIGN(request.priority, number_value("--priority <N>", arguments.value("priority").value_or("0")));
  request.uuid = new_task_uuid();
  return request;
}

std::string sentence(const protocol::SubmitTaskResp& answer, const std::string& group) {
  return fmt::format("Task submitted with id {} in group {} and a global uuid {}", answer.task_id, group,
                     answer.uuid.to_string());
}

/// Shows how the task ended and hands on its exit code.
Result<int> wait_and_show(Session& session, const protocol::SubmitTaskResp& submitted, const std::string& group,
                          ShowProgress show) {
  auto& out = session.out();
  const std::string uuid = submitted.uuid.to_string();
  if (out.names()) out.print(uuid + "\n");
  if (out.names()) MITO_TRY(out.flush());
  if (out.for_people()) out.diagnose(sentence(submitted, group));
  auto task = wait_for_task(session, submitted.uuid, show);
  if (!task) {
    out.diagnose(fmt::format("Task {} goes on without this program. To come back to it:", uuid));
    out.diagnose(fmt::format("  mito client tasks wait {}", uuid));
    out.diagnose(fmt::format("  mito client tasks logs {}", uuid));
    if (task.error().code() == ErrorCode::kCancelled) return 130;
    return fail(std::move(task).error());
  }
  if (out.structured()) out.print_object(protocol::encode(*task));
  const bool has_output = std::ranges::any_of(
      task->artifacts, [](const auto& a) { return a.content_type == ArtifactContentType::kStdLog; });
  if (out.for_people() && has_output) {
    MITO_TRY(print_task_output(session, submitted.uuid, Streams::kBoth));
  }
  const int code = task_exit_code(*task);
  if (code != 0 && out.for_people())
    out.diagnose(fmt::format("Task {}: {}", uuid, describe_task_fully(condition_of(*task))));
  return code;
}

Result<std::string> read_all(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kIo, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  std::string text;
  std::array<char, 1 << 16> buffer{};
  while (file.read(buffer.data(), buffer.size()) ||
         file.gcount() > 0)  // as iterators would, but fails without throwing
    text.append(buffer.data(), static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return fail(ErrorCode::kIo, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return text;
}

/// One JSON array of tasks.
Result<std::vector<protocol::SubmitTaskReq>> tasks_of_array(const std::string& path, std::string_view text) {
  auto decoded = protocol::decode<protocol::TasksSubmitReq>(fmt::format("{{\"tasks\":{}}}", text));
  if (!decoded)
    return fail(ErrorCode::kUsage, fmt::format("{} is not a list of tasks: {}", path, decoded.error().text()));
  return std::move(decoded->tasks);
}

/// A JSON object on each line that is not blank.
Result<std::vector<protocol::SubmitTaskReq>> tasks_of_lines(const std::string& path, const std::string& text) {
  std::vector<protocol::SubmitTaskReq> tasks;
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto task = protocol::decode<protocol::SubmitTaskReq>(line);
    if (!task)
      return fail(ErrorCode::kUsage, fmt::format("{}:{} is not a task: {}", path, number, task.error().text()));
    tasks.push_back(std::move(*task));
  }
  return tasks;
}

Result<std::vector<protocol::SubmitTaskReq>> read_tasks(const std::string& path) {
  MITO_TRY_ASSIGN(const auto text, read_all(path));
  const auto first = text.find_first_not_of(" \t\r\n");
  const std::string shown = path == "-" ? "standard input" : path;
  if (first == std::string::npos) return fail(ErrorCode::kUsage, fmt::format("{} holds no tasks", shown));
  auto tasks = text[first] == '[' ? tasks_of_array(shown, text) : tasks_of_lines(shown, text);
  if (tasks && tasks->empty()) return fail(ErrorCode::kUsage, fmt::format("{} holds no tasks", shown));
  return tasks;
}

/// Below the 2 MiB that a coordinator takes in one request.
constexpr std::size_t kBatchBytes = 1'500'000;
constexpr std::size_t kBatchTasks = 1'000;

/// Takes tasks from `begin` on for one request; where the next begins.
std::size_t end_of_batch(const std::vector<protocol::SubmitTaskReq>& tasks, std::size_t begin) {
  std::size_t bytes = 0;
  std::size_t end = begin;
  while (end < tasks.size() && end - begin < kBatchTasks) {
    bytes += protocol::encode(tasks[end]).size() + 1;
    if (bytes > kBatchBytes && end > begin) break;
    ++end;
  }
  return end;
}

/// Waits longer each time; a stop request ends it.
class Rests {
 public:
  void take(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any condition;
    std::unique_lock lock(mutex);
    condition.wait_for(lock, stop, rest_, [] { return false; });
    rest_ *= 2;
  }

 private:
  std::chrono::milliseconds rest_{250};
};

/// Submits a part of the tasks; again when no answer came, where that adds nothing: no connection was made, or the
/// coordinator takes our UUIDs and so knows what it has already. Only such a one describes itself.
Result<protocol::TasksSubmitResp> submit_batch(Session& session, const client::Client& client,
                                               const protocol::TasksSubmitReq& request, bool keeps_uuids) {
  constexpr int kTries = 6;
  Rests rests;
  for (int tries = 1;; ++tries) {
    auto answer = client.submit_tasks(request, session.stop());
    if (answer || tries == kTries) return answer;
    const ErrorCode code = answer.error().code();
    const bool unanswered =
        code == ErrorCode::kTimeout || code == ErrorCode::kProtocol || code == ErrorCode::kUnavailable;
    if (code != ErrorCode::kUnreachable && !unanswered) return answer;
    session.out().note(fmt::format("{}; trying again", answer.error().text()));
    rests.take(session.stop());
    while (unanswered && !keeps_uuids) {
      const auto description = client.openapi(session.stop());
      keeps_uuids = description.has_value();
      if (keeps_uuids) break;
      if (description.error().code() == ErrorCode::kNotFound || ++tries == kTries) return answer;
      rests.take(session.stop());
    }
  }
}

}  // namespace

Result<int> submit_task(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto request, submission(arguments));
  const bool wait = arguments.has("wait");
  if (!wait && arguments.has("progress"))
    return fail(ErrorCode::kUsage, "--progress shows what a task does while --wait waits for it; give both");
  if (wait) request.task_spec.terminal_output = true;
  MITO_TRY_ASSIGN(const auto* client, session.client());
  request.group_name = session.group_or_own(arguments.value("group"));
  MITO_TRY_ASSIGN(const auto answer, client->submit_task(request, session.stop()));
  if (wait)
    return wait_and_show(session, answer, request.group_name,
                         arguments.has("progress") ? ShowProgress::kYes : ShowProgress::kNo);
  auto& out = session.out();
  out.show(protocol::encode(answer), answer.uuid.to_string(), sentence(answer, request.group_name) + "\n");
  return 0;
}

Result<int> submit_many_tasks(Session& session, const Arguments& arguments) {
  if (!arguments.has("file") && ::isatty(STDIN_FILENO) != 0) {
    return fail(ErrorCode::kUsage,
                "required, but not given: --file <PATH>; the tasks can also come from standard input, as in "
                "`… | mito client tasks submit-many`");
  }
  MITO_TRY_ASSIGN(auto tasks, read_tasks(arguments.value("file").value_or("-")));
  for (auto& task : tasks)
    if (!task.uuid) task.uuid = new_task_uuid();
  MITO_TRY_ASSIGN(const auto* client, session.client());
  auto& out = session.out();
  std::size_t succeeded = 0;
  bool keeps_uuids = false;  // whether the coordinator is known to take the UUIDs given: ours does
  ProgressBar bar(session.out(), ShowProgress::kYes, "Submitting", ProgressUnit::kTasks);
  const auto progress = tasks.size() > kBatchTasks ? bar.callback() : client::Progress();
  std::vector<std::string> json;
  for (std::size_t begin = 0; begin < tasks.size();) {
    const std::size_t end = end_of_batch(tasks, begin);
    const auto first = tasks.begin() + static_cast<std::ptrdiff_t>(begin);
    protocol::TasksSubmitReq request{.tasks = {first, first + static_cast<std::ptrdiff_t>(end - begin)}};
    auto answer = submit_batch(session, *client, request, keeps_uuids);
    if (!answer) {
      return fail(answer.error().code(), fmt::format("{} of {} tasks were submitted, then: {}", succeeded, tasks.size(),
                                                     answer.error().text()));
    }
    for (std::size_t i = 0; i < answer->results.size(); ++i) {
      const auto* task = std::get_if<protocol::SubmitTaskResp>(&answer->results[i]);
      if (task == nullptr) {
        out.warn(fmt::format("Task submission failed: {} (task {} of the list)",
                             std::get<protocol::ErrorMsg>(answer->results[i]).msg, begin + i + 1));
        continue;
      }
      ++succeeded;
      keeps_uuids = task->uuid == request.tasks[i].uuid;
      if (out.structured()) json.push_back(protocol::encode(*task));
      if (out.names()) out.print(task->uuid.to_string() + "\n");
      out.say(fmt::format("Task submitted with uuid {}", task->uuid.to_string()));
    }
    begin = end;
    if (progress) progress(begin, tasks.size());
  }
  if (out.structured()) out.print_list(json);
  out.say(fmt::format("Batch submission completed: {} succeeded, {} failed", succeeded, tasks.size() - succeeded));
  return succeeded == tasks.size() ? 0 : static_cast<int>(ExitCode::kFailed);
}

Result<int> change_task(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const TaskUuid uuid, task_uuid("<UUID>", arguments.at("UUID")));
  protocol::ChangeTaskReq request;
  request.tags = arguments.maybe_list("tags");
  if (const auto timeout = arguments.value("timeout")) {
    MITO_TRY_ASSIGN(request.timeout, duration_value("--timeout <DURATION>", *timeout));
  }
  if (const auto priority = arguments.value("priority")) {
    MITO_TRY_ASSIGN(request.priority, number_value("--priority <N>", *priority));
  }
  const bool changes_spec = arguments.has("envs") || arguments.has("terminal") || arguments.has("resources") ||
                            arguments.has("watch") || !arguments.list("COMMAND").empty();
  TaskSpec checked;  // bad values are refused before anything is asked
  MITO_TRY(apply(arguments, checked));
  if (!changes_spec && !request.tags && !request.timeout && !request.priority)
    return fail(ErrorCode::kUsage, "No change specified: name what is to change, for instance --priority 5");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  if (changes_spec) {  // the request replaces the spec as a whole: keep what was not named
    MITO_TRY_ASSIGN(auto task, client->get_task(uuid, session.stop()));
    request.task_spec = std::move(task.info.spec);
    MITO_TRY(apply(arguments, *request.task_spec));
  }
  MITO_TRY(client->change_task(uuid, request, session.stop()));
  session.out().done("Task changed successfully");
  return 0;
}

}  // namespace mito::cli
