#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>

#include "worker/coordinator_link.h"
#include "worker/courier.h"
#include "worker/environment.h"
#include "worker/heartbeats.h"
#include "worker/process.h"
#include "worker/redis_board.h"
#include "worker/settings.h"
#include "worker/spool.h"
#include "worker/timer.h"
#include "worker/work_directory.h"

namespace mito::worker {

/// The tasks that a slot holds beside the one it runs, which tells them what concerns them. One thread, that of the
/// slot.
class TasksHeld {
 public:
  virtual ~TasksHeld() = default;
  /// The result is in the spool and this all that is to be reported of it. settle() has the end.
  virtual void hand_over(const protocol::ReportTaskReq& report) = 0;
  /// The command has run for longer than a moment; called again after each time that it returns, until that is nothing.
  /// Must not block.
  virtual std::optional<std::chrono::milliseconds> is_long() = 0;
  /// Something comes that may take its time (inputs, an upload), or beside which nothing else should be done.
  virtual void will_take_time() = 0;
};

/// What a slot works with. All of it outlives the tasks; one thread uses it at a time, but for what says "any thread".
struct SlotParts {
  CoordinatorLink& link;
  ProcessRunner& runner;
  const Timer& timer;
  const Settings& settings;
  const Environment& inherited;  ///< What tasks inherit of the worker's environment.
  WorkDirectory& directory;
  StateSink& states;
  SpoolEntry& spool;
  RedisBoard* board = nullptr;  ///< Where the states of other tasks are told; null: nowhere but the coordinator.
  /// Whether the slot wants a further task with the answer to a result; empty: it does.
  std::function<bool()> wants_next = nullptr;
  /// Called when the command of a task has ended and what it made is packed; empty: nobody wants to know.
  std::function<void()> command_is_over = nullptr;
  /// Set where results travel with those of other slots.
  ReportCourier* courier = nullptr;
  /// Set where the slot holds other tasks beside this one.
  TasksHeld* held = nullptr;
};

/// How a slot is told to stop, from mild to hard.
struct StopTokens {
  std::stop_token drain;  ///< No further task.
  std::stop_token end;    ///< The running task is to be ended: SIGTERM first.
  std::stop_token kill;   ///< SIGKILL.
};

}  // namespace mito::worker
