#include "coordinator/fair_threads.h"

#include <algorithm>
#include <pthread.h>
#include <utility>

namespace mito::coordinator {

FairThreads::FairThreads(std::string name, unsigned threads, std::size_t max_queued) : max_queued_(max_queued) {
  threads_.reserve(threads);
  for (unsigned number = 0; number < threads; ++number) {
    threads_.emplace_back([this, number] { run(number); });
    const std::string full = (name + "-" + std::to_string(number)).substr(0, 15);
    pthread_setname_np(threads_.back().native_handle(), full.c_str());
  }
}

FairThreads::~FairThreads() {
  stop();
}

/// Nothing: nobody has more in the queue than `who` would have.
std::optional<FairThreads::Job> FairThreads::make_room(State& state, const std::string& who) {
  const auto fewer = [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); };
  const auto longest = std::ranges::max_element(state.queues, fewer);
  const auto own = state.queues.find(who);
  const std::size_t own_size = own == state.queues.end() ? 0 : own->second.size();
  if (longest == state.queues.end() || longest->second.size() <= own_size + 1) return std::nullopt;
  Job job = std::move(longest->second.back());
  longest->second.pop_back();  // Not the last one: there were two more than `who` has.
  --state.queued;
  return job;
}

void FairThreads::post(const std::string& who, Job job) {
  std::optional<Job> refused;
  {
    auto state = state_.lock();
    const bool full = state->queued >= max_queued_;
    if (full && !state->stopping) refused = make_room(*state, who);
    if (state->stopping || (full && !refused)) {
      refused = std::move(job);
    } else {
      auto& queue = state->queues[who];
      if (queue.empty()) state->turns.push_back(who);
      queue.push_back(std::move(job));
      ++state->queued;
      wake_.notify_one();
    }
    if (refused) ++state->refused;
  }
  if (refused) (*refused)(std::nullopt);
}

FairThreads::Job FairThreads::take(State& state) {
  std::string who = std::move(state.turns.front());
  state.turns.pop_front();
  const auto queue = state.queues.find(who);
  Job job = std::move(queue->second.front());
  queue->second.pop_front();
  --state.queued;
  if (queue->second.empty())
    state.queues.erase(queue);
  else
    state.turns.push_back(std::move(who));
  return job;
}

void FairThreads::stop() {
  {
    auto state = state_.lock();
    state->stopping = true;
    wake_.notify_all();
  }
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

JobThreads::Statistics FairThreads::statistics() const {
  const auto state = state_.lock();
  return {.queued = state->queued, .refused = state->refused};
}

void FairThreads::run(unsigned number) {
  while (true) {
    Job job;
    {
      auto state = state_.lock();
      wake_.wait(state.guard(), [&] { return state->stopping || state->queued != 0; });
      if (state->queued == 0) return;
      job = take(*state);
    }
    job(number);
  }
}

}  // namespace mito::coordinator
