#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito {

/// Wall-clock time, UTC, microseconds (the precision of the database).
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// `2025-11-21 23:24:00.123456 +00:00:00`: the API's form (reference/server.md 1.2): at least one digit of fraction, no
/// trailing zeros.
std::string format_timestamp(Timestamp time);
/// Reads what format_timestamp writes; an offset with minutes or seconds missing is accepted.
Result<Timestamp> parse_timestamp(std::string_view text);
/// `2026-01-02T03:04:05.678901Z`, for log lines.
std::string format_rfc3339(Timestamp time);

/// Where time comes from; the only seam through which the program learns what time it is, so that tests and the
/// simulation can turn it.
class Clock {
 public:
  using Monotonic = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
  virtual ~Clock() = default;
  /// Wall clock. Any thread.
  [[nodiscard]] virtual Timestamp now() const = 0;
  /// Never goes back; for deadlines. Any thread.
  [[nodiscard]] virtual Monotonic monotonic() const = 0;

  /// The machine's clock.
  static const Clock& system();
};

}  // namespace mito
