#include "client/pauses.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace mito::client {

using namespace std::chrono_literals;

void Pauses::answered(std::chrono::steady_clock::duration took, std::chrono::milliseconds hold) {
  const bool was_held = hold > 0ms && took > hold / 4;
  next_ = was_held ? 0ms : std::clamp(next_ * 3 / 2, 50ms, 2000ms);
}

void Pauses::failed() {
  next_ = std::clamp(next_ * 2, 200ms, 5000ms);
}

Result<void> Pauses::pause(std::chrono::milliseconds limit, const std::stop_token& stop) const {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, std::min(next_, limit), [] { return false; });
  if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the waiting was given up");
  return {};
}

}  // namespace mito::client
