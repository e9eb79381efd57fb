#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "base/sync.h"
#include "coordinator/services.h"
#include "core/core.h"
#include "storage/events/redis/redis_event_bus.h"

namespace mito::coordinator {

/// Looks up the tasks whose states somebody else told (a worker of the original, through a Redis), so that watches see
/// those states and events find their group. Any thread; reads one batch after the other, so that the states of a task
/// stay in order. Ends before core and readers do.
class ForeignStates {
 public:
  /// More than `max_waiting` states are not looked up: the oldest are told without a group.
  ForeignStates(ReadThreads& readers, core::Core& core, std::size_t max_waiting)
      : readers_(readers), core_(core), max_waiting_(max_waiting) {}

  void observe(const TaskUuid& task, TaskExecState state, storage::RedisEventBus::Found found);

 private:
  struct Seen {
    TaskUuid task;
    TaskExecState state = TaskExecState::kUnknown;
    storage::RedisEventBus::Found found;
  };
  struct Waiting {
    std::deque<Seen> seen;
    bool reading = false;
  };

  void read_next();
  void settle(std::vector<Seen> batch, std::span<const storage::Task> tasks);

  ReadThreads& readers_;
  core::Core& core_;
  const std::size_t max_waiting_;
  Sync<Waiting> waiting_;
};

}  // namespace mito::coordinator
