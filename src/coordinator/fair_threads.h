#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/sync.h"
#include "coordinator/job_threads.h"

namespace mito::coordinator {

/// Threads named `<name>-<n>` that run blocking jobs, of whoever asks in turn: who posts many waits for his own, not
/// the others for him. One bounded queue: when it is full, the newest job of him who has most in it makes room for one
/// of him who has fewer. Any thread may post.
class FairThreads {
 public:
  using Job = JobThreads::Job;

  FairThreads(std::string name, unsigned threads, std::size_t max_queued);
  ~FairThreads();
  FairThreads(const FairThreads&) = delete;
  FairThreads& operator=(const FairThreads&) = delete;

  /// The job is called exactly once: on a thread, or with nothing when it was refused, at once or later.
  void post(const std::string& who, Job job);
  /// Finishes what is queued and ends the threads. Idempotent.
  void stop();
  [[nodiscard]] JobThreads::Statistics statistics() const;

 private:
  struct State {
    std::map<std::string, std::deque<Job>> queues;  ///< None of them is empty.
    std::deque<std::string> turns;                  ///< Each of them once.
    std::size_t queued = 0;
    std::uint64_t refused = 0;
    bool stopping = false;
  };
  void run(unsigned number);
  static std::optional<Job> make_room(State& state, const std::string& who);
  static Job take(State& state);

  const std::size_t max_queued_;
  Sync<State> state_;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
};

}  // namespace mito::coordinator
