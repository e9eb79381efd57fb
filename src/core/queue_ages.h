#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.h"
#include "domain/ids.h"

namespace mito::core {

/// When the oldest of the queued tasks was submitted, for an operator who wants to know that work waits. Core thread.
///
/// Ids grow with submission, so the queued tasks are counted by spans of ids, each with the time of its first one: a
/// few hundred numbers however many tasks there are. Times are right to a second, or to a sixteenth of the age when
/// that is more. A task that comes back to the queue after its span was dropped counts with the oldest that wait.
class QueueAges {
 public:
  /// A task was submitted at `at`, and those before it no later. Harmless when it was told of before.
  void submitted(TaskId id, Clock::Monotonic at);
  /// The task, which was told of, is queued.
  void add(TaskId id);
  /// The task, which was added, is queued no longer.
  void remove(TaskId id);
  /// Nothing: no task is queued.
  [[nodiscard]] std::optional<Clock::Monotonic> oldest() const;

  [[nodiscard]] std::size_t spans() const { return spans_.size(); }

 private:
  struct Span {
    TaskId first;
    Clock::Monotonic at;
    std::size_t queued = 0;
  };
  static constexpr std::size_t kMaxSpans = 512;
  static constexpr std::chrono::seconds kShortest{1};
  static constexpr int kPartOfAge = 16;

  Span& span_of(TaskId id);
  void make_room(Clock::Monotonic now);

  std::vector<Span> spans_;  ///< By id.
  TaskId highest_;           ///< Of those told of.
};

}  // namespace mito::core
