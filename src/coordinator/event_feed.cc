#include "coordinator/event_feed.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mito::coordinator {

namespace asio = boost::asio;

/// The queue, and the timer on which the reader waits: whoever fills the queue lets it expire on the reader's thread.
class EventFeed::State : public std::enable_shared_from_this<EventFeed::State> {
 public:
  State(const asio::any_io_executor& executor, std::size_t capacity)
      : executor_(executor), timer_(executor), capacity_(capacity) {}
  ~State() {
    if (on_close) on_close();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void push(const storage::TaskEvent& event) {
    auto queue = queue_.lock();
    if (queue->overflowed || queue->ended) return;
    if (queue->events.size() < capacity_) {
      queue->events.push_back(event);
    } else if (on_overflow) {
      queue->overflowed = true;
      on_overflow();
    }
    wake(*queue);
  }
  void end() {
    auto queue = queue_.lock();
    queue->ended = true;
    wake(*queue);
  }

  http::Awaitable<void> wait(std::chrono::steady_clock::time_point deadline) {
    {
      auto queue = queue_.lock();
      if (!queue->events.empty() || queue->overflowed || queue->ended) co_return;
      queue->waited_for = true;
    }
    // What is posted to this thread runs after the wait has begun.
    timer_.expires_at(deadline);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable_t<asio::any_io_executor>{}));
    queue_.lock()->waited_for = false;
  }

  std::vector<storage::TaskEvent> take(std::size_t most) {
    auto queue = queue_.lock();
    const std::size_t count = std::min(most, queue->events.size());
    const auto end = queue->events.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<storage::TaskEvent> taken(queue->events.begin(), end);
    queue->events.erase(queue->events.begin(), end);
    return taken;
  }
  [[nodiscard]] bool overflowed() const { return queue_.lock()->overflowed; }
  [[nodiscard]] bool ended() const { return queue_.lock()->ended; }

  // Set before the first event.
  std::function<void()> on_overflow;  ///< Where it is missing, what does not fit is of no interest.
  std::function<void()> on_close;

 private:
  struct Queue {
    std::deque<storage::TaskEvent> events;
    bool overflowed = false;
    bool ended = false;
    bool waited_for = false;
  };

  void wake(Queue& queue) {
    if (!std::exchange(queue.waited_for, false)) return;
    asio::post(executor_, [self = shared_from_this()] { self->timer_.cancel(); });
  }

  const asio::any_io_executor executor_;
  asio::steady_timer timer_;
  const std::size_t capacity_;
  Sync<Queue> queue_;
};

EventFeed::EventFeed(std::shared_ptr<State> state) : state_(std::move(state)) {}

EventFeed::~EventFeed() = default;

http::Awaitable<void> EventFeed::wait(std::chrono::steady_clock::time_point deadline) {
  return state_->wait(deadline);
}
std::vector<storage::TaskEvent> EventFeed::take(std::size_t most) {
  return state_->take(most);
}
bool EventFeed::overflowed() const {
  return state_->overflowed();
}
bool EventFeed::ended() const {
  return state_->ended();
}

Result<void> EventFeed::follow(storage::EventBus& bus, GroupId group) {
  auto groups = of_groups_.lock();
  if (groups->contains(group)) return {};
  MITO_TRY_ASSIGN(auto subscription, bus.subscribe(group, [state = state_](const auto& event) { state->push(event); }));
  groups->emplace(group, std::move(subscription));
  return {};
}

void EventFeed::forget(GroupId group) {
  of_groups_.lock()->erase(group);
}

Result<void> EventFeed::follow_only(storage::EventBus& bus, std::span<const GroupId> groups) {
  std::erase_if(*of_groups_.lock(),
                [&](const auto& known) { return std::ranges::find(groups, known.first) == groups.end(); });
  for (const GroupId group : groups)
    MITO_TRY(follow(bus, group));
  return {};
}

namespace {

std::vector<GroupId> groups_of(const core::Directory& directory, UserId user) {
  std::vector<GroupId> groups;
  for (const auto& [group, role] : directory.memberships(user))
    groups.push_back(group);
  return groups;
}

}  // namespace

std::shared_ptr<EventFeed::State> EventFeeds::make(const asio::any_io_executor& executor, std::size_t capacity) {
  auto state = std::make_shared<EventFeed::State>(executor, capacity);
  auto open = open_.lock();
  if (open->ended) state->end();
  if (open->feeds.size() >= open->expired_at) {
    std::erase_if(open->feeds, [](const auto& feed) { return feed.expired(); });
    std::erase_if(open->members, [](const Member& member) { return member.feed.expired(); });
    open->expired_at = std::max<std::size_t>(64, open->feeds.size() * 2);
  }
  open->feeds.push_back(state);
  return state;
}

Result<std::shared_ptr<EventFeed>> EventFeeds::open(const TaskUuid& task, const asio::any_io_executor& executor) {
  auto state = make(executor, 1);
  auto feed = std::make_shared<EventFeed>(state);
  MITO_TRY_ASSIGN(feed->of_task_, bus_.subscribe(task, [state](const auto& event) { state->push(event); }));
  return feed;
}

Result<std::shared_ptr<EventFeed>> EventFeeds::make_stream(const asio::any_io_executor& executor) {
  if (streams_.fetch_add(1) >= limits_.max_streams) {
    --streams_;
    ++refused_;
    return fail(ErrorCode::kUnavailable, "Too many clients follow events: try again later");
  }
  auto state = make(executor, limits_.max_queued_events);
  state->on_close = [this] { --streams_; };
  state->on_overflow = [this] { ++dropped_; };
  return std::make_shared<EventFeed>(std::move(state));
}

Result<std::shared_ptr<EventFeed>> EventFeeds::open(GroupId group, const asio::any_io_executor& executor) {
  MITO_TRY_ASSIGN(auto feed, make_stream(executor));
  MITO_TRY(feed->follow(bus_, group));
  return feed;
}

// Known first and looked up then: a membership that begins in between is followed by either way.
Result<std::shared_ptr<EventFeed>> EventFeeds::open(UserId user, const core::Directory& directory,
                                                    const asio::any_io_executor& executor) {
  MITO_TRY_ASSIGN(auto feed, make_stream(executor));
  open_.lock()->members.push_back({.user = user, .feed = feed});
  for (const GroupId group : groups_of(directory, user))
    MITO_TRY(feed->follow(bus_, group));
  return feed;
}

std::vector<std::shared_ptr<EventFeed>> EventFeeds::feeds_of(UserId user) const {
  std::vector<std::shared_ptr<EventFeed>> feeds;
  const auto open = open_.lock();
  for (const Member& member : open->members)
    if (member.user == user)
      if (auto feed = member.feed.lock()) feeds.push_back(std::move(feed));
  return feeds;
}

// When the bus has no room, refresh() tries again.
void EventFeeds::joined(UserId user, GroupId group) {
  for (const auto& feed : feeds_of(user))
    (void)feed->follow(bus_, group);
}

void EventFeeds::left(UserId user, GroupId group) {
  for (const auto& feed : feeds_of(user))
    feed->forget(group);
}

void EventFeeds::refresh(EventFeed& feed, UserId user, const core::Directory& directory) {
  (void)feed.follow_only(bus_, groups_of(directory, user));
}

void EventFeeds::end() {
  std::vector<std::weak_ptr<EventFeed::State>> feeds;
  {
    auto open = open_.lock();
    open->ended = true;
    feeds = open->feeds;
  }
  for (const auto& feed : feeds)
    if (const auto state = feed.lock()) state->end();
}

EventFeeds::Statistics EventFeeds::statistics() const {
  return {.streams = streams_.load(), .refused_streams = refused_.load(), .dropped_streams = dropped_.load()};
}

}  // namespace mito::coordinator
