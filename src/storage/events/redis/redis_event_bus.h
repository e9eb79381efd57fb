#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

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
  /// What is known of a task.
  enum class Life { kActive, kOver };
  struct Place {
    GroupId group;
    Life life = Life::kActive;
  };
  /// Called for each state that somebody else told of a task, in order, on the client's thread; must not block.
  /// `found` is to be called once, on any thread, for the states of a task in the same order; nothing: no such task.
  using Found = std::move_only_function<void(std::optional<Place> place)>;
  using Observer = std::function<void(const TaskUuid& task, TaskExecState state, Found found)>;

  struct Settings {
    LocalEventBus::Settings local{};
    redis::ClientSettings redis{};
  };

  /// `clock` outlives the bus. Connects at once, on a thread of its own.
  RedisEventBus(Settings settings, const Clock& clock, Observer observer);
  ~RedisEventBus() override;

  /// From now on others' states are delivered. Once.
  Result<void> start();
  /// Ends the connection: the observer is not called any more. Nothing is published at the same time or afterwards.
  void stop();
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
  void deliver(const TaskUuid& task, TaskExecState state, std::optional<Place> place);

  const Clock& clock_;
  const Observer observer_;
  LocalEventBus local_;
  Sync<Echoes> echoes_;
  Survey survey_;
  redis::Client client_;
  redis::Listening listening_;
};

}  // namespace mito::storage
