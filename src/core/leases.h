#pragma once

#include <chrono>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "core/deadlines.h"
#include "core/undo.h"
#include "domain/ids.h"

namespace mito::core {

/// Until when each worker must send its next heartbeat, and which heartbeats still have to be written. Pure; core
/// thread.
class Leases {
 public:
  explicit Leases(UndoList& undo) : undo_(undo) {}

  void add(WorkerId worker, std::chrono::milliseconds timeout, Clock::Monotonic now);
  void remove(WorkerId worker);
  /// A fact, never undone. False: no such worker.
  bool beat(WorkerId worker, Clock::Monotonic now, Timestamp wall);
  /// An expired lease is looked at again then.
  void postpone(WorkerId worker, Clock::Monotonic until);
  [[nodiscard]] bool expired(WorkerId worker, Clock::Monotonic now) const;
  [[nodiscard]] const Deadlines<WorkerId>& deadlines() const { return deadlines_; }

  /// Heartbeats since the last taking, by worker. Put back what could not be written.
  std::vector<std::pair<WorkerId, Timestamp>> take_unwritten();
  void put_back(const std::vector<std::pair<WorkerId, Timestamp>>& heartbeats);
  [[nodiscard]] bool any_unwritten() const { return !unwritten_.empty(); }

 private:
  UndoList& undo_;
  std::unordered_map<WorkerId, std::chrono::milliseconds> timeouts_;
  Deadlines<WorkerId> deadlines_;
  std::unordered_map<WorkerId, Timestamp> unwritten_;
};

}  // namespace mito::core
