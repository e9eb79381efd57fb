#include "core/scheduler.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mito::core {

// --- Steps: each changes one thing and can be undone ---

void Scheduler::add_entry(TaskId id, Entry entry) {
  tasks_.emplace(id, entry);
  ++entry.task_class->tasks;
  undo_.push([this, id] {
    const auto found = tasks_.find(id);
    ready_.release(*found->second.task_class);
    tasks_.erase(found);
  });
}

void Scheduler::drop_entry(TaskId id) {
  const auto found = tasks_.find(id);
  const Entry entry = found->second;
  tasks_.erase(found);
  ready_.release(*entry.task_class);
  undo_.push([this, id, entry] {
    tasks_.emplace(id, entry);
    ++entry.task_class->tasks;
  });
}

void Scheduler::replace_entry(TaskId id, Entry entry) {
  const auto put = [this](TaskId task, Entry next) {
    Entry& place = tasks_.find(task)->second;
    ++next.task_class->tasks;
    ready_.release(*place.task_class);
    place = next;
  };
  const Entry before = tasks_.find(id)->second;
  put(id, entry);
  undo_.push([put, id, before] { put(id, before); });
}

void Scheduler::enqueue(TaskId id) {
  const Entry& entry = tasks_.find(id)->second;
  const QueueKey key{.priority = entry.priority, .id = id};
  ready_.insert(*entry.task_class, key);
  undo_.push([this, task_class = entry.task_class, key] { ready_.erase(*task_class, key); });
}

void Scheduler::dequeue(TaskId id) {
  const Entry& entry = tasks_.find(id)->second;
  const QueueKey key{.priority = entry.priority, .id = id};
  ready_.erase(*entry.task_class, key);
  undo_.push([this, task_class = entry.task_class, key] { ready_.insert(*task_class, key); });
}

void Scheduler::set_assignment(WorkerId id, std::optional<Assignment> assignment) {
  const auto put = [this](WorkerId worker, std::optional<Assignment> next) {
    auto& place = workers_.find(worker)->second.assignment;
    assigned_ += next.has_value() ? 1U : 0U;
    assigned_ -= place.has_value() ? 1U : 0U;
    std::swap(place, next);
    return next;
  };
  undo_.push([put, id, before = put(id, std::move(assignment))] { put(id, before); });
}

void Scheduler::set_waiting(WorkerId id, std::optional<Waiters::Sequence> since) {
  const auto put = [this](WorkerId worker, std::optional<Waiters::Sequence> next) {
    Worker& place = workers_.find(worker)->second;
    if (place.waiting_since) waiters_.remove(worker, *place.waiting_since, *place.profile, place.groups);
    if (next) waiters_.add(worker, *next, *place.profile, place.groups);
    std::swap(place.waiting_since, next);
    return next;
  };
  undo_.push([put, id, before = put(id, since)] { put(id, before); });
}

void Scheduler::forget_pending(TaskUuid uuid) {
  auto node = pending_.extract(uuid);
  if (node.empty()) return;
  undo_.push([this, node = std::move(node)]() mutable { pending_.insert(std::move(node)); });
}

// --- Workers ---

std::size_t Scheduler::ProfileHash::operator()(const ProfileKey& key) const {
  std::size_t hash = key.holds_watches ? 1 : 0;
  for (const TagNumber tag : key.tags)
    hash = (hash ^ tag) * 0x9E3779B97F4A7C15U + (hash >> 29U);
  return hash;
}

WorkerProfile& Scheduler::find_or_make_profile(std::span<const std::string> tags, bool holds_watches) {
  ProfileKey key{.tags = tags_.numbers(tags), .holds_watches = holds_watches};
  if (const auto found = profiles_.find(key); found != profiles_.end()) return *found->second;
  auto made = std::make_unique<WorkerProfile>();
  made->tags = key.tags;
  made->holds_watches = holds_watches;
  tags_.use(made->tags, TagTable::User::kProfile);
  WorkerProfile& result = *made;
  unused_profiles_.push_back(&result);
  profiles_.emplace(std::move(key), std::move(made));
  return result;
}

void Scheduler::put_profile(WorkerId id, WorkerProfile& profile) {
  const auto put = [this](WorkerId worker, WorkerProfile* next) {
    auto& place = workers_.find(worker)->second.profile;
    if (next != nullptr) ++next->workers;
    if (place != nullptr && --place->workers == 0) unused_profiles_.push_back(place);
    std::swap(place, next);
    return next;
  };
  undo_.push([put, id, before = put(id, &profile)] { put(id, before); });
}

void Scheduler::add_worker(WorkerId id, const WorkerTraits& traits) {
  Worker worker{.uuid = traits.uuid,
                .groups = traits.groups,
                .sends_states = traits.sends_states,
                .leaving = traits.leaving,
                .waiting_since = std::nullopt,
                .assignment = std::nullopt};
  std::ranges::sort(worker.groups);
  worker.groups.erase(std::ranges::unique(worker.groups).begin(), worker.groups.end());
  workers_.emplace(id, std::move(worker));
  undo_.push([this, id] { workers_.erase(id); });
  put_profile(id, find_or_make_profile(traits.tags, traits.holds_watches));
}

void Scheduler::remove_worker(WorkerId id) {
  stop_waiting(id);
  auto node = workers_.extract(id);
  WorkerProfile* const profile = node.mapped().profile;
  if (--profile->workers == 0) unused_profiles_.push_back(profile);
  undo_.push([this, profile, node = std::move(node)]() mutable {
    ++profile->workers;
    workers_.insert(std::move(node));
  });
}

const Scheduler::Worker* Scheduler::worker(WorkerId id) const {
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : &found->second;
}

void Scheduler::set_worker_tags(WorkerId id, std::span<const std::string> tags) {
  const Worker& worker = workers_.find(id)->second;
  const auto waiting_since = worker.waiting_since;
  const bool holds_watches = worker.profile->holds_watches;
  if (waiting_since) set_waiting(id, std::nullopt);
  put_profile(id, find_or_make_profile(tags, holds_watches));
  if (waiting_since) set_waiting(id, waiting_since);
}

void Scheduler::set_worker_groups(WorkerId id, std::vector<GroupId> groups) {
  std::ranges::sort(groups);
  groups.erase(std::ranges::unique(groups).begin(), groups.end());
  Worker& worker = workers_.find(id)->second;
  const auto waiting_since = worker.waiting_since;
  if (waiting_since) set_waiting(id, std::nullopt);
  std::swap(worker.groups, groups);
  undo_.push([this, id, groups = std::move(groups)] { workers_.find(id)->second.groups = groups; });
  if (waiting_since) set_waiting(id, waiting_since);
}

void Scheduler::set_leaving(WorkerId id) {
  bool& leaving = workers_.find(id)->second.leaving;
  undo_.push([this, id, before = leaving] { workers_.find(id)->second.leaving = before; });
  leaving = true;
}

void Scheduler::start_waiting(WorkerId id) {
  const Worker& worker = workers_.find(id)->second;
  if (!worker.waiting_since && !worker.leaving && !worker.assignment) set_waiting(id, next_sequence_++);
}

void Scheduler::stop_waiting(WorkerId id) {
  if (workers_.find(id)->second.waiting_since) set_waiting(id, std::nullopt);
}

// --- Tasks ---

Scheduler::Entry Scheduler::make_entry(const TaskRequirements& task, TaskPlace place) {
  constexpr int kMost = std::numeric_limits<std::uint16_t>::max();
  return Entry{.task_class = &ready_.find_or_make(task.group, task.tags, task.held),
               .priority = task.priority,
               .losses = static_cast<std::uint16_t>(std::clamp(task.losses, 0, kMost)),
               .place = place,
               .watch_reached = task.watch_reached};
}

void Scheduler::assign(WorkerId id, TaskId task, Clock::Monotonic now) {
  if (workers_.find(id)->second.waiting_since) set_waiting(id, std::nullopt);
  Entry entry = tasks_.find(task)->second;
  entry.place = TaskPlace::kAssigned;
  replace_entry(task, entry);
  Assignment assignment;
  assignment.task = task;
  assignment.claimed_at = now;
  set_assignment(id, assignment);
}

std::optional<WorkerId> Scheduler::offer(TaskId id, Clock::Monotonic now) {
  const auto waiter = waiters_.longest(*tasks_.find(id)->second.task_class);
  ready_.submitted(id, now);
  if (waiter)
    assign(*waiter, id, now);
  else
    enqueue(id);
  return waiter;
}

std::optional<WorkerId> Scheduler::submit(const TaskRequirements& task, Clock::Monotonic now) {
  add_entry(task.id, make_entry(task, TaskPlace::kQueued));
  return offer(task.id, now);
}

void Scheduler::add_pending(const TaskRequirements& task, TaskUuid uuid) {
  add_entry(task.id, make_entry(task, TaskPlace::kPending));
  pending_.emplace(uuid, task.id);
  undo_.push([this, uuid] { pending_.erase(uuid); });
}

std::optional<TaskId> Scheduler::pending(TaskUuid uuid) const {
  const auto found = pending_.find(uuid);
  if (found == pending_.end()) return std::nullopt;
  return found->second;
}

std::optional<WorkerId> Scheduler::promote(TaskUuid uuid, Clock::Monotonic now) {
  const TaskId id = pending_.find(uuid)->second;
  forget_pending(uuid);
  Entry entry = tasks_.find(id)->second;
  entry.place = TaskPlace::kQueued;
  replace_entry(id, entry);
  return offer(id, now);
}

std::optional<TaskId> Scheduler::next(WorkerId id, Clock::Monotonic now) {
  const Worker& worker = workers_.find(id)->second;
  if (worker.assignment || worker.leaving) return std::nullopt;
  const auto best = ready_.best(worker.groups, *worker.profile);
  if (!best) return std::nullopt;
  dequeue(best->key.id);
  assign(id, best->key.id, now);
  return best->key.id;
}

void Scheduler::forget_child(const Assignment& assignment) {
  if (!assignment.downstream) return;
  const auto child = pending(*assignment.downstream);
  if (!child) return;
  forget_pending(*assignment.downstream);
  drop_entry(*child);
}

std::optional<WorkerId> Scheduler::release(WorkerId id, int new_losses, Clock::Monotonic now) {
  const Assignment assignment = *workers_.find(id)->second.assignment;
  set_assignment(id, std::nullopt);
  forget_child(assignment);
  Entry entry = tasks_.find(assignment.task)->second;
  entry.place = TaskPlace::kQueued;
  entry.losses =
      static_cast<std::uint16_t>(std::min<int>(entry.losses + new_losses, std::numeric_limits<std::uint16_t>::max()));
  replace_entry(assignment.task, entry);
  return offer(assignment.task, now);
}

void Scheduler::finish(WorkerId id) {
  const TaskId task = workers_.find(id)->second.assignment->task;
  set_assignment(id, std::nullopt);
  drop_entry(task);
}

void Scheduler::give_up(WorkerId id) {
  const Assignment assignment = *workers_.find(id)->second.assignment;
  set_assignment(id, std::nullopt);
  forget_child(assignment);
  drop_entry(assignment.task);
}

void Scheduler::cancel(TaskId task, TaskUuid uuid) {
  if (tasks_.find(task)->second.place == TaskPlace::kQueued)
    dequeue(task);
  else
    forget_pending(uuid);
  drop_entry(task);
}

std::optional<WorkerId> Scheduler::change(TaskId task, const RequirementsChange& change, Clock::Monotonic now) {
  dequeue(task);
  Entry entry = tasks_.find(task)->second;
  const TaskClass& before = *entry.task_class;
  const Held held = change.held.value_or(before.held);
  entry.task_class =
      change.tags ? &ready_.find_or_make(before.group, *change.tags, held) : &ready_.sibling(before, held);
  entry.priority = change.priority.value_or(entry.priority);
  if (change.held) entry.watch_reached = false;
  replace_entry(task, entry);
  return offer(task, now);
}

std::optional<WorkerId> Scheduler::end_holding(TaskId task, Clock::Monotonic now) {
  Entry entry = tasks_.find(task)->second;
  const bool queued = entry.place == TaskPlace::kQueued;
  if (queued) dequeue(task);
  entry.task_class = &ready_.sibling(*entry.task_class, Held::kNo);
  entry.watch_reached = true;
  replace_entry(task, entry);
  return queued ? offer(task, now) : std::nullopt;
}

GroupId Scheduler::group(TaskId task) const {
  return tasks_.find(task)->second.task_class->group;
}

bool Scheduler::watch_reached(TaskId task) const {
  return tasks_.find(task)->second.watch_reached;
}

void Scheduler::forget(TaskId task) {
  const auto found = tasks_.find(task);
  if (found == tasks_.end()) return;
  switch (found->second.place) {
    case TaskPlace::kQueued:
      dequeue(task);
      break;
    case TaskPlace::kPending: {
      const auto known = std::ranges::find(pending_, task, [](const auto& entry) { return entry.second; });
      if (known != pending_.end()) forget_pending(TaskUuid(known->first));
      break;
    }
    case TaskPlace::kAssigned: {
      const auto holds = [&](const auto& entry) {
        return entry.second.assignment && entry.second.assignment->task == task;
      };
      const auto holder = std::ranges::find_if(workers_, holds);
      if (holder != workers_.end()) set_assignment(holder->first, std::nullopt);
      break;
    }
  }
  drop_entry(task);
}

std::optional<TaskPlace> Scheduler::place(TaskId task) const {
  const auto found = tasks_.find(task);
  if (found == tasks_.end()) return std::nullopt;
  return found->second.place;
}

int Scheduler::losses(TaskId task) const {
  return tasks_.find(task)->second.losses;
}

// --- The task in a worker's hands ---

void Scheduler::set_task_state(WorkerId id, TaskState state) {
  auto assignment = workers_.find(id)->second.assignment;
  assignment->state = state;
  set_assignment(id, std::move(assignment));
}

void Scheduler::set_exec_state(WorkerId id, TaskExecState state, Clock::Monotonic now) {
  auto assignment = workers_.find(id)->second.assignment;
  assignment->exec_state = state;
  const bool executes = static_cast<std::int32_t>(state) >= static_cast<std::int32_t>(TaskExecState::kExecPending);
  if (executes && !assignment->execution_began) assignment->execution_began = now;
  set_assignment(id, std::move(assignment));
}

void Scheduler::set_downstream(WorkerId id, TaskUuid child) {
  auto assignment = workers_.find(id)->second.assignment;
  assignment->downstream = child;
  set_assignment(id, std::move(assignment));
}

void Scheduler::describe_task(WorkerId id, TaskUuid uuid, std::int64_t timeout_seconds) {
  auto& assignment = workers_.find(id)->second.assignment;
  assignment->uuid = uuid;
  assignment->timeout_seconds = timeout_seconds;
}

void Scheduler::restore(WorkerId id, const TaskRequirements& task, Assignment assignment) {
  add_entry(task.id, make_entry(task, TaskPlace::kAssigned));
  set_assignment(id, std::move(assignment));
}

void Scheduler::collect() {
  ready_.collect();
  std::ranges::sort(unused_profiles_);
  unused_profiles_.erase(std::ranges::unique(unused_profiles_).begin(), unused_profiles_.end());
  for (const WorkerProfile* profile : unused_profiles_) {
    if (profile->workers != 0) continue;
    tags_.drop(profile->tags, TagTable::User::kProfile);
    profiles_.erase(ProfileKey{.tags = profile->tags, .holds_watches = profile->holds_watches});
  }
  unused_profiles_.clear();
  tags_.forget_unused();
}

}  // namespace mito::core
