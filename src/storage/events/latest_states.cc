#include "storage/events/latest_states.h"

namespace mito::storage {

namespace {

/// Whether the worker says nothing more about the task.
bool is_last(TaskExecState state) {
  return state == TaskExecState::kTaskCommitted || state == TaskExecState::kWorkerExited;
}

}  // namespace

void LatestStates::forget(Entries& entries, Entries::iterator entry) {
  places_.erase(entry->task);
  entries.erase(entry);
}

void LatestStates::forget_ended(Clock::Monotonic now) {
  while (!ended_.empty() && *ended_.front().ends_at <= now)
    forget(ended_, ended_.begin());
}

void LatestStates::set(const TaskUuid& task, TaskExecState state, Clock::Monotonic now) {
  forget_ended(now);
  const auto found = places_.find(task);
  if (found != places_.end()) {
    const auto entry = found->second;
    living_.splice(living_.end(), entry->ends_at ? ended_ : living_, entry);
    entry->state = state;
    entry->ends_at.reset();
  } else {
    if (places_.size() >= capacity_) {
      auto& oldest = ended_.empty() ? living_ : ended_;
      if (oldest.empty()) return;
      forget(oldest, oldest.begin());
      ++dropped_;
    }
    living_.push_back({.task = task, .state = state, .ends_at = std::nullopt});
    places_.emplace(task, std::prev(living_.end()));
  }
  if (is_last(state)) end(task, now);
}

void LatestStates::end(const TaskUuid& task, Clock::Monotonic now) {
  forget_ended(now);
  const auto found = places_.find(task);
  if (found == places_.end() || found->second->ends_at) return;
  found->second->ends_at = now + kKeptAfterEnd;
  ended_.splice(ended_.end(), living_, found->second);
}

std::optional<TaskExecState> LatestStates::find(const TaskUuid& task, Clock::Monotonic now) const {
  const auto found = places_.find(task);
  if (found == places_.end()) return std::nullopt;
  const auto& entry = *found->second;
  if (entry.ends_at && *entry.ends_at <= now) return std::nullopt;
  return entry.state;
}

}  // namespace mito::storage
