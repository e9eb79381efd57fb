#include "coordinator/job_threads.h"

#include <pthread.h>
#include <utility>

namespace mito::coordinator {

JobThreads::JobThreads(std::string name, unsigned threads, std::size_t max_queued) : max_queued_(max_queued) {
  threads_.reserve(threads);
  for (unsigned number = 0; number < threads; ++number) {
    threads_.emplace_back([this, number] { run(number); });
    // The kernel keeps 15 characters of a thread's name.
    const std::string full = (name + "-" + std::to_string(number)).substr(0, 15);
    pthread_setname_np(threads_.back().native_handle(), full.c_str());
  }
}

JobThreads::~JobThreads() {
  stop();
}

void JobThreads::post(Job job, Admission admission) {
  {
    auto state = state_.lock();
    if (!state->stopping && (admission == Admission::kAlways || state->queue.size() < max_queued_)) {
      state->queue.push_back(std::move(job));
      wake_.notify_one();
      return;
    }
    ++state->refused;
  }
  job(std::nullopt);
}

void JobThreads::stop() {
  {
    auto state = state_.lock();
    state->stopping = true;
    wake_.notify_all();
  }
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

JobThreads::Statistics JobThreads::statistics() const {
  const auto state = state_.lock();
  return {.queued = state->queue.size(), .refused = state->refused};
}

void JobThreads::run(unsigned number) {
  while (true) {
    Job job;
    {
      auto state = state_.lock();
      wake_.wait(state.guard(), [&] { return state->stopping || !state->queue.empty(); });
      if (state->queue.empty()) return;
      job = std::move(state->queue.front());
      state->queue.pop_front();
    }
    job(number);
  }
}

}  // namespace mito::coordinator
