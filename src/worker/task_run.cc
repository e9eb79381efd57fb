#include "worker/task_run.h"

#include <optional>
#include <utility>

#include "base/logging.h"
#include "worker/execution.h"
#include "worker/inputs.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};

std::optional<InputFailure> prepare(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                                    const std::stop_token& stop) {
  if (parts.held != nullptr && (task.spec.watch || task.spec.terminal_output || !task.spec.resources.empty()))
    parts.held->will_take_time();
  const auto deadline = parts.timer.monotonic() + parts.settings.resource_timeout;
  parts.states.announce(task.uuid, TaskExecState::kFetchResource);
  if (auto failure = fetch_resources(parts, session, task, deadline, stop)) return failure;
  if (!task.spec.watch || stop.stop_requested()) return std::nullopt;
  parts.states.announce(task.uuid, TaskExecState::kWatch);
  return wait_for_watch(parts, session, *task.spec.watch, deadline, stop);
}

}  // namespace

TaskOutcome run_task(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                     const StopTokens& stops) {
  kLog.debug("Task {} begins", task.uuid.to_string());
  struct Clear {
    StateSink& states;
    ~Clear() { states.clear(); }
  } const clear{parts.states};

  parts.states.begin(std::chrono::duration_cast<std::chrono::seconds>(task.timeout.to_chrono()));
  const EitherStop end_or_kill(stops.end, stops.kill);
  const EitherStop stop(end_or_kill.token(), session.removed.get_token());
  const auto failure = prepare(parts, session, task, stop.token());
  if (stop.token().stop_requested()) {
    parts.states.announce(task.uuid, TaskExecState::kWorkerExited);
    return {TaskOutcome::Kind::kInterrupted};
  }
  if (failure) return deliver_failure(parts, session, task, *failure, stops);

  auto execution = execute(parts, session, task, stops);
  if (execution.how == Execution::How::kInterrupted) {
    parts.states.announce(task.uuid, TaskExecState::kWorkerExited);
    // Nobody asked for that: the coordinator takes a command away that runs on after its timeout, with its worker.
    if (session.removed.stop_requested() && execution.wall_time > task.timeout.to_chrono()) session.overdue = true;
    keep_interrupted(parts, session, task, std::move(execution), stops);
    return {TaskOutcome::Kind::kInterrupted};
  }
  const auto ran = execution.wall_time;
  auto outcome = deliver(parts, session, task, std::move(execution), stops);
  outcome.ran = ran;
  return outcome;
}

}  // namespace mito::worker
