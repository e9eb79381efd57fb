#include "worker/timer.h"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace mito::worker {
namespace {

class RealTimer : public Timer {
 public:
  [[nodiscard]] Timestamp now() const override { return Clock::system().now(); }
  [[nodiscard]] Monotonic monotonic() const override { return Clock::system().monotonic(); }
  bool pause(std::chrono::milliseconds length, std::stop_token stop) const override {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, length, [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

const Timer& Timer::real() {
  static const RealTimer timer;
  return timer;
}

}  // namespace mito::worker
