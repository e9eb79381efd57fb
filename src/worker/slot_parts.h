#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>

#include "worker/coordinator_link.h"
#include "worker/environment.h"
#include "worker/heartbeats.h"
#include "worker/process.h"
#include "worker/redis_board.h"
#include "worker/settings.h"
#include "worker/spool.h"
#include "worker/timer.h"
#include "worker/work_directory.h"

namespace mito::worker {

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
  /// Where a result that comes without files goes instead of to the coordinator; settle() has the end of it. Empty:
  /// each result is brought by whoever has run the task.
  std::function<void(const protocol::ReportTaskReq& report)> hand_over = nullptr;
  /// Called when a command has run for longer than a short one, and again after each time that it returns, until that
  /// is nothing; empty: nobody wants to know. Must not block.
  std::function<std::optional<std::chrono::milliseconds>()> is_long = nullptr;
};

/// How a slot is told to stop, from mild to hard.
struct StopTokens {
  std::stop_token drain;  ///< No further task.
  std::stop_token end;    ///< The running task is to be ended: SIGTERM first.
  std::stop_token kill;   ///< SIGKILL.
};

}  // namespace mito::worker
