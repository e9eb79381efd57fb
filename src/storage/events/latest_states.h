#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "base/time.h"
#include "domain/ids.h"
#include "domain/states.h"

namespace mito::storage {

/// The latest execution state of each task that runs or was over a moment ago; of too many tasks, those that were set
/// longest ago are forgotten. Not thread-safe.
class LatestStates {
 public:
  /// How long the state of a task that is over is known, as in the original's Redis keys (reference/server.md section
  /// 7).
  static constexpr std::chrono::seconds kKeptAfterEnd{60};

  explicit LatestStates(std::size_t capacity) : capacity_(capacity) {}

  void set(const TaskUuid& task, TaskExecState state, Clock::Monotonic now);
  void end(const TaskUuid& task, Clock::Monotonic now);
  [[nodiscard]] std::optional<TaskExecState> find(const TaskUuid& task, Clock::Monotonic now) const;

  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Entry {
    TaskUuid task;
    TaskExecState state = TaskExecState::kUnknown;
    std::optional<Clock::Monotonic> ends_at;
  };
  using Entries = std::list<Entry>;

  void forget_ended(Clock::Monotonic now);
  void forget(Entries& entries, Entries::iterator entry);

  const std::size_t capacity_;
  Entries living_;  ///< In the order in which they were set.
  Entries ended_;   ///< In the order in which they end, which is that in which they were ended.
  std::unordered_map<TaskUuid, Entries::iterator> places_;
  std::uint64_t dropped_ = 0;
};

}  // namespace mito::storage
