#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "cli/style.h"
#include "domain/states.h"
#include "domain/task_spec.h"

// Values in words that people understand.
namespace mito::cli {

/// `just now`, `42s ago`, `5m ago`, `3h ago`, `2d ago`; `in 5m` for the future.
std::string ago(Timestamp time, Timestamp now);
/// `2026-01-02 03:04:05 UTC (5m ago)`
std::string moment(Timestamp time, Timestamp now);
/// `850ms`, `1.2s`, `2m 05s`, `1h 12m`, `3d 4h`
std::string span_of_time(std::chrono::nanoseconds length);
/// `SIGKILL`, or `signal 70` for one without a name.
std::string signal_name(int number);

/// `exit 1`, `SIGKILL`, and nothing for a raw wait status of 0.
std::string describe_wait_status(std::int32_t raw);
/// What a shell would give as exit code for a raw wait status: the code, or 128 + signal.
int shell_exit_code(std::int32_t raw);

/// What is shown of a task's state.
struct TaskCondition {
  TaskState state = TaskState::kUnknown;
  std::optional<TaskResult> result{};
  std::optional<TaskExecState> exec_state{};
  std::int64_t timeout_seconds = 0;
};
/// `ready`, `running`, `ok`, `failed (exit 1)`, `killed (SIGKILL)`, `timed out`, `cancelled`, `failed (input not
/// found)`.
std::string describe_task(const TaskCondition& task);
/// The same with more: `running (fetching inputs)`, `timed out after 10m (--timeout)`.
std::string describe_task_fully(const TaskCondition& task);
/// As short as a table wants it, running tasks with what they do: `running (command runs)`, `timed out after 10m`.
std::string describe_task_shortly(const TaskCondition& task);
/// How the state stands out.
Style style_of(const TaskCondition& task);
/// Whether the task ended well: command run, exit code 0, everything delivered.
bool succeeded(const TaskCondition& task);

}  // namespace mito::cli
