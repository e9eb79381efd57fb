#include "worker/courier.h"

#include <memory>
#include <optional>
#include <pthread.h>
#include <utility>

#include "base/logging.h"
#include "protocol/values.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
/// Of the reports in one request; a coordinator takes bodies of 2 MiB.
constexpr std::size_t kMaxBytes = 1 << 20;
/// So many leave without being asked for: more would only make the first of them wait.
constexpr std::size_t kFull = protocol::kMaxReports / 2;

/// Whether an answer to the whole says that such requests are not taken at all.
bool is_refusal(CallError::Kind kind) {
  using enum CallError::Kind;
  return kind == kRemoved || kind == kForbidden || kind == kNotFound || kind == kRefused;
}

std::unexpected<CallError> cancelled() {
  return std::unexpected(CallError{CallError::Kind::kCancelled, "the worker stops", ErrorCode::kCancelled});
}

}  // namespace

ReportCourier::ReportCourier(Send send, const mito::Clock& clock)
    : send_(std::move(send)), clock_(clock), thread_([this](const std::stop_token& stop) { run(stop); }) {}

ReportCourier::~ReportCourier() {
  thread_.request_stop();
  thread_.join();
}

void ReportCourier::take(Report report, Done done) {
  const std::lock_guard lock(mutex_);
  items_.push_back({std::move(report), std::move(done)});
  if (items_.size() == kFull) changed_.notify_one();
}

Call<std::string> ReportCourier::bring(Report report, const std::stop_token& stop) {
  struct Waiter {
    std::mutex mutex;
    std::condition_variable_any answered;
    std::optional<Call<std::string>> answer;
  };
  const auto waiter = std::make_shared<Waiter>();  // also of the courier, which may answer when nobody waits any more
  take(std::move(report), [waiter](Call<std::string> answer) {
    const std::lock_guard lock(waiter->mutex);
    waiter->answer = std::move(answer);
    waiter->answered.notify_one();
  });
  send_off();
  std::unique_lock lock(waiter->mutex);
  if (!waiter->answered.wait(lock, stop, [&] { return waiter->answer.has_value(); })) return cancelled();
  return std::move(*waiter->answer);
}

void ReportCourier::send_off(std::chrono::nanoseconds within) {
  const auto at = Clock::now() + within;
  const std::lock_guard lock(mutex_);
  if (items_.empty() || leaves_at_ <= at) return;
  leaves_at_ = at;
  changed_.notify_one();
}

void ReportCourier::run(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "reports");
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (items_.size() < kFull && Clock::now() < leaves_at_) {
      const auto until = leaves_at_;
      const auto has_changed = [&] { return items_.size() >= kFull || leaves_at_ < until; };
      if (until == Clock::time_point::max())
        changed_.wait(lock, stop, has_changed);
      else
        changed_.wait_until(lock, stop, until, has_changed);
      continue;
    }
    auto items = gather();
    lock.unlock();
    deliver(std::move(items), stop);
    lock.lock();
  }
  auto left = std::exchange(items_, {});
  lock.unlock();
  for (auto& item : left)
    item.done(cancelled());
}

std::vector<ReportCourier::Item> ReportCourier::gather() {
  std::vector<Item> result;
  std::size_t bytes = 0;
  while (!items_.empty() && result.size() < protocol::kMaxReports) {
    const auto& next = items_.front().report;
    bytes += next.token.size() + next.body.size();
    if (bytes > kMaxBytes && !result.empty()) break;
    result.push_back(std::move(items_.front()));
    items_.pop_front();
  }
  if (items_.empty()) leaves_at_ = Clock::time_point::max();
  return result;
}

void ReportCourier::deliver(std::vector<Item> items, const std::stop_token& stop) {
  std::vector<const Report*> reports;
  reports.reserve(items.size());
  for (const auto& item : items)
    reports.push_back(&item.report);
  auto answers = send_(reports, stop);
  if (!answers && items.size() > 1 && is_refusal(answers.error().kind)) {
    kLog.info("Reports of several slots are not taken in one request, so each is sent by itself: {}",
              answers.error().text);
    refused_at_ = clock_.now();
  }
  for (std::size_t i = 0; i < items.size(); ++i)
    items[i].done(answers ? std::move((*answers)[i]) : Call<std::string>(std::unexpected(answers.error())));
}

}  // namespace mito::worker
