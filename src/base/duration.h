#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito {

/// A length of time as people write it: whole seconds up to 2^64-1 and nanoseconds below one second
/// (reference/server.md 1.2).
struct Duration {
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;

  /// `1h 30m`, `7days`, `0s`: greatest units first, zero parts left out.
  [[nodiscard]] std::string to_string() const;
  /// One or more `<number><unit>` groups, or `0`. Fails with a text that says what is allowed.
  static Result<Duration> parse(std::string_view text);
  /// Cut to what std::chrono can hold (about 292 years).
  [[nodiscard]] std::chrono::nanoseconds to_chrono() const;
  static Duration from(std::chrono::nanoseconds length);

  friend auto operator<=>(const Duration&, const Duration&) = default;
};

}  // namespace mito
