#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "core/deadlines.h"
#include "core/undo.h"
#include "domain/ids.h"
#include "domain/task_spec.h"

namespace mito::core {

/// The tasks that are held until another task has reached a state (architecture section 9, `watch`). Pure; core thread.
///
/// A task stands here from its submission until its watch is reached or it is over. It has a deadline while nothing may
/// be expected of its target any more, or nothing is known of it; when that passes, the watch has timed out.
class Watches {
 public:
  explicit Watches(UndoList& undo) : undo_(undo) {}

  struct Held {
    Watch watch;
    UserId creator;  ///< Must be allowed to read the target.
  };

  void add(TaskId task, Held held);
  /// Nothing happens when it is not here.
  void remove(TaskId task);
  [[nodiscard]] const Held* find(TaskId task) const;
  /// The tasks that watch this one, by id.
  [[nodiscard]] std::vector<TaskId> watching(TaskUuid target) const;
  [[nodiscard]] bool is_watched(TaskUuid target) const { return by_target_.contains(target); }

  /// Empty: something may be expected of the target again.
  void set_deadline(TaskId task, std::optional<Clock::Monotonic> when);
  [[nodiscard]] const Deadlines<TaskId>& deadlines() const { return deadlines_; }

  [[nodiscard]] std::vector<TaskUuid> targets() const;

 private:
  void put(TaskId task, const Held& held);
  void erase(TaskId task);
  void put_deadline(TaskId task, std::optional<Clock::Monotonic> when);

  UndoList& undo_;
  std::unordered_map<TaskId, Held> held_;
  std::unordered_map<TaskUuid, std::vector<TaskId>> by_target_;
  Deadlines<TaskId> deadlines_;
};

}  // namespace mito::core
