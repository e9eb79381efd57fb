#include "worker/report_pool.h"

#include <algorithm>
#include <condition_variable>
#include <optional>
#include <utility>

#include "base/logging.h"
#include "protocol/values.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
/// Of the reports in one request; a coordinator takes bodies of 2 MiB.
constexpr std::size_t kMaxBytes = 1 << 20;

std::size_t size_of(const ReportPool::Report& report) {
  return report.token.size() + report.body.size();
}

std::unexpected<CallError> stopped() {
  return std::unexpected(CallError{CallError::Kind::kCancelled, "the worker stops", ErrorCode::kCancelled});
}

/// Whether an answer to the whole says that such requests are not taken at all.
bool is_refusal(CallError::Kind kind) {
  using enum CallError::Kind;
  return kind == kRemoved || kind == kForbidden || kind == kNotFound || kind == kRefused;
}

}  // namespace

/// A report on its way. The mutex of the pool guards all but the report itself.
struct ReportPool::Traveller {
  enum class State {
    kWaiting,   ///< In the queue.
    kTaken,     ///< A leader sends it.
    kLeading,   ///< It is its own thread's turn to send.
    kAnswered,  ///< `answer` is there.
    kSentBack,  ///< It has to go by itself.
  };
  explicit Traveller(Report one) : report(std::move(one)) {}
  [[nodiscard]] bool is_settled() const { return state != State::kWaiting && state != State::kTaken; }

  const Report report;
  State state = State::kWaiting;
  bool left = false;  ///< Its thread no longer waits.
  std::optional<Call<std::string>> answer;
  std::condition_variable_any settled;
};

std::size_t ReportPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

Call<std::string> ReportPool::bring(Report report, std::stop_token stop) {
  using State = Traveller::State;
  const auto mine = std::make_shared<Traveller>(std::move(report));
  const auto is_settled = [&] { return mine->is_settled(); };
  std::unique_lock lock(mutex_);
  if (under_way_ == 0 || queue_.size() + under_way_ >= room_.reports) {
    ++under_way_;
    return lead(mine, lock, stop);
  }
  queue_.push_back(mine);
  // What is under way has a deadline of its own; only the wait for a turn needs one here.
  if (!mine->settled.wait_for(lock, stop, room_.longest_wait, is_settled) && mine->state == State::kTaken)
    mine->settled.wait(lock, stop, is_settled);
  switch (mine->state) {
    case State::kLeading:
      return lead(mine, lock, stop);
    case State::kAnswered:
      return std::move(*mine->answer);
    case State::kWaiting:
    case State::kTaken:
      std::erase(queue_, mine);
      mine->left = true;
      break;
    case State::kSentBack:
      break;
  }
  lock.unlock();
  return stop.stop_requested() ? stopped() : routes_.one(mine->report, stop);
}

std::vector<ReportPool::Companion> ReportPool::gather(const Companion& mine) {
  std::vector<Companion> all{mine};
  std::size_t bytes = size_of(mine->report);
  while (!queue_.empty() && all.size() < protocol::kMaxReports) {
    bytes += size_of(queue_.front()->report);
    if (bytes > kMaxBytes) break;
    all.push_back(std::move(queue_.front()));
    queue_.pop_front();
    all.back()->state = Traveller::State::kTaken;
  }
  return all;
}

Call<std::string> ReportPool::lead(const Companion& mine, std::unique_lock<std::mutex>& lock,
                                   const std::stop_token& stop) {
  using State = Traveller::State;
  auto all = gather(mine);
  const std::size_t count = all.size();
  under_way_ += count - 1;
  lock.unlock();
  if (count == 1) {
    auto answer = routes_.one(mine->report, stop);
    lock.lock();
    conclude(count, {}, lock);
    return answer;
  }
  std::vector<const Report*> reports;
  reports.reserve(count);
  for (const auto& each : all)
    reports.push_back(&each->report);
  auto answers = routes_.several(reports, stop);
  const bool refused = !answers && is_refusal(answers.error().kind);
  if (refused) {
    kLog.info("Reports of several slots are not taken in one request, so each is sent by itself: {}",
              answers.error().text);
    refused_at_ = timer_.now();
  }
  lock.lock();
  if (!answers && answers.error().kind == CallError::Kind::kCancelled) {
    // Only the leader's own stop ends its request early: the others go again with the next of them.
    std::erase_if(all, [&](const auto& each) { return each == mine || each->left; });
    for (const auto& each : all)
      each->state = State::kWaiting;
    queue_.insert(queue_.begin(), all.begin(), all.end());
    conclude(count, {}, lock);
    return std::unexpected(std::move(answers).error());
  }
  if (refused) {
    all.insert(all.end(), queue_.begin(), queue_.end());
    queue_.clear();
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i]->state = refused ? State::kSentBack : State::kAnswered;
    if (answers)
      all[i]->answer = std::move((*answers)[i]);
    else
      all[i]->answer = std::unexpected(answers.error());
  }
  conclude(count, std::move(all), lock);
  return refused ? routes_.one(mine->report, stop) : std::move(*mine->answer);
}

void ReportPool::conclude(std::size_t count, std::vector<Companion> settled, std::unique_lock<std::mutex>& lock) {
  under_way_ -= count;
  if (!queue_.empty()) {
    ++under_way_;
    queue_.front()->state = Traveller::State::kLeading;
    settled.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  lock.unlock();
  for (const auto& each : settled)
    each->settled.notify_one();
}

}  // namespace mito::worker
