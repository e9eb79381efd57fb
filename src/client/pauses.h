#pragma once

#include <chrono>
#include <stop_token>

#include "base/result.h"

namespace mito::client {

/// How long to pause between requests of a kind. One thread at a time.
class Pauses {
 public:
  /// Nothing is paused after an answer that was held back; a growing time after one of a coordinator that holds none.
  void answered(std::chrono::steady_clock::duration took, std::chrono::milliseconds hold);
  /// Twice as long each time, up to 5 s.
  void failed();
  /// Waits, at most `limit`. kCancelled when that is asked for.
  [[nodiscard]] Result<void> pause(std::chrono::milliseconds limit, const std::stop_token& stop) const;

 private:
  std::chrono::milliseconds next_{0};
};

}  // namespace mito::client
