#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/sync.h"

namespace mito::coordinator {

/// Whether a job may be refused when too much waits. What workers of the original ask for never is: they end on a
/// refusal, and one request per connection bounds them.
enum class Admission { kBounded, kAlways };

/// Threads named `<name>-<n>` that run blocking jobs from one bounded queue, oldest first. Any thread may post.
class JobThreads {
 public:
  /// Called exactly once: on thread `n`, or at once within post() with nothing when the queue is full or the threads
  /// have been stopped.
  using Job = std::move_only_function<void(std::optional<unsigned> thread)>;

  JobThreads(std::string name, unsigned threads, std::size_t max_queued);
  ~JobThreads();
  JobThreads(const JobThreads&) = delete;
  JobThreads& operator=(const JobThreads&) = delete;

  void post(Job job, Admission admission = Admission::kBounded);
  /// Finishes what is queued and ends the threads. Idempotent.
  void stop();

  struct Statistics {
    std::size_t queued = 0;
    std::uint64_t refused = 0;
  };
  [[nodiscard]] Statistics statistics() const;

 private:
  struct State {
    std::deque<Job> queue;
    std::uint64_t refused = 0;
    bool stopping = false;
  };
  void run(unsigned number);

  const std::size_t max_queued_;
  Sync<State> state_;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
};

}  // namespace mito::coordinator
