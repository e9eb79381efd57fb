#include <span>
#include <unordered_set>
#include <utility>

#include "core/decider.h"
#include "core/spec_text.h"

namespace mito::core {

bool Decider::may_watch(UserId creator, GroupId target_group) const {
  return context_.directory.role(creator, target_group).has_value();
}

// Whether the target waits, over others perhaps, for the task that is to watch it: then none of them would ever go on.
Result<bool> Decider::waits_for(TaskUuid target, TaskUuid self) {
  std::unordered_set<TaskUuid> seen;
  for (TaskUuid at = target; seen.insert(at).second;) {
    if (at == self) return true;
    const auto added = inserted_.find(at);
    if (added == inserted_.end() && row(at) == nullptr) MITO_TRY(read_rows(std::span(&at, 1)));
    const auto* known = row(at);
    if (known == nullptr && added == inserted_.end()) return false;
    const auto* held = context_.state.watches.find(known != nullptr ? known->id : added->second.id);
    if (held == nullptr) return false;
    at = held->watch.task;
  }
  return false;
}

// A target the creator may not read is as good as unknown: whether it exists stays hidden.
Result<Decider::Outlook> Decider::outlook(const std::optional<Watch>& watch, UserId creator,
                                          std::optional<TaskUuid> self) {
  if (!watch) return Outlook::kNoWatch;
  if (self) {
    MITO_TRY_ASSIGN(const bool circle, waits_for(watch->task, *self));
    if (circle) return Outlook::kHopeless;
  }
  const Scheduler& scheduler = context_.state.scheduler;
  if (const auto added = inserted_.find(watch->task); added != inserted_.end())
    return may_watch(creator, added->second.group) ? Outlook::kHopeful : Outlook::kHopeless;
  const auto* known = row(watch->task);
  if (known == nullptr || !may_watch(creator, known->group)) return Outlook::kHopeless;
  if (!known->archived && scheduler.place(known->id)) {
    const Worker* worker = known->assigned_worker ? scheduler.worker(*known->assigned_worker) : nullptr;
    if (worker == nullptr || !worker->assignment || worker->assignment->task != known->id) return Outlook::kHopeful;
    const Assignment& held = *worker->assignment;
    const bool reached =
        exec_state_reached(held.exec_state, watch->state) || task_state_reached(held.state, std::nullopt, watch->state);
    return reached ? Outlook::kReached : Outlook::kHopeful;
  }
  storage::Task now = *known;
  if (!known->archived) {  // It was archived by an earlier command of this batch.
    MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
    MITO_TRY_ASSIGN(auto archived, reader->task_by_id(known->id));
    if (!archived) return Outlook::kHopeless;
    now = *std::move(archived);
  }
  const auto result = now.result ? read_result(*now.result) : std::nullopt;
  return task_state_reached(now.state, result, watch->state) ? Outlook::kReached : Outlook::kHopeless;
}

void Decider::hold(TaskId task, const std::optional<Watch>& watch, UserId creator, Outlook outlook) {
  if (outlook != Outlook::kHopeful && outlook != Outlook::kHopeless) return;
  context_.state.watches.add(task, Watches::Held{.watch = *watch, .creator = creator});
  if (outlook == Outlook::kHopeless) context_.state.watches.set_deadline(task, context_.now + kWatchPatience);
}

Result<void> Decider::reach(TaskId task) {
  MITO_TRY(transaction_.reach_watch(task));
  context_.state.watches.remove(task);
  return wake(context_.state.scheduler.end_holding(task, context_.now), task);
}

Result<void> Decider::target_moved(TaskUuid target, GroupId group, TaskExecState state) {
  Watches& watches = context_.state.watches;
  if (!watches.is_watched(target)) return {};
  for (const TaskId task : watches.watching(target)) {
    const Watches::Held& held = *watches.find(task);
    if (may_watch(held.creator, group) && exec_state_reached(state, held.watch.state)) MITO_TRY(reach(task));
  }
  return {};
}

Result<void> Decider::target_reported(TaskUuid target, GroupId group, TaskState state) {
  Watches& watches = context_.state.watches;
  if (!watches.is_watched(target)) return {};
  for (const TaskId task : watches.watching(target)) {
    const Watches::Held& held = *watches.find(task);
    if (may_watch(held.creator, group) && task_state_reached(state, std::nullopt, held.watch.state))
      MITO_TRY(reach(task));
  }
  return {};
}

Result<void> Decider::target_over(TaskUuid target, GroupId group, TaskState state, const std::string& result) {
  Watches& watches = context_.state.watches;
  if (!watches.is_watched(target)) return {};
  const auto outcome = read_result(result);
  for (const TaskId task : watches.watching(target)) {
    const Watches::Held& held = *watches.find(task);
    if (may_watch(held.creator, group) && task_state_reached(state, outcome, held.watch.state))
      MITO_TRY(reach(task));
    else
      watches.set_deadline(task, context_.now + kWatchPatience);
  }
  return {};
}

void Decider::target_appeared(TaskUuid target, GroupId group) {
  Watches& watches = context_.state.watches;
  if (!watches.is_watched(target)) return;
  for (const TaskId task : watches.watching(target))
    if (may_watch(watches.find(task)->creator, group)) watches.set_deadline(task, std::nullopt);
}

Result<void> Decider::check_watch(TaskId task) {
  Watches& watches = context_.state.watches;
  if (watches.find(task) == nullptr) return {};
  MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
  MITO_TRY_ASSIGN(const auto row, reader->task_by_id(task));
  if (!row) return {};
  const Watches::Held held = *watches.find(task);
  MITO_TRY_ASSIGN(const Outlook outlook, this->outlook(held.watch, held.creator, row->uuid));
  if (outlook == Outlook::kReached) return reach(task);
  if (outlook == Outlook::kHopeless) watches.set_deadline(task, context_.now + kWatchPatience);
  return {};
}

Result<void> Decider::on(CheckWatch& request, std::size_t, Answer&) {
  return check_watch(request.task);
}

Result<void> Decider::on(EndWatch& request, std::size_t, Answer&) {
  State& state = context_.state;
  const auto deadline = state.watches.deadlines().of(request.task);
  if (!deadline || *deadline > context_.now) return {};
  if (state.scheduler.place(request.task) != TaskPlace::kQueued) {
    state.watches.set_deadline(request.task, context_.now + kWatchPatience);
    return {};
  }
  MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
  MITO_TRY_ASSIGN(const auto task, reader->task_by_id(request.task));
  const TaskUuid uuid = task ? task->uuid : TaskUuid{};
  return cancel(request.task, uuid, TaskState::kReady, TaskResultMessage::kWatchTimeout);
}

}  // namespace mito::core
