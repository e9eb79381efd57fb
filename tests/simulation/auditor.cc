#include "simulation/auditor.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

namespace mito::simulation {
namespace {

template <class... Args>
[[noreturn]] void broken(fmt::format_string<Args...> format, Args&&... args) {
  throw Broken{fmt::format(format, std::forward<Args>(args)...)};
}

template <class... Args>
void require(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) broken(format, std::forward<Args>(args)...);
}

bool in_hands(const storage::Task& task) {
  return !task.archived && (task.state == TaskState::kRunning || task.state == TaskState::kFinished ||
                            task.state == TaskState::kCancelled);
}

}  // namespace

void Auditor::attach(storage::Database& database) {
  reader_ = database.open_reader().value();
  for (const auto& [worker, task] : std::exchange(unread_, {}))
    completed(worker, task);
}

storage::Task Auditor::row(TaskUuid task, std::string_view promise) {
  auto found = reader_->task_by_uuid(task).value();
  require(found.has_value(), "task {} was {} and is not in the database", task.to_string(), promise);
  // What somebody was told must be so after a crash, too.
  remember(*found);
  return *std::move(found);
}

void Auditor::remember(const storage::Task& row) {
  seen_.insert_or_assign(row.uuid, Seen{.state = row.state,
                                        .archived = row.archived,
                                        .worker = row.assigned_worker,
                                        .result = row.result,
                                        .reporter = row.reporter,
                                        .losses = row.losses});
}

void Auditor::submitted(const core::Submitted& task) {
  require(row(task.uuid, "acknowledged").number == task.number, "task {} has another number than was answered",
          task.uuid.to_string());
  const auto known = acknowledged_.emplace(task.uuid, task.number);
  require(known.second || known.first->second == task.number, "task {} was answered with two numbers",
          task.uuid.to_string());
}

void Auditor::cancelled(TaskUuid task) {
  const auto now = row(task, "cancelled");
  require(now.archived && now.state == TaskState::kCancelled, "task {} was answered as cancelled and is not",
          task.to_string());
}

void Auditor::assigned(WorkerId worker, const core::AssignedTask& task) {
  const auto now = row(task.uuid, "assigned");
  require(now.state == TaskState::kRunning && !now.archived && now.assigned_worker == worker,
          "worker {} was told to run task {}, which is not durable", worker.value, task.uuid.to_string());
}

void Auditor::completed(WorkerUuid worker, TaskUuid task) {
  if (!reader_) return unread_.emplace_back(worker, task), void();
  const auto now = row(task, "completed");
  require(now.archived && now.reporter == worker, "the result of task {} was acknowledged and is not recorded",
          task.to_string());
}

void Auditor::check(const core::Loop* loop) {
  check_rows();
  check_group_counters();
  if (loop != nullptr && !loop->database_away() && !loop->fenced()) check_memory(*loop);
}

void Auditor::check_rows() {
  rows_.clear();
  const auto groups = reader_->groups("", {}).value();
  for (const auto& group : groups) {
    auto tasks = reader_->tasks({.group = group.id}, {}).value();
    std::ranges::move(tasks, std::back_inserter(rows_));
  }
  std::set<TaskUuid> here;
  for (const auto& task : rows_) {
    here.insert(task.uuid);
    const auto [known, is_new] = seen_.try_emplace(task.uuid);
    if (!is_new) check_step(task, known->second);
    remember(task);
  }
  for (const auto& [task, number] : acknowledged_)
    require(here.contains(task), "the acknowledged task {} is lost", task.to_string());
  std::erase_if(seen_, [&](const auto& known) { return !here.contains(known.first); });
}

// Within an attempt states only move forward; an attempt ends with its worker.
void Auditor::check_step(const storage::Task& now, const Seen& before) {
  const std::string name = now.uuid.to_string();
  if (before.archived) {
    require(now.archived && now.result == before.result && now.state == before.state && now.reporter == before.reporter,
            "the recorded result of task {} has changed", name);
    return;
  }
  require(now.losses == before.losses || now.losses == before.losses + 1, "the losses of task {} jump", name);
  const bool was_held = before.worker.has_value();
  if (was_held && now.assigned_worker != before.worker && !now.archived) {
    require(!reader_->worker_by_id(*before.worker).value().has_value(),
            "task {} was taken from worker {}, which is still there", name, before.worker->value);
    return;
  }
  if (!was_held || now.archived) return;
  require(static_cast<int>(now.state) >= static_cast<int>(before.state) &&
              (before.state == TaskState::kRunning || now.state == before.state),
          "task {} went back from state {} to {}", name, to_string(before.state), to_string(now.state));
}

void Auditor::check_group_counters() {
  std::map<GroupId, std::set<std::int64_t>> numbers;
  for (const auto& task : rows_)
    require(numbers[task.group].insert(task.number).second, "number {} was given twice", task.number);
  for (const auto& [group, given] : numbers) {
    const auto row = reader_->group_by_id(group).value();
    require(*given.rbegin() <= row->task_count, "group {} has given a number beyond its counter", row->name);
  }
}

void Auditor::check_memory(const core::Loop& loop) {
  const auto& scheduler = loop.state().scheduler;
  const std::string complaint = scheduler.audit();
  require(complaint.empty(), "the scheduler: {}", complaint);
  if (loop.has_work()) return;  // Orphans found at a start are still to be freed.
  std::size_t active = 0;
  std::set<WorkerId> busy;
  for (const auto& task : rows_) {
    if (task.archived) {
      require(!scheduler.place(task.id).has_value(), "the archived task {} is scheduled", task.id.value);
      continue;
    }
    ++active;
    const auto place = scheduler.place(task.id);
    require(place.has_value(), "task {} is not in the scheduler", task.id.value);
    const auto expected = task.state == TaskState::kPending ? core::TaskPlace::kPending
                          : in_hands(task)                  ? core::TaskPlace::kAssigned
                                                            : core::TaskPlace::kQueued;
    require(*place == expected, "task {} in state {} stands elsewhere in the scheduler", task.id.value,
            to_string(task.state));
    if (!in_hands(task)) continue;
    require(busy.insert(*task.assigned_worker).second, "worker {} holds two tasks", task.assigned_worker->value);
    const auto* worker = scheduler.worker(*task.assigned_worker);
    require(worker != nullptr && worker->assignment && worker->assignment->task == task.id &&
                worker->assignment->state == task.state,
            "worker {} does not hold task {} in the scheduler", task.assigned_worker->value, task.id.value);
  }
  require(active == scheduler.tasks(), "{} tasks are active, the scheduler knows {}", active, scheduler.tasks());
}

void Auditor::check_all_over() {
  check_rows();
  for (const auto& task : rows_)
    require(task.archived, "task {} never ended: it is {}, held by worker {}", task.uuid.to_string(),
            to_string(task.state), task.assigned_worker.value_or(WorkerId{}).value);
}

}  // namespace mito::simulation
