#pragma once

#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/time.h"

namespace mito::core {

/// At most one deadline for each id, in order. Setting, erasing and finding the next take O(log n).
template <class Id>
class Deadlines {
 public:
  void set(Id id, Clock::Monotonic when) {
    erase(id);
    times_.emplace(id, when);
    order_.emplace(when, id);
  }
  void erase(Id id) {
    const auto found = times_.find(id);
    if (found == times_.end()) return;
    order_.erase({found->second, id});
    times_.erase(found);
  }
  [[nodiscard]] std::optional<Clock::Monotonic> of(Id id) const {
    const auto found = times_.find(id);
    if (found == times_.end()) return std::nullopt;
    return found->second;
  }
  /// The earliest one.
  [[nodiscard]] std::optional<Clock::Monotonic> next() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }
  /// Calls `take(id)` for those that have passed, earliest first, until it answers false; `take` changes nothing here.
  template <class Take>
  void each_passed(Clock::Monotonic now, Take&& take) const {
    for (const auto& [when, id] : order_)
      if (when > now || !take(id)) return;
  }
  [[nodiscard]] std::size_t size() const { return times_.size(); }

 private:
  std::unordered_map<Id, Clock::Monotonic> times_;
  std::set<std::pair<Clock::Monotonic, Id>> order_;
};

}  // namespace mito::core
