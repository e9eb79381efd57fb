#include "core/leases.h"

#include <algorithm>

namespace mito::core {

void Leases::add(WorkerId worker, std::chrono::milliseconds timeout, Clock::Monotonic now) {
  timeouts_[worker] = timeout;
  deadlines_.set(worker, now + timeout);
  undo_.push([this, worker] {
    timeouts_.erase(worker);
    deadlines_.erase(worker);
    unwritten_.erase(worker);
  });
}

void Leases::remove(WorkerId worker) {
  const auto found = timeouts_.find(worker);
  if (found == timeouts_.end()) return;
  undo_.push([this, worker, timeout = found->second, deadline = deadlines_.of(worker)] {
    timeouts_.emplace(worker, timeout);
    if (deadline) deadlines_.set(worker, *deadline);
  });
  timeouts_.erase(found);
  deadlines_.erase(worker);
  unwritten_.erase(worker);
}

bool Leases::beat(WorkerId worker, Clock::Monotonic now, Timestamp wall) {
  const auto found = timeouts_.find(worker);
  if (found == timeouts_.end()) return false;
  deadlines_.set(worker, now + found->second);
  unwritten_[worker] = wall;
  return true;
}

void Leases::postpone(WorkerId worker, Clock::Monotonic until) {
  if (timeouts_.contains(worker)) deadlines_.set(worker, until);
}

bool Leases::expired(WorkerId worker, Clock::Monotonic now) const {
  const auto deadline = deadlines_.of(worker);
  return deadline && *deadline <= now;
}

std::vector<std::pair<WorkerId, Timestamp>> Leases::take_unwritten() {
  std::vector<std::pair<WorkerId, Timestamp>> heartbeats(unwritten_.begin(), unwritten_.end());
  unwritten_.clear();
  std::ranges::sort(heartbeats);
  return heartbeats;
}

void Leases::put_back(const std::vector<std::pair<WorkerId, Timestamp>>& heartbeats) {
  for (const auto& [worker, time] : heartbeats)
    if (timeouts_.contains(worker)) unwritten_.emplace(worker, time);
}

}  // namespace mito::core
