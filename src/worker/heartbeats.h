#pragma once

#include <chrono>
#include <memory>

#include "domain/ids.h"
#include "domain/states.h"
#include "worker/coordinator_link.h"

namespace mito::worker {

/// Where a task says how far it has come. Any thread; never blocks.
class StateSink {
 public:
  virtual ~StateSink() = default;
  /// A task with this timeout begins.
  virtual void begin(std::chrono::seconds) {}
  virtual void announce(TaskUuid task, TaskExecState state) = 0;
  /// The task is over for us: nothing of it is to be sent any more.
  virtual void clear() = 0;
};

struct HeartbeatSettings {
  std::chrono::milliseconds interval{300'000};  ///< At most.
  std::chrono::milliseconds lease{30'000};      ///< With a coordinator that keeps leases: three times within it.
  std::chrono::milliseconds state_delay{
      500};  ///< The first state of a task is sent this long after it, and none more often.
};

/// Signs of life of all registrations, and the execution states of their tasks where the coordinator wants them: one
/// thread
/// ("heartbeat"), requests side by side, so that one that hangs holds up no other. A 401 answer stops Session::removed.
class Heartbeats {
 public:
  Heartbeats(CoordinatorLink& link, HeartbeatSettings settings);
  ~Heartbeats();

  /// Heartbeats for `session` until the handle goes; it goes before session and Heartbeats. Its destructor waits for
  /// requests under way, which it cancels.
  std::unique_ptr<StateSink> add(Session& session);

 private:
  class Impl;
  class Handle;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mito::worker
