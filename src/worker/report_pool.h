#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "worker/call.h"
#include "worker/timer.h"

namespace mito::worker {

/// Lets reports of several slots travel in one request, without a thread and without a timer. A report that comes while
/// no request is under way goes at once and by itself. What comes meanwhile waits for the answer; then the first of
/// those that wait leads: its thread takes all of them into the next request and hands each its answer. Only as
/// many reports may wait or be under way as `Room` says; the next one leads at once and takes along those that wait.
/// Each report is answered as if it had gone alone. Any thread; each brings one report at a time.
class ReportPool {
 public:
  /// A report (ReportTaskReq as JSON) and whose it is.
  struct Report {
    std::string token;
    std::string body;
    std::chrono::milliseconds patience{0};  ///< How long an answer may take; zero: as long as any.
  };
  /// One for each, in order; or why the whole was not answered.
  using Answers = Call<std::vector<Call<std::string>>>;
  /// How reports leave. Called on the thread that brings one of them, several threads at a time.
  struct Routes {
    std::function<Call<std::string>(const Report&, std::stop_token)> one;
    std::function<Answers(std::span<const Report* const>, std::stop_token)> several;
  };

  /// When a report may wait for the request under way.
  struct Room {
    std::size_t reports = 0;  ///< While no more than these wait or are under way.
    std::chrono::milliseconds longest_wait{std::chrono::seconds{1}};  ///< Then it goes by itself.
  };

  ReportPool(Routes routes, const Timer& timer, Room room) : routes_(std::move(routes)), timer_(timer), room_(room) {}

  /// Brings a report and waits for its answer. A stop ends the wait with kCancelled; the others are not held up by it.
  /// When the request of several is refused as a whole (a coordinator that does not know it), each goes by itself.
  Call<std::string> bring(Report report, std::stop_token stop);

  /// Whether a worker that was registered then may send its reports this way: false when a request of several was
  /// refused since.
  [[nodiscard]] bool serves(Timestamp registered_at) const { return registered_at > refused_at_.load(); }
  /// Reports that wait for the request under way.
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Traveller;
  using Companion = std::shared_ptr<Traveller>;

  /// What the thread of `mine` does with its turn.
  Call<std::string> lead(const Companion& mine, std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  /// Who goes with `mine`, which comes first: all that wait, as far as one request holds them.
  std::vector<Companion> gather(const Companion& mine);
  /// Ends the turn of a leader, whose request held `count` reports, and wakes whom that concerns.
  void conclude(std::size_t count, std::vector<Companion> settled, std::unique_lock<std::mutex>& lock);

  Routes routes_;
  const Timer& timer_;
  const Room room_;
  mutable std::mutex mutex_;
  std::deque<Companion> queue_;  ///< One for each thread at most.
  std::size_t under_way_ = 0;    ///< Reports in requests that are sent or about to be.
  std::atomic<Timestamp> refused_at_{Timestamp::min()};
};

}  // namespace mito::worker
