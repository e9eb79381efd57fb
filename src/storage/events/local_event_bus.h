#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "storage/events/event_bus.h"
#include "storage/events/latest_states.h"

namespace mito::storage {

/// Events within this process. Without subscriptions, an event of a task's state costs next to nothing.
class LocalEventBus final : public EventBus {
 public:
  struct Settings {
    std::size_t max_subscriptions = 16'384;
    std::size_t max_remembered_states = 262'144;
  };

  /// `clock` outlives the bus.
  LocalEventBus(Settings settings, const Clock& clock);
  ~LocalEventBus() override;

  void publish(const TaskEvent& event) override;
  void archived(const TaskUuid& task) override;
  Result<Subscription> subscribe(const TaskUuid& task, Callback callback) override;
  Result<Subscription> subscribe(GroupId group, Callback callback) override;
  [[nodiscard]] std::optional<TaskExecState> latest_exec_state(const TaskUuid& task) const override;
  [[nodiscard]] Statistics statistics() const override;

 private:
  class Subscriber;
  template <class Key>
  class Handle;
  using Subscribers = std::vector<std::shared_ptr<Subscriber>>;
  template <class Key>
  using Table = std::unordered_map<Key, Subscribers>;
  struct Tables {
    Table<TaskUuid> tasks;
    Table<GroupId> groups;
    template <class Key>
    Table<Key>& of();
  };

  template <class Key>
  Result<Subscription> add(const Key& key, Callback callback);
  template <class Key>
  void remove(const Key& key, const std::shared_ptr<Subscriber>& subscriber);

  const Settings settings_;
  const Clock& clock_;
  Sync<Tables> tables_;
  Sync<LatestStates> latest_;
  std::atomic<std::size_t> subscriptions_ = 0;
  std::atomic<std::uint64_t> published_ = 0;
  std::atomic<std::uint64_t> delivered_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace mito::storage
