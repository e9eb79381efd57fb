#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "core/decider.h"
#include "core/spec_text.h"

namespace mito::core {
namespace {

void refuse(Answer& answer, ErrorCode code, std::string text = {}) {
  answer.error = Error(code, std::move(text));
}

bool is_over(const Assignment& held) {
  return held.state != TaskState::kRunning;
}

}  // namespace

Result<std::optional<Assignment>> Decider::held_task(WorkerId id) {
  const Worker* worker = context_.state.scheduler.worker(id);
  if (worker == nullptr || !worker->assignment) return std::nullopt;
  if (worker->assignment->uuid == TaskUuid{}) MITO_TRY(finish());  // Claimed by an earlier command of this batch.
  return worker->assignment;
}

Result<void> Decider::answer_held_task(WorkerId id, Answer& answer) {
  MITO_TRY_ASSIGN(const auto held, held_task(id));
  if (!held || is_over(*held)) return {};
  MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
  MITO_TRY_ASSIGN(auto task, reader->task_by_id(held->task));
  if (!task) return {};
  const Scheduler& scheduler = context_.state.scheduler;
  const bool kept = scheduler.worker(id)->profile->holds_watches || scheduler.watch_reached(task->id);
  answer.task = AssignedTask{.id = task->id,
                             .uuid = task->uuid,
                             .timeout_seconds = task->timeout_seconds,
                             .upstream = task->upstream,
                             .spec = kept ? without_watch(std::move(task->spec)) : std::move(task->spec)};
  return {};
}

Result<void> Decider::on(FetchRequest& request, std::size_t, Answer& answer) {
  Scheduler& scheduler = context_.state.scheduler;
  const WorkerId id = request.fetch.worker;
  const Worker* worker = scheduler.worker(id);
  if (worker == nullptr) {
    refuse(answer, ErrorCode::kWrongCredentials);
    return {};
  }
  if (worker->waiting_since) scheduler.stop_waiting(id);  // The newer fetch takes the place of the older one.
  if (request.withdrawn) return {};
  if (worker->assignment) return answer_held_task(id, answer);
  MITO_TRY(take_next(id, answer));
  const bool may_wait = request.fetch.wait.count() > 0 && context_.free_waits > 0;
  if (answer.claim || !may_wait || worker->leaving || context_.state.draining) return {};
  scheduler.start_waiting(id);
  --context_.free_waits;
  answer.waits = true;
  return {};
}

Result<void> Decider::on(ReportRequest& request, std::size_t, Answer& answer) {
  MITO_TRY_ASSIGN(const auto held, held_task(request.worker));
  if (!held || held->task != request.task) {
    if (std::holds_alternative<Complete>(request.op)) return answer_repeat(request, answer);
    refuse(answer, ErrorCode::kNotFound, fmt::format("Task {}", request.task.value));
    return {};
  }
  if (std::holds_alternative<Finish>(request.op)) return report_state(request, *held, TaskState::kFinished);
  if (std::holds_alternative<CancelReport>(request.op)) return report_state(request, *held, TaskState::kCancelled);
  if (const auto* child = std::get_if<SubmitChild>(&request.op)) return submit_child(request, *child, *held, answer);
  if (const auto* complete = std::get_if<Complete>(&request.op))
    return archive(request, complete->commit, complete->state, *held, answer);
  if (!is_over(*held)) {
    refuse(answer, ErrorCode::kInvalidRequest, "Task can not be marked as done");
    return {};
  }
  return archive(request, std::get<Commit>(request.op), held->state, *held, answer);
}

Result<void> Decider::answer_repeat(const ReportRequest& request, Answer& answer) {
  const Worker* worker = context_.state.scheduler.worker(request.worker);
  MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
  MITO_TRY_ASSIGN(const auto task, reader->task_by_id(request.task));
  if (worker != nullptr && task && task->archived && task->reporter == worker->uuid)
    return answer_held_task(request.worker, answer);
  refuse(answer, ErrorCode::kNotFound, fmt::format("Task {}", request.task.value));
  return {};
}

// A state that was reported stays: states only move forward within an attempt.
Result<void> Decider::report_state(const ReportRequest& request, const Assignment& held, TaskState state) {
  if (is_over(held)) return {};
  MITO_TRY(transaction_.report(
      storage::StateReport{.task = held.task, .worker = request.worker, .state = state, .now = context_.wall}));
  context_.state.scheduler.set_task_state(request.worker, state);
  tell(held.uuid, context_.state.scheduler.group(held.task), state);
  return target_reported(held.uuid, context_.state.scheduler.group(held.task), state);
}

Result<void> Decider::submit_child(const ReportRequest& request, const SubmitChild& child, const Assignment& held,
                                   Answer& answer) {
  if (!is_over(held)) {
    refuse(answer, ErrorCode::kInvalidRequest, "Task can not spawn new tasks");
    return {};
  }
  MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
  MITO_TRY_ASSIGN(const auto parent, reader->task_by_id(held.task));
  const auto creator = parent ? context_.directory.user_state(parent->creator) : std::nullopt;
  if (creator != UserState::kActive) {
    refuse(answer, ErrorCode::kPermissionDenied);
    return {};
  }
  const auto group = context_.directory.group_name(parent->group);
  if (!group) {
    refuse(answer, ErrorCode::kNotFound, "Group not found");
    return {};
  }
  if (*group != child.group_name) {
    refuse(answer, ErrorCode::kInvalidRequest,
           fmt::format("Group name mismatch: expected '{}', got '{}'", *group, child.group_name));
    return {};
  }
  if (!std::ranges::binary_search(context_.state.scheduler.worker(request.worker)->groups, parent->group)) {
    refuse(answer, ErrorCode::kPermissionDenied);
    return {};
  }
  SubmitTask task = child.task;
  task.creator = parent->creator;
  task.group = parent->group;
  return insert_child(task, request.worker, held, answer);
}

Result<bool> Decider::is_same_child(const SubmitTask& task, TaskUuid child) {
  MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
  MITO_TRY_ASSIGN(const auto known, reader->task_by_uuid(child));
  return known && known->tags == task.tags && known->labels == task.labels && known->priority == task.priority &&
         known->timeout_seconds == task.timeout_seconds && known->spec == task.spec;
}

Result<void> Decider::insert_child(const SubmitTask& task, WorkerId worker, const Assignment& held, Answer& answer) {
  Scheduler& scheduler = context_.state.scheduler;
  if (held.downstream) {
    MITO_TRY_ASSIGN(const bool same, is_same_child(task, *held.downstream));
    if (same) return {};
    // Only one child is ever promoted; an earlier, other one would stay Pending for ever.
    if (const auto earlier = scheduler.pending(*held.downstream))
      MITO_TRY(cancel(*earlier, *held.downstream, TaskState::kPending, TaskResultMessage::kUserCancellation));
  }
  if (task.watch) MITO_TRY(read_rows(std::span(&task.watch->task, 1)));
  MITO_TRY_ASSIGN(const Outlook outlook, this->outlook(task.watch, task.creator, std::nullopt));
  MITO_TRY_ASSIGN(const auto number, transaction_.next_number(task.group));
  if (!number) {
    refuse(answer, ErrorCode::kNotFound, "Group not found");
    return {};
  }
  MITO_TRY_ASSIGN(const TaskId id, take_task_id());
  const TaskUuid uuid{Uuid::make_ordered(context_.wall)};
  const bool kept = outlook == Outlook::kHopeful || outlook == Outlook::kHopeless;
  storage::NewTask row = new_task(task, id, uuid, *number);
  row.state = TaskState::kPending;
  row.upstream = held.uuid;
  row.has_watch = kept;
  MITO_TRY(transaction_.insert(std::move(row)));
  MITO_TRY(transaction_.set_downstream(held.task, uuid));
  hold(id, task.watch, task.creator, outlook);
  scheduler.add_pending(TaskRequirements{.id = id,
                                         .group = task.group,
                                         .tags = {task.tags.data(), task.tags.size()},
                                         .priority = task.priority,
                                         .losses = 0,
                                         .held = kept ? Held::kYes : Held::kNo,
                                         .watch_reached = outlook == Outlook::kReached},
                        uuid);
  scheduler.set_downstream(worker, uuid);
  ++effects_.tally.submitted;
  tell(uuid, task.group, TaskState::kPending);
  return {};
}

Result<void> Decider::archive(const ReportRequest& request, const Commit& commit, TaskState state,
                              const Assignment& held, Answer& answer) {
  Scheduler& scheduler = context_.state.scheduler;
  const WorkerId id = request.worker;
  const Worker& worker = *scheduler.worker(id);
  const GroupId group = scheduler.group(held.task);
  MITO_TRY(transaction_.archive(storage::Archive{.task = held.task,
                                                 .from = {held.state},
                                                 .worker = id,
                                                 .state = state,
                                                 .result = commit.result,
                                                 .reporter = worker.uuid,
                                                 .detail = commit.detail,
                                                 .now = context_.wall}));
  scheduler.finish(id);
  context_.state.watches.remove(held.task);
  ++effects_.tally.archived;
  tell(held.uuid, group, state);
  // The others say so themselves, where they can.
  if (worker.sends_states) tell(held.uuid, group, TaskExecState::kTaskCommitted);
  if (held.downstream) {
    if (const auto child = scheduler.pending(*held.downstream)) {
      MITO_TRY(transaction_.promote(*held.downstream, *child));
      tell(*held.downstream, group, TaskState::kReady);
      MITO_TRY(wake(scheduler.promote(*held.downstream, context_.now), *child));
    } else {
      // The commit stands all the same; the worker learns of it as from the original.
      refuse(answer, ErrorCode::kNotFound, fmt::format("Pending task with uuid {}", held.downstream->to_string()));
    }
  }
  MITO_TRY(target_over(held.uuid, group, state, commit.result));
  if (worker.leaving) return depart(id);
  // A claim that the error answer cannot carry would only make the task wait.
  return commit.next && !answer.error ? take_next(id, answer) : Result<void>{};
}

Result<void> Decider::on(ExecStateRequest& request, std::size_t, Answer& answer) {
  MITO_TRY_ASSIGN(const auto held, held_task(request.worker));
  if (!held || held->uuid != request.task) return {};
  answer.flag = true;
  Scheduler& scheduler = context_.state.scheduler;
  scheduler.set_exec_state(request.worker, request.state, context_.now);
  if (request.telling == Telling::kEvent) tell(request.task, scheduler.group(held->task), request.state);
  return target_moved(request.task, scheduler.group(held->task), request.state);
}

}  // namespace mito::core
