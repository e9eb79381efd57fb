#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/sync.h"
#include "redis/client.h"
#include "storage/events/event_bus.h"
#include "storage/events/local_event_bus.h"

namespace mito::storage {

/// Events within this process, and execution states shared with everybody at a Redis in the original's form
/// (reference/server.md section 7): what is published here is told there, what others tell there is delivered here. A
/// Redis that is away stops nothing; when it is back, what it holds is looked at.
class RedisEventBus final : public EventBus {
 public:
  /// Called for each state that somebody else told of a task, in order, on the client's thread; must not block.
  /// `found` is to be called once, on any thread, in the same order: the group of the task while it is active.
  using Found = std::move_only_function<void(std::optional<GroupId> group)>;
  using Observer = std::function<void(const TaskUuid& task, TaskExecState state, Found found)>;

  struct Settings {
    LocalEventBus::Settings local{};
    redis::ClientSettings redis{};
    /// How many tasks' groups are remembered, so that states that come after a task's end still find theirs.
    std::size_t max_remembered_groups = 65'536;
  };

  /// `clock` outlives the bus. Connects at once, on a thread of its own.
  RedisEventBus(Settings settings, const Clock& clock, Observer observer);
  ~RedisEventBus() override;

  /// From now on others' states are delivered. Once.
  Result<void> start();
  /// Waits for the Redis: see redis::Client.
  Result<void> wait_until_connected(std::chrono::milliseconds timeout) { return client_.wait_until_connected(timeout); }

  void publish(const TaskEvent& event) override;
  void archived(const TaskUuid& task) override;
  Result<Subscription> subscribe(const TaskUuid& task, Callback callback) override;
  Result<Subscription> subscribe(GroupId group, Callback callback) override;
  [[nodiscard]] std::optional<TaskExecState> latest_exec_state(const TaskUuid& task) const override;
  [[nodiscard]] Statistics statistics() const override;
  [[nodiscard]] redis::Client::Statistics redis_statistics() const { return client_.statistics(); }

 private:
  /// The groups of the tasks that were heard of last.
  class Groups {
   public:
    explicit Groups(std::size_t capacity) : capacity_(capacity) {}
    void put(const TaskUuid& task, GroupId group);
    [[nodiscard]] std::optional<GroupId> find(const TaskUuid& task) const;

   private:
    using Entries = std::list<std::pair<TaskUuid, GroupId>>;
    std::size_t capacity_;
    Entries entries_;  ///< In the order of their last use.
    std::unordered_map<TaskUuid, Entries::iterator> places_;
  };
  /// What we told and have not heard back: everybody at a Redis hears himself, too.
  class Echoes {
   public:
    void add(const TaskUuid& task, TaskExecState state);
    /// Whether it was ours.
    bool take(const TaskUuid& task, TaskExecState state);

   private:
    std::unordered_map<TaskUuid, std::list<TaskExecState>> told_;
    std::size_t count_ = 0;
  };
  /// The look at everything that the Redis holds, page by page. On the client's thread.
  struct Survey {
    std::uint64_t number = 0;  ///< An older one stops when a newer one begins.
    bool running = false;
    std::unordered_set<TaskUuid> newer;  ///< Told of while it runs: their values may be older.
  };

  // On the client's thread.
  void on_message(std::string_view channel, std::string_view payload);
  void observe(const TaskUuid& task, TaskExecState state);
  void begin_survey();
  void survey_page(std::uint64_t number, const std::string& cursor);
  void survey_values(std::uint64_t number, const redis::Reply& page);
  void take_values(const std::vector<std::string>& keys, const redis::Reply& values);

  // On any thread.
  void deliver(const TaskUuid& task, TaskExecState state, std::optional<GroupId> group);

  const Clock& clock_;
  const Observer observer_;
  LocalEventBus local_;
  Sync<Groups> groups_;
  Sync<Echoes> echoes_;
  Survey survey_;
  redis::Client client_;
  redis::Listening listening_;
};

}  // namespace mito::storage
