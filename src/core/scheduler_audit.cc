#include <algorithm>

#include <fmt/core.h>

#include "core/scheduler.h"

namespace mito::core {

std::string Scheduler::audit() const {
  std::size_t queued = 0;
  std::size_t in_hands = 0;
  std::size_t pending = 0;
  for (const auto& [id, entry] : tasks_) {
    const bool listed = entry.task_class->queue.contains(QueueKey{.priority = entry.priority, .id = id});
    if (listed != (entry.place == TaskPlace::kQueued))
      return fmt::format("task {} is {}in its queue", id.value, listed ? "" : "not ");
    queued += entry.place == TaskPlace::kQueued ? 1U : 0U;
    in_hands += entry.place == TaskPlace::kAssigned ? 1U : 0U;
    pending += entry.place == TaskPlace::kPending ? 1U : 0U;
  }
  if (queued != ready_.size()) return fmt::format("{} tasks are queued, the queues hold {}", queued, ready_.size());
  if (pending != pending_.size()) return fmt::format("{} tasks are pending, {} are listed", pending, pending_.size());
  for (const auto& [uuid, id] : pending_) {
    if (place(id) != TaskPlace::kPending) return fmt::format("task {} is listed as pending and is not", id.value);
  }
  std::size_t held = 0;
  for (const auto& [id, worker] : workers_) {
    if (worker.assignment) {
      ++held;
      if (place(worker.assignment->task) != TaskPlace::kAssigned)
        return fmt::format("worker {} holds task {}, which is elsewhere", id.value, worker.assignment->task.value);
    }
    if (!worker.waiting_since) continue;
    if (worker.assignment) return fmt::format("worker {} waits and holds a task", id.value);
    if (const auto best = ready_.best(worker.groups, *worker.profile))
      return fmt::format("worker {} waits while task {} is ready for it", id.value, best->key.id.value);
  }
  if (held != in_hands) return fmt::format("{} tasks are assigned, workers hold {}", in_hands, held);
  if (held != assigned_) return fmt::format("workers hold {} tasks, counted are {}", held, assigned_);
  return {};
}

}  // namespace mito::core
