#include "coordinator/foreign_states.h"

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace mito::coordinator {

namespace {

using storage::RedisEventBus;

constexpr std::size_t kPerQuery = 256;

}  // namespace

void ForeignStates::observe(const TaskUuid& task, TaskExecState state, RedisEventBus::Found found) {
  std::optional<Seen> too_much;
  bool begin = false;
  {
    auto waiting = waiting_.lock();
    waiting->seen.push_back({.task = task, .state = state, .found = std::move(found)});
    if (waiting->seen.size() > max_waiting_) {
      too_much = std::move(waiting->seen.front());
      waiting->seen.pop_front();
    }
    begin = !std::exchange(waiting->reading, true);
  }
  if (too_much) too_much->found(std::nullopt);
  if (begin) read_next();
}

void ForeignStates::read_next() {
  std::vector<Seen> batch;
  {
    auto waiting = waiting_.lock();
    while (!waiting->seen.empty() && batch.size() < kPerQuery) {
      batch.push_back(std::move(waiting->seen.front()));
      waiting->seen.pop_front();
    }
    waiting->reading = !batch.empty();
  }
  if (batch.empty()) return;
  readers_.threads().post(
      [this, batch = std::move(batch)](std::optional<unsigned> thread) mutable {
        std::vector<storage::Task> tasks;
        if (thread) {
          std::vector<TaskUuid> uuids;
          for (const Seen& seen : batch)
            uuids.push_back(seen.task);
          // Without the database nothing is known of the tasks, and who asked for one of them still hears of it.
          if (auto rows = readers_.session(*thread).tasks_by_uuid(uuids)) tasks = std::move(*rows);
        }
        settle(std::move(batch), tasks);
        if (thread) read_next();
      },
      Admission::kAlways);
}

void ForeignStates::settle(std::vector<Seen> batch, std::span<const storage::Task> tasks) {
  std::unordered_map<TaskUuid, const storage::Task*> rows;
  for (const storage::Task& task : tasks)
    rows.emplace(task.uuid, &task);
  for (Seen& seen : batch) {
    const auto row = rows.find(seen.task);
    if (row == rows.end()) {
      seen.found(std::nullopt);
      continue;
    }
    const storage::Task& task = *row->second;
    const RedisEventBus::Place place{.group = task.group,
                                     .life = task.archived ? RedisEventBus::Life::kOver : RedisEventBus::Life::kActive};
    if (task.archived || !task.assigned_worker) {
      seen.found(place);
      continue;
    }
    core_.set_exec_state(
        *task.assigned_worker, seen.task, seen.state,
        [found = std::move(seen.found), place](const Result<bool>&) mutable { found(place); }, core::Telling::kNothing);
  }
}

}  // namespace mito::coordinator
