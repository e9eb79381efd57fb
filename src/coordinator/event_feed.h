#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/sync.h"
#include "http/server.h"
#include "storage/events/event_bus.h"

namespace mito::coordinator {

/// What happens to some tasks, on its way from the thread that publishes it to a request that waits for it. Made, asked
/// and destroyed on the request's thread; filled on any.
class EventFeed {
 public:
  class State;
  EventFeed(std::shared_ptr<State> state, std::vector<storage::Subscription> subscriptions);
  ~EventFeed();
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  /// Returns when there are events, when the feed has ended, at the deadline, or when it is cancelled.
  http::Awaitable<void> wait(std::chrono::steady_clock::time_point deadline);
  /// Up to `most` events, oldest first.
  std::vector<storage::TaskEvent> take(std::size_t most);
  /// More events came than the feed holds: some are lost.
  [[nodiscard]] bool overflowed() const;
  /// The coordinator stops: nothing more comes.
  [[nodiscard]] bool ended() const;

 private:
  const std::shared_ptr<State> state_;
  std::vector<storage::Subscription> subscriptions_;
};

/// The feeds that are open, so that they can be ended. Any thread; outlives its feeds.
class EventFeeds {
 public:
  struct Limits {
    std::size_t max_streams = 1'024;        ///< Feeds of groups at the same time.
    std::size_t max_queued_events = 1'024;  ///< Of one such feed, for a reader that is slow.
  };
  EventFeeds(storage::EventBus& bus, Limits limits) : bus_(bus), limits_(limits) {}

  /// Of one task. Remembers that something happened, not all of what did. kUnavailable: too many requests wait.
  Result<std::shared_ptr<EventFeed>> open(const TaskUuid& task, const boost::asio::any_io_executor& executor);
  /// Of all tasks of these groups. kUnavailable as above, and when there are too many streams.
  Result<std::shared_ptr<EventFeed>> open(std::span<const GroupId> groups,
                                          const boost::asio::any_io_executor& executor);
  /// Ends all feeds, present and future ones.
  void end();

  storage::EventBus& bus() { return bus_; }

  struct Statistics {
    std::uint64_t streams = 0;          ///< Open now.
    std::uint64_t refused_streams = 0;  ///< There were too many.
    std::uint64_t dropped_streams = 0;  ///< Their readers were too slow.
  };
  [[nodiscard]] Statistics statistics() const;

 private:
  struct Open {
    std::vector<std::weak_ptr<EventFeed::State>> feeds;
    std::size_t expired_at = 64;  ///< Look for feeds that are gone when there are this many.
    bool ended = false;
  };
  std::shared_ptr<EventFeed::State> make(const boost::asio::any_io_executor& executor, std::size_t capacity);

  storage::EventBus& bus_;
  const Limits limits_;
  Sync<Open> open_;
  std::atomic<std::uint64_t> streams_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace mito::coordinator
