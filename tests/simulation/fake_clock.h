#pragma once

#include <chrono>

#include "base/time.h"

namespace mito::simulation {

/// A clock that stands until it is turned.
class FakeClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return now_; }
  [[nodiscard]] Monotonic monotonic() const override { return monotonic_; }

  void advance(std::chrono::nanoseconds by) {
    monotonic_ += by;
    now_ += std::chrono::duration_cast<std::chrono::microseconds>(by);
  }
  void advance_to(Monotonic when) {
    if (when > monotonic_) advance(when - monotonic_);
  }

 private:
  Timestamp now_{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}};
  Monotonic monotonic_{std::chrono::hours(1)};
};

}  // namespace mito::simulation
