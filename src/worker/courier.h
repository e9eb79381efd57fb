#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "worker/call.h"

namespace mito::worker {

/// Brings reports of all slots together: a thread of its own ("reports"), one request at a time. What it was given lies
/// there until somebody is in need of an answer, or until there is a request full of it. Any thread.
class ReportCourier {
 public:
  /// One for each report, in order; or why the whole was not answered.
  using Answers = Call<std::vector<Call<std::string>>>;
  using Send = std::function<Answers(std::span<const Report* const>, std::stop_token)>;
  /// Called once, on the courier's thread; must not block.
  using Done = std::move_only_function<void(Call<std::string>)>;

  /// `clock`: for serves().
  explicit ReportCourier(Send send, const mito::Clock& clock = mito::Clock::system());
  /// What is not answered yet is given up (kCancelled).
  ~ReportCourier();
  ReportCourier(const ReportCourier&) = delete;
  ReportCourier& operator=(const ReportCourier&) = delete;

  void take(Report report, Done done);
  /// Brings one at once, with those that lie there, and waits for its answer; kCancelled when `stop` comes first.
  Call<std::string> bring(Report report, const std::stop_token& stop);
  /// What lies there is to be sent `within` this time: others may come until then.
  void send_off(std::chrono::nanoseconds within = {});
  /// Whether a registration of then may send its reports this way: not when a request of several was refused since.
  [[nodiscard]] bool serves(Timestamp registered_at) const { return registered_at > refused_at_.load(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Item {
    Report report;
    Done done;
  };
  void run(const std::stop_token& stop);
  std::vector<Item> gather();
  void deliver(std::vector<Item> items, const std::stop_token& stop);

  Send send_;
  const mito::Clock& clock_;
  std::atomic<Timestamp> refused_at_{Timestamp::min()};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Item> items_;
  Clock::time_point leaves_at_ = Clock::time_point::max();
  std::jthread thread_;
};

}  // namespace mito::worker
