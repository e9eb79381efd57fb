#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "domain/ids.h"
#include "domain/states.h"

namespace mito::storage {

/// A task has come to a state, or its execution has.
struct TaskEvent {
  TaskUuid task;
  GroupId group;
  std::variant<TaskState, TaskExecState> state;
  Timestamp time;
};

/// Ends a subscription when it is destroyed. Then its callback is not running any more and is not called again, unless
/// it is destroyed within the callback itself, which is allowed; a callback must not end another subscription. Must not
/// outlive the bus.
class Subscription {
 public:
  /// What stands behind it; destroyed with the subscription.
  class Handle {
   public:
    virtual ~Handle() = default;
  };

  Subscription() = default;
  explicit Subscription(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
  [[nodiscard]] bool is_active() const { return handle_ != nullptr; }

 private:
  std::unique_ptr<Handle> handle_;
};

/// Tells who asked for it what tasks come to. Nothing is stored durably, and nothing is replayed: subscribe first, then
/// look. Any thread.
class EventBus {
 public:
  /// Called on the publisher's thread, never twice at the same time; must not block and not publish.
  using Callback = std::move_only_function<void(const TaskEvent&)>;

  virtual ~EventBus() = default;
  /// Never blocks for long. Events that one thread publishes reach each subscription in that order.
  virtual void publish(const TaskEvent& event) = 0;
  /// The task is over for good: its latest execution state is forgotten in 60 s. States of which nothing can follow,
  /// such as kTaskCommitted, imply it.
  virtual void archived(const TaskUuid& task) = 0;

  /// kUnavailable: there are as many subscriptions as the settings allow.
  virtual Result<Subscription> subscribe(const TaskUuid& task, Callback callback) = 0;
  virtual Result<Subscription> subscribe(GroupId group, Callback callback) = 0;

  /// What was published last of the task's execution; nothing when that was never, or is too long ago.
  [[nodiscard]] virtual std::optional<TaskExecState> latest_exec_state(const TaskUuid& task) const = 0;

  struct Statistics {
    std::uint64_t published = 0;
    std::uint64_t delivered = 0;
    std::uint64_t subscriptions = 0;
    std::uint64_t refused_subscriptions = 0;
    std::uint64_t remembered_states = 0;
    std::uint64_t dropped_states = 0;  ///< Forgotten early because there were too many.
  };
  [[nodiscard]] virtual Statistics statistics() const = 0;
};

}  // namespace mito::storage
