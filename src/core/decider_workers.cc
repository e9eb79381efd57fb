#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/core.h>

#include "base/logging.h"
#include "core/decider.h"
#include "storage/database/json_text.h"

namespace mito::core {
namespace {

constexpr log::Source kLog{"netmito::core"};

std::vector<GroupId> usable(const std::vector<std::pair<GroupId, Role>>& access) {
  std::vector<GroupId> groups;
  for (const auto& [group, role] : access)
    if (role != Role::kRead) groups.push_back(group);
  return groups;
}

/// Whether the command has ended, by what its worker tells. (ExecTimeout is told before it is made to end.)
bool is_over(TaskExecState state) {
  return state == TaskExecState::kExecFinished ||
         static_cast<std::int32_t>(state) >= static_cast<std::int32_t>(TaskExecState::kUploadResult);
}

}  // namespace

bool overran(const Scheduler::Worker& worker, const Settings& settings, Clock::Monotonic now) {
  if (!worker.assignment || worker.assignment->state != TaskState::kRunning) return false;
  const Assignment& held = *worker.assignment;
  // Longer than the clock counts, or negative (stored by the original for 2^63 s and more): never.
  constexpr std::int64_t kLongest = 100LL * 365 * 86'400;
  if (held.timeout_seconds < 0 || held.timeout_seconds > kLongest) return false;
  // What comes after the command is not bound by its timeout: a large result may take long to bring.
  if (worker.sends_states && is_over(held.exec_state)) return false;
  const bool executes = worker.sends_states && held.execution_began;
  const Clock::Monotonic began = executes ? *held.execution_began : held.claimed_at;
  const auto allowed = std::chrono::seconds(held.timeout_seconds) + settings.overrun_grace +
                       (executes ? std::chrono::milliseconds(0) : settings.stateless_grace);
  return now - began > allowed;
}

Result<void> Decider::on(RegisterRequest& request, std::size_t, Answer& answer) {
  const RegisterWorker& asked = request.worker;
  MITO_TRY_ASSIGN(auto* writer, transaction_.writer());
  storage::NewWorker row = asked.worker;
  row.now = context_.wall;
  MITO_TRY_ASSIGN(const WorkerId id, writer->insert_worker(row));
  context_.state.scheduler.add_worker(id, Scheduler::WorkerTraits{.uuid = row.uuid,
                                                                  .tags = row.tags,
                                                                  .groups = usable(row.access),
                                                                  .holds_watches = asked.holds_watches,
                                                                  .sends_states = asked.sends_states,
                                                                  .leaving = false});
  context_.state.leases.add(id, asked.heartbeat_timeout.value_or(context_.settings.heartbeat_timeout), context_.now);
  effects_.after_commit.emplace_back(
      [directory = &changed_, entry = Directory::WorkerEntry{.id = id,
                                                             .uuid = row.uuid,
                                                             .creator = row.creator,
                                                             .features = row.features,
                                                             .access = row.access,
                                                             .info = row.info}]() mutable {
        directory->put_worker(std::move(entry));
      });
  answer.worker = id;
  return {};
}

Result<void> Decider::on(RemoveRequest& request, std::size_t, Answer& answer) {
  Scheduler& scheduler = context_.state.scheduler;
  const Worker* worker = scheduler.worker(request.worker);
  if (worker == nullptr) return {};
  answer.flag = true;
  if (request.removal != Removal::kGraceful || !worker->assignment) return take_away(request.worker, Loss::kNotCounted);
  if (worker->leaving) return {};
  MITO_TRY_ASSIGN(auto* writer, transaction_.writer());
  MITO_TRY_ASSIGN(auto row, writer->worker_by_id(request.worker));
  if (!row) return {};
  row->state = WorkerState::kGracefulShutdown;
  row->updated_at = context_.wall;
  MITO_TRY(writer->update_worker(*row));
  scheduler.set_leaving(request.worker);
  return {};
}

Result<void> Decider::depart(WorkerId worker) {
  MITO_TRY(transaction_.delete_worker(worker));
  context_.state.scheduler.remove_worker(worker);
  context_.state.leases.remove(worker);
  effects_.departed.push_back(worker);
  effects_.after_commit.emplace_back([directory = &changed_, worker] { directory->remove_worker(worker); });
  return {};
}

Result<void> Decider::take_away(WorkerId worker, Loss loss) {
  MITO_TRY_ASSIGN(const auto held, held_task(worker));
  if (held) {
    const int count = loss == Loss::kCounted ? 1 : 0;
    MITO_TRY(transaction_.release(storage::Release{
        .task = held->task, .worker = worker, .count_loss = loss == Loss::kCounted, .now = context_.wall}));
    // The storage removes the Pending child; its watch, if it has one, goes with it.
    if (held->downstream)
      if (const auto child = context_.state.scheduler.pending(*held->downstream)) context_.state.watches.remove(*child);
    ++effects_.tally.released;
    const GroupId group = context_.state.scheduler.group(held->task);
    tell(held->uuid, group, TaskExecState::kWorkerExited);
    tell(held->uuid, group, TaskState::kReady);
    const int losses = context_.state.scheduler.losses(held->task) + count;
    if (loss == Loss::kCounted && losses >= context_.settings.max_worker_losses)
      MITO_TRY(give_up(worker, *held, losses));
    else
      MITO_TRY(wake(context_.state.scheduler.release(worker, count, context_.now), held->task));
  }
  return depart(worker);
}

// Killed with each of its workers: the result says SIGKILL, the detail says why.
Result<void> Decider::give_up(WorkerId worker, const Assignment& held, int losses) {
  const std::string result = R"({"exit_status":9,"msg":null})";
  State& state = context_.state;
  const GroupId group = state.scheduler.group(held.task);
  MITO_TRY(transaction_.archive(storage::Archive{
      .task = held.task,
      .from = {TaskState::kReady},
      .worker = std::nullopt,
      .state = TaskState::kCancelled,
      .result = result,
      .reporter = std::nullopt,
      .detail = fmt::format(R"({{"notes":["{} workers were lost while they ran this task; it is not tried again."],)"
                            R"("reason":"worker lost"}})",
                            losses),
      .now = context_.wall}));
  state.watches.remove(held.task);
  state.scheduler.give_up(worker);
  ++effects_.tally.archived;
  tell(held.uuid, group, TaskState::kCancelled);
  kLog.warn("task {} is given up: {} workers were lost while they ran it", held.uuid.to_string(), losses);
  return target_over(held.uuid, group, TaskState::kCancelled, result);
}

Result<void> Decider::on(ChangeWorkerRequest& request, std::size_t, Answer& answer) {
  Scheduler& scheduler = context_.state.scheduler;
  const WorkerId id = request.worker;
  const Worker* worker = scheduler.worker(id);
  if (worker == nullptr) {
    answer.error = Error(ErrorCode::kNotFound, fmt::format("Worker {} not found", id.value));
    return {};
  }
  MITO_TRY_ASSIGN(auto* writer, transaction_.writer());
  if (request.tags || request.labels) {
    MITO_TRY_ASSIGN(auto row, writer->worker_by_id(id));
    if (!row) return fail(ErrorCode::kInternal, "", fmt::format("worker {} has no row", id.value));
    if (request.tags) row->tags = *request.tags;
    if (request.labels) row->labels = *request.labels;
    row->updated_at = context_.wall;
    MITO_TRY(writer->update_worker(*row));
  }
  std::vector<storage::WorkerAccess> access;
  for (const auto& [group, role] : request.new_access)
    access.push_back(storage::WorkerAccess{.worker = id, .group = group, .role = role});
  if (!access.empty()) MITO_TRY(writer->upsert_access(access));
  if (!request.lost_access.empty()) MITO_TRY(writer->delete_access(id, request.lost_access));

  if (request.tags) scheduler.set_worker_tags(id, {request.tags->data(), request.tags->size()});
  if (!access.empty() || !request.lost_access.empty()) {
    std::vector<GroupId> groups = worker->groups;
    const auto is_named = [&](GroupId group) {
      return std::ranges::find(request.lost_access, group) != request.lost_access.end() ||
             std::ranges::find(access, group, &storage::WorkerAccess::group) != access.end();
    };
    std::erase_if(groups, is_named);
    for (const GroupId group : usable(request.new_access))
      if (std::ranges::find(request.lost_access, group) == request.lost_access.end()) groups.push_back(group);
    scheduler.set_worker_groups(id, std::move(groups));
    effects_.after_commit.emplace_back([directory = &changed_, id, access, lost = request.lost_access] {
      for (const auto& row : access)
        directory->put_access(row);
      for (const GroupId group : lost)
        directory->remove_access(id, group);
    });
  }
  if (!worker->waiting_since) return {};
  const auto task = scheduler.next(id, context_.now);
  return task ? wake(id, *task) : Result<void>{};
}

Result<void> Decider::on(LoseWorker& request, std::size_t, Answer&) {
  const Worker* worker = context_.state.scheduler.worker(request.worker);
  if (worker == nullptr) return {};
  const bool expired = context_.state.leases.expired(request.worker, context_.now);
  if (request.why == LoseWorker::Why::kLeaseExpired && !expired) return {};
  if (request.why == LoseWorker::Why::kTaskOverran && !overran(*worker, context_.settings, context_.now)) return {};
  kLog.warn(
      "worker {} is removed: {}", worker->uuid.to_string(),
      request.why == LoseWorker::Why::kLeaseExpired ? "it sent no heartbeat in time" : "its task overran its timeout");
  ++effects_.tally.workers_lost;
  return take_away(request.worker, Loss::kCounted);
}

Result<void> Decider::on(LetGo& request, std::size_t, Answer&) {
  const Worker* worker = context_.state.scheduler.worker(request.worker);
  return worker != nullptr && worker->leaving && !worker->assignment ? depart(request.worker) : Result<void>{};
}

Result<void> Decider::on(ReloadTask& request, std::size_t, Answer&) {
  State& state = context_.state;
  if (state.scheduler.place(request.task)) return {};
  MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
  MITO_TRY_ASSIGN(const auto task, reader->task_by_id(request.task));
  if (!task || task->archived) return {};
  std::optional<Watch> watch;
  if (!task->watch_reached) {
    MITO_TRY_ASSIGN(watch, storage::watch_of(task->spec));
  }
  const TaskRequirements requirements{.id = task->id,
                                      .group = task->group,
                                      .tags = {task->tags.data(), task->tags.size()},
                                      .priority = task->priority,
                                      .losses = task->losses,
                                      .held = watch ? Held::kYes : Held::kNo,
                                      .watch_reached = task->watch_reached};
  if (watch) {
    state.watches.add(task->id, Watches::Held{.watch = *watch, .creator = task->creator});
    MITO_TRY(read_rows(std::span(&watch->task, 1)));
  }
  if (task->state == TaskState::kPending) {
    state.scheduler.add_pending(requirements, task->uuid);
    return check_watch(task->id);
  }
  if (task->state != TaskState::kReady) {
    const WorkerId holder = task->assigned_worker.value_or(WorkerId{});
    const Worker* worker = task->assigned_worker ? state.scheduler.worker(holder) : nullptr;
    if (worker != nullptr && !worker->assignment && request.hands == ReloadTask::Hands::kKeep) {
      if (worker->waiting_since) state.scheduler.stop_waiting(holder);
      Assignment held;
      held.task = task->id;
      held.uuid = task->uuid;
      held.state = task->state;
      held.timeout_seconds = task->timeout_seconds;
      held.claimed_at = context_.now;
      held.downstream = task->downstream;
      state.scheduler.restore(holder, requirements, held);
      return {};
    }
    kLog.warn("task {} was in the hands of a worker that is gone; it is Ready again", task->uuid.to_string());
    MITO_TRY(transaction_.release(storage::Release{
        .task = task->id, .worker = task->assigned_worker, .count_loss = false, .now = context_.wall}));
    ++effects_.tally.released;
    tell(task->uuid, task->group, TaskState::kReady);
    if (const auto child = task->downstream ? state.scheduler.pending(*task->downstream) : std::nullopt) {
      state.watches.remove(*child);
      state.scheduler.cancel(*child, *task->downstream);
    }
  }
  MITO_TRY(wake(state.scheduler.submit(requirements, context_.now), task->id));
  return check_watch(task->id);
}

}  // namespace mito::core
