#include "core/watches.h"

#include <algorithm>
#include <utility>

namespace mito::core {

void Watches::put(TaskId task, const Held& held) {
  held_.emplace(task, held);
  auto& watching = by_target_[held.watch.task];
  watching.insert(std::ranges::lower_bound(watching, task), task);
}

void Watches::erase(TaskId task) {
  const auto found = held_.find(task);
  const auto target = by_target_.find(found->second.watch.task);
  std::erase(target->second, task);
  if (target->second.empty()) by_target_.erase(target);
  held_.erase(found);
}

void Watches::put_deadline(TaskId task, std::optional<Clock::Monotonic> when) {
  if (when)
    deadlines_.set(task, *when);
  else
    deadlines_.erase(task);
}

void Watches::add(TaskId task, Held held) {
  put(task, held);
  undo_.push([this, task] { erase(task); });
}

void Watches::remove(TaskId task) {
  const auto found = held_.find(task);
  if (found == held_.end()) return;
  set_deadline(task, std::nullopt);
  undo_.push([this, task, held = found->second] { put(task, held); });
  erase(task);
}

const Watches::Held* Watches::find(TaskId task) const {
  const auto found = held_.find(task);
  return found == held_.end() ? nullptr : &found->second;
}

std::vector<TaskId> Watches::watching(TaskUuid target) const {
  const auto found = by_target_.find(target);
  return found == by_target_.end() ? std::vector<TaskId>{} : found->second;
}

void Watches::set_deadline(TaskId task, std::optional<Clock::Monotonic> when) {
  const auto before = deadlines_.of(task);
  if (before == when) return;
  put_deadline(task, when);
  undo_.push([this, task, before] { put_deadline(task, before); });
}

std::vector<TaskUuid> Watches::targets() const {
  std::vector<TaskUuid> targets;
  targets.reserve(by_target_.size());
  for (const auto& [target, watching] : by_target_)
    targets.push_back(target);
  return targets;
}

}  // namespace mito::core
