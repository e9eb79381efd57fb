#include "cli/humane.h"

#include <array>
#include <csignal>
#include <cstring>
#include <sys/wait.h>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/core.h>

#include "base/duration.h"

namespace mito::cli {

namespace {

using std::chrono::days;
using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// One number with the greatest unit that fits.
std::string rough(seconds length) {
  if (length < minutes(1)) return fmt::format("{}s", length.count());
  if (length < hours(1)) return fmt::format("{}m", duration_cast<minutes>(length).count());
  if (length < days(2)) return fmt::format("{}h", duration_cast<hours>(length).count());
  return fmt::format("{}d", duration_cast<days>(length).count());
}

std::string_view describe_exec_state(TaskExecState state) {
  switch (state) {
    case TaskExecState::kFetchResource:
    case TaskExecState::kFetchResourceFinished:
      return "fetching inputs";
    case TaskExecState::kWatch:
      return "watching another task";
    case TaskExecState::kWatchFinished:
    case TaskExecState::kExecPending:
      return "starting";
    case TaskExecState::kExecSpawned:
      return "command runs";
    case TaskExecState::kExecFinished:
      return "command ended";
    case TaskExecState::kExecTimeout:
      return "being ended after its timeout";
    case TaskExecState::kUploadResult:
    case TaskExecState::kUploadFinishedResult:
    case TaskExecState::kUploadCancelledResult:
      return "uploading artifacts";
    case TaskExecState::kUploadResultFinished:
    case TaskExecState::kTaskCommitted:
      return "delivered";
    case TaskExecState::kFetchResourceError:
    case TaskExecState::kFetchResourceTimeout:
    case TaskExecState::kFetchResourceNotFound:
    case TaskExecState::kFetchResourceForbidden:
      return "inputs not available";
    case TaskExecState::kWatchTimeout:
      return "watch timed out";
    case TaskExecState::kUploadResultTimeout:
      return "upload timed out";
    case TaskExecState::kWorkerExited:
      return "worker stopped";
    case TaskExecState::kUnknown:
      return "";
  }
  return "";
}

std::string describe_command_end(std::int32_t raw) {
  if (raw == 0) return "ok";
  return fmt::format("{} ({})", WIFSIGNALED(raw) ? "killed" : "failed", describe_wait_status(raw));
}

std::string describe_result(const TaskResult& result) {
  if (!result.message) return describe_command_end(result.exit_status);
  switch (*result.message) {
    case TaskResultMessage::kFetchResourceTimeout:
      return "failed (inputs took too long)";
    case TaskResultMessage::kExecTimeout:
      return "timed out";
    case TaskResultMessage::kUploadResultTimeout:
      return "failed (artifacts not uploaded in time)";
    case TaskResultMessage::kResourceNotFound:
      return "failed (input not found)";
    case TaskResultMessage::kResourceForbidden:
      return "failed (input not allowed)";
    case TaskResultMessage::kWatchTimeout:
      return "failed (watched task did not get there)";
    case TaskResultMessage::kUserCancellation:
      return "cancelled";
    case TaskResultMessage::kSubmitNewTaskFailed:
      return result.exit_status == 0 ? "ok, but its next task was refused" : describe_command_end(result.exit_status);
  }
  return "failed";
}

std::string timeout_of(const TaskCondition& task) {
  return Duration{.seconds = static_cast<std::uint64_t>(task.timeout_seconds < 0 ? 0 : task.timeout_seconds)}
      .to_string();
}

}  // namespace

std::string ago(Timestamp time, Timestamp now) {
  const auto passed = duration_cast<seconds>(now - time);
  if (passed < seconds(0)) return passed > seconds(-2) ? "just now" : "in " + rough(-passed);
  if (passed < seconds(1)) return "just now";
  return rough(passed) + " ago";
}

std::string moment(Timestamp time, Timestamp now) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC ({})", std::chrono::time_point_cast<seconds>(time), ago(time, now));
}

std::string span_of_time(nanoseconds length) {
  if (length < nanoseconds(0)) return "0s";
  if (length < seconds(1)) return fmt::format("{}ms", duration_cast<milliseconds>(length).count());
  const auto whole = duration_cast<seconds>(length).count();
  if (length < minutes(1)) return fmt::format("{:.1f}s", std::chrono::duration<double>(length).count());
  if (length < hours(1)) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  if (length < days(1)) return fmt::format("{}h {:02}m", whole / 3600, whole % 3600 / 60);
  return fmt::format("{}d {}h", whole / 86'400, whole % 86'400 / 3600);
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? fmt::format("signal {}", number) : fmt::format("SIG{}", name);
}

std::string describe_wait_status(std::int32_t raw) {
  if (WIFSIGNALED(raw)) return signal_name(WTERMSIG(raw)) + (WCOREDUMP(raw) ? ", core dumped" : "");
  if (WIFEXITED(raw) && WEXITSTATUS(raw) != 0) return fmt::format("exit {}", WEXITSTATUS(raw));
  return raw == 0 ? "" : fmt::format("status {}", raw);
}

int shell_exit_code(std::int32_t raw) {
  if (WIFSIGNALED(raw)) return 128 + WTERMSIG(raw);
  if (WIFEXITED(raw)) return WEXITSTATUS(raw);
  return 1;
}

std::string describe_task(const TaskCondition& task) {
  switch (task.state) {
    case TaskState::kPending:
      return "pending";
    case TaskState::kReady:
      return "ready";
    case TaskState::kRunning:
      return "running";
    case TaskState::kFinished:
      return task.result ? describe_result(*task.result) : "delivering";
    case TaskState::kCancelled:
      return task.result ? describe_result(*task.result) : "ending";
    case TaskState::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string describe_task_fully(const TaskCondition& task) {
  std::string text = describe_task(task);
  if (task.state == TaskState::kPending) return text + " (waits for the task that submitted it)";
  if (task.state == TaskState::kReady) return text + " (waits for a worker)";
  if (task.state == TaskState::kRunning && task.exec_state) {
    if (const auto doing = describe_exec_state(*task.exec_state); !doing.empty())
      return fmt::format("{} ({})", text, doing);
  }
  if (!task.result) return text;
  if (task.result->message == TaskResultMessage::kExecTimeout) {
    text += fmt::format(" after {} (--timeout)", timeout_of(task));
    if (const auto end = describe_wait_status(task.result->exit_status); !end.empty()) text += ", ended with " + end;
  }
  if (task.result->message == TaskResultMessage::kSubmitNewTaskFailed && task.result->exit_status != 0)
    text += ", and its next task was refused";
  return text;
}

std::string describe_task_shortly(const TaskCondition& task) {
  if (task.state == TaskState::kRunning) return describe_task_fully(task);
  if (!task.result || task.result->message != TaskResultMessage::kExecTimeout) return describe_task(task);
  return fmt::format("timed out after {}", timeout_of(task));
}

Style style_of(const TaskCondition& task) {
  if (task.state == TaskState::kRunning) return Style::kBusy;
  if (!task.result) return Style::kPlain;
  if (task.result->message == TaskResultMessage::kUserCancellation) return Style::kDim;
  return succeeded(task) ? Style::kGood : Style::kBad;
}

bool succeeded(const TaskCondition& task) {
  return task.state == TaskState::kFinished && task.result && task.result->exit_status == 0 &&
         (!task.result->message || task.result->message == TaskResultMessage::kSubmitNewTaskFailed);
}

}  // namespace mito::cli
