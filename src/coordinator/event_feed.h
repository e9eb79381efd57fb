#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/sync.h"
#include "core/directory.h"
#include "http/server.h"
#include "storage/events/event_bus.h"

namespace mito::coordinator {

/// What happens to some tasks, on its way from the thread that publishes it to a request that waits for it. Made and
/// asked on the request's thread; filled, and told of other groups, on any.
class EventFeed {
 public:
  class State;
  explicit EventFeed(std::shared_ptr<State> state);
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
  friend class EventFeeds;
  /// Adds a group, unless it is there. kUnavailable: as EventBus::subscribe.
  Result<void> follow(storage::EventBus& bus, GroupId group);
  void forget(GroupId group);
  /// Follows these groups and no others.
  Result<void> follow_only(storage::EventBus& bus, std::span<const GroupId> groups);

  const std::shared_ptr<State> state_;
  storage::Subscription of_task_;
  Sync<std::map<GroupId, storage::Subscription>> of_groups_;
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
  /// Of all tasks of a group. kUnavailable as above, and when there are too many streams.
  Result<std::shared_ptr<EventFeed>> open(GroupId group, const boost::asio::any_io_executor& executor);
  /// Of all tasks of the user's groups, those that he joins later included. kUnavailable as above.
  Result<std::shared_ptr<EventFeed>> open(UserId user, const core::Directory& directory,
                                          const boost::asio::any_io_executor& executor);
  /// The user has become a member of the group: what happens in it from now on is told to his feeds.
  void joined(UserId user, GroupId group);
  void left(UserId user, GroupId group);
  /// For memberships that have changed in another way.
  void refresh(EventFeed& feed, UserId user, const core::Directory& directory);
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
  /// A feed of all groups of a user.
  struct Member {
    UserId user;
    std::weak_ptr<EventFeed> feed;
  };
  struct Open {
    std::vector<std::weak_ptr<EventFeed::State>> feeds;
    std::vector<Member> members;
    std::size_t expired_at = 64;  ///< Look for feeds that are gone when there are this many.
    bool ended = false;
  };
  std::shared_ptr<EventFeed::State> make(const boost::asio::any_io_executor& executor, std::size_t capacity);
  Result<std::shared_ptr<EventFeed>> make_stream(const boost::asio::any_io_executor& executor);
  std::vector<std::shared_ptr<EventFeed>> feeds_of(UserId user) const;

  storage::EventBus& bus_;
  const Limits limits_;
  Sync<Open> open_;
  std::atomic<std::uint64_t> streams_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace mito::coordinator
