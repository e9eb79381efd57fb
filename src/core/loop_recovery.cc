#include <algorithm>
#include <map>
#include <utility>

#include "base/logging.h"
#include "core/loop.h"

// What the database holds, brought into memory before anything is accepted.
namespace mito::core {
namespace {

constexpr log::Source kLog{"netmito::core"};

bool has(const std::vector<std::string>& features, std::string_view feature) {
  return std::ranges::find(features, feature) != features.end();
}

}  // namespace

Result<void> Loop::load() {
  std::unordered_map<WorkerId, std::optional<TaskId>> holdings;
  MITO_TRY(load_directory());
  MITO_TRY(load_workers(holdings));
  MITO_TRY(load_tasks(holdings));
  state_.scheduler.collect();
  kLog.info("{} tasks are queued, {} are in the hands of {} workers", state_.scheduler.queued(),
            state_.scheduler.assigned(), state_.scheduler.workers());
  publish();
  return {};
}

Result<void> Loop::read_directory(Directory& into) {
  MITO_TRY(writer_.each_user([&](storage::User&& user) { into.put_user(user); }));
  MITO_TRY(writer_.each_group([&](storage::Group&& group) { into.put_group(group.id, std::move(group.name)); }));
  return writer_.each_membership([&](storage::Membership&& membership) { into.put_membership(membership); });
}

Result<void> Loop::load_directory() {
  directory_.clear();
  return read_directory(directory_);
}

void Loop::reload_directory() {
  if (fenced_ || away_) return;
  Directory fresh;
  const auto read = [&]() -> Result<void> {
    MITO_TRY(read_directory(fresh));
    MITO_TRY(writer_.each_worker([&](storage::Worker&& row) {
      fresh.put_worker(Directory::WorkerEntry{.id = row.id,
                                              .uuid = row.uuid,
                                              .creator = row.creator,
                                              .features = std::move(row.features),
                                              .access = {},
                                              .info = std::move(row.info)});
    }));
    return writer_.each_worker_access([&](storage::WorkerAccess&& row) { fresh.put_access(row); });
  };
  if (const auto done = read(); !done)
    return kLog.error("users and groups were not read anew: {}", describe(done.error()));
  directory_.replace_with(fresh);
  kLog.info("users, groups and workers were read anew");
}

Result<void> Loop::load_workers(std::unordered_map<WorkerId, std::optional<TaskId>>& holdings) {
  std::unordered_map<WorkerId, std::vector<std::pair<GroupId, Role>>> access;
  MITO_TRY(writer_.each_worker_access(
      [&](storage::WorkerAccess&& row) { access[row.worker].emplace_back(row.group, row.role); }));
  const auto now = clock_.monotonic();
  return writer_.each_worker([&](storage::Worker&& row) {
    holdings.emplace(row.id, row.assigned_task);
    const auto& roles = access[row.id];
    std::vector<GroupId> groups;
    for (const auto& [group, role] : roles)
      if (role != Role::kRead) groups.push_back(group);
    const bool leaving = row.state == WorkerState::kGracefulShutdown;
    state_.scheduler.add_worker(row.id, Scheduler::WorkerTraits{.uuid = row.uuid,
                                                                .tags = row.tags,
                                                                .groups = std::move(groups),
                                                                .holds_watches = has(row.features, "watch"),
                                                                .sends_states = has(row.features, "state"),
                                                                .leaving = leaving});
    // Counted anew from the start: what was sent while nobody listened is not held against a worker.
    state_.leases.add(row.id, row.lease.value_or(settings_.heartbeat_timeout), now);
    state_.undo.clear();
    if (leaving) enqueue(LetGo{.worker = row.id});
    directory_.put_worker(Directory::WorkerEntry{.id = row.id,
                                                 .uuid = row.uuid,
                                                 .creator = row.creator,
                                                 .features = std::move(row.features),
                                                 .access = roles,
                                                 .info = std::move(row.info)});
  });
}

Result<void> Loop::load_tasks(const std::unordered_map<WorkerId, std::optional<TaskId>>& holdings) {
  return writer_.each_active_task([&](storage::Queries::ActiveTask&& task) {
    load_task(std::move(task), holdings);
    state_.undo.clear();
  });
}

void Loop::load_task(storage::Queries::ActiveTask task,
                     const std::unordered_map<WorkerId, std::optional<TaskId>>& holdings) {
  const TaskRequirements requirements{.id = task.id,
                                      .group = task.group,
                                      .tags = {task.tags.data(), task.tags.size()},
                                      .priority = task.priority,
                                      .losses = task.losses,
                                      .held = task.watch ? Held::kYes : Held::kNo,
                                      .watch_reached = task.watch_reached};
  const auto now = clock_.monotonic();
  if (task.state == TaskState::kReady) {
    const auto age = std::max(clock_.now() - task.updated_at, std::chrono::microseconds(0));
    state_.scheduler.submit(requirements, now - age);
  } else if (task.state == TaskState::kPending) {
    state_.scheduler.add_pending(requirements, task.uuid);
  } else {
    const WorkerId holder = task.assigned_worker.value_or(WorkerId{});
    const auto holding = holdings.find(holder);
    const bool is_held = holding != holdings.end() && holding->second == task.id;
    if (!is_held || state_.scheduler.worker(holder)->assignment)
      return enqueue(ReloadTask{.task = task.id, .hands = ReloadTask::Hands::kFree});
    Assignment held;
    held.task = task.id;
    held.uuid = task.uuid;
    held.state = task.state;
    held.timeout_seconds = task.timeout_seconds;
    held.claimed_at = now;
    held.downstream = task.downstream;
    state_.scheduler.restore(holder, requirements, held);
  }
  if (!task.watch) return;
  state_.watches.add(task.id, Watches::Held{.watch = *task.watch, .creator = task.creator});
  enqueue(CheckWatch{.task = task.id, .target = task.watch->task});
}

}  // namespace mito::core
