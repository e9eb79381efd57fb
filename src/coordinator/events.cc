#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include "coordinator/event_feed.h"
#include "coordinator/handlers.h"
#include "protocol/codec.h"
#include "protocol/query.h"
#include "protocol/task_messages.h"

// GET /events: what happens to the tasks of a group, as server-sent events (architecture section 9).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using std::chrono::steady_clock;

/// A comment is sent after this long without an event, so that both sides notice when the other is gone.
constexpr std::chrono::seconds kHeartbeat{15};
/// Events whose rows are read together.
constexpr std::size_t kTogether = 128;

/// The body of one stream. Ends when the reader is too slow, may no longer read, is gone, or the coordinator stops.
class EventStream final : public http::BodySource {
 public:
  EventStream(Services& services, core::Directory::UserEntry user, std::optional<GroupId> group,
              std::shared_ptr<EventFeed> feed, std::function<Awaitable<void>()> until_peer_closes)
      : services_(services),
        user_(std::move(user)),
        group_(group),
        feed_(std::move(feed)),
        until_peer_closes_(std::move(until_peer_closes)) {}

  Awaitable<Result<std::size_t>> read(std::span<char> buffer) override {
    while (text_.empty() && !over_) {
      MITO_CO_TRY(co_await next());
    }
    const std::size_t count = std::min(buffer.size(), text_.size());
    std::memcpy(buffer.data(), text_.data(), count);
    text_.erase(0, count);
    co_return count;
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return std::nullopt; }

 private:
  /// Waits for what is to be said next.
  Awaitable<Result<void>> next() {
    const auto deadline = steady_clock::now() + kHeartbeat;
    using boost::asio::experimental::awaitable_operators::operator||;
    const std::variant<std::monostate, std::monostate> first = co_await (feed_->wait(deadline) || until_peer_closes_());
    if (first.index() == 1) {
      over_ = true;
      co_return Result<void>();
    }
    if (!is_still_allowed()) {
      say_last("You may no longer read these tasks.");
    } else if (feed_->overflowed()) {
      say_last("Events came faster than they were read; some are lost. Look at the tasks and connect again.");
    } else if (const auto events = feed_->take(kTogether); !events.empty()) {
      MITO_CO_TRY(co_await describe_events(events));
    } else if (feed_->ended()) {
      say_last("The coordinator is stopping.");
    } else {
      if (!group_) services_.feeds.refresh(*feed_, user_.id, services_.directory);
      text_ = ": still here\n\n";
    }
    co_return Result<void>();
  }

  void say_last(std::string_view reason) {
    text_ = "event: end\ndata: " + protocol::encode(protocol::ErrorMsg{std::string(reason)}) + "\n\n";
    over_ = true;
  }

  /// The login is still good, and where one group is followed, it may still be read.
  bool is_still_allowed() const {
    const auto user = services_.directory.user(user_.username);
    if (!user || user->state != UserState::kActive || user->auth_signature != user_.auth_signature) return false;
    return !group_ || may_read(*user, *group_);
  }
  bool may_read(const core::Directory::UserEntry& user, GroupId group) const {
    return user.admin || services_.directory.role(user.id, group).has_value();
  }

  Awaitable<Result<void>> describe_events(std::vector<storage::TaskEvent> events) {
    std::vector<TaskUuid> uuids;
    for (const storage::TaskEvent& event : events)
      uuids.push_back(event.task);
    std::ranges::sort(uuids);
    uuids.erase(std::ranges::unique(uuids).begin(), uuids.end());
    MITO_CO_TRY_ASSIGN(
        const std::vector<storage::Task> rows,
        co_await coordinator::read(services_, [&](storage::Queries& queries) { return queries.tasks_by_uuid(uuids); }));
    std::unordered_map<TaskUuid, const storage::Task*> known;
    for (const storage::Task& row : rows)
      known.emplace(row.uuid, &row);
    for (const storage::TaskEvent& event : events) {
      const auto row = known.find(event.task);
      if (row != known.end() && may_read(user_, row->second->group)) describe_event(event, *row->second);
    }
    co_return Result<void>();
  }

  void describe_event(const storage::TaskEvent& event, const storage::Task& row) {
    protocol::TaskEvent line{.uuid = event.task,
                             .group_name = services_.directory.group_name(row.group).value_or(std::string()),
                             .task_id = row.number,
                             .state = row.state,
                             .at = event.time,
                             .exec_state = std::nullopt,
                             .result = std::nullopt};
    if (const auto* state = std::get_if<TaskState>(&event.state))
      line.state = *state;
    else
      line.exec_state = std::get<TaskExecState>(event.state);
    const bool over = row.archived && row.state == line.state;
    if (over && row.result)
      if (auto result = protocol::decode<TaskResult>(*row.result)) line.result = std::move(*result);
    text_ += "data: " + protocol::encode(line) + "\n\n";
  }

  Services& services_;
  const core::Directory::UserEntry user_;
  const std::optional<GroupId> group_;
  const std::shared_ptr<EventFeed> feed_;
  const std::function<Awaitable<void>()> until_peer_closes_;
  std::string text_ = ": events follow\nretry: 1000\n\n";
  bool over_ = false;
};

/// The group that is asked for; nothing: all of the caller's.
Result<std::optional<GroupId>> asked_group(const Context& context, const protocol::EventsQuery& query) {
  if (!query.group) return std::nullopt;
  const auto group = context.directory().group(*query.group);
  if (!group || !may_read(context, *group))
    return fail(ErrorCode::kInvalidRequest,
                "Group with name " + *query.group + " not found or user is not in the group");
  return group;
}

Awaitable<Result<std::shared_ptr<EventFeed>>> open_feed(Context& context, std::optional<GroupId> group) {
  const auto executor = co_await boost::asio::this_coro::executor;
  EventFeeds& feeds = context.services.feeds;
  if (group) co_return feeds.open(*group, executor);
  co_return feeds.open(context.user.id, context.directory(), executor);
}

Awaitable<http::Response> follow_events(Context& context) {
  auto query = protocol::decode_query<protocol::EventsQuery>(context.request.query);
  if (!query) co_return failure_response(protocol::bad_query(query.error()));
  const auto asked = asked_group(context, *query);
  if (!asked) co_return error_response(asked.error());
  const std::optional<GroupId> group = *asked;
  auto feed = co_await open_feed(context, group);
  if (!feed) co_return error_response(feed.error());
  http::Response response;
  response.headers.add("content-type", "text/event-stream");
  response.headers.add("cache-control", "no-store");
  response.headers.add("x-accel-buffering", "no");  // A proxy that collects the answer would hold events back.
  response.source = std::make_unique<EventStream>(context.services, context.user, group, std::move(*feed),
                                                  context.request.until_peer_closes);
  co_return response;
}

}  // namespace

void add_events(Handlers& handlers) {
  handlers.add(Endpoint::kEvents, follow_events);
}

}  // namespace mito::coordinator
