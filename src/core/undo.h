#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace mito::core {

/// How to take back, in reverse order, what was changed in memory for a transaction that may still fail. Core thread.
///
/// A step restores raw state and pushes nothing itself.
class UndoList {
 public:
  using Mark = std::size_t;

  template <class Step>
  void push(Step&& step) {
    steps_.emplace_back(std::forward<Step>(step));
  }

  [[nodiscard]] Mark mark() const { return steps_.size(); }
  /// Runs the steps pushed since `mark`, the latest first, and drops them.
  void undo_to(Mark mark) {
    while (steps_.size() > mark) {
      auto step = std::move(steps_.back());
      steps_.pop_back();
      step();
    }
  }
  /// The transaction has committed: nothing can be taken back any more.
  void clear() { steps_.clear(); }

 private:
  std::vector<std::move_only_function<void()>> steps_;
};

}  // namespace mito::core
