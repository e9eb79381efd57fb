#pragma once

#include <stop_token>

#include "worker/coordinator_link.h"
#include "worker/environment.h"
#include "worker/heartbeats.h"
#include "worker/process.h"
#include "worker/settings.h"
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
};

/// How a slot is told to stop, from mild to hard.
struct StopTokens {
  std::stop_token drain;  ///< No further task.
  std::stop_token end;    ///< The running task is to be ended: SIGTERM first.
  std::stop_token kill;   ///< SIGKILL.
};

}  // namespace mito::worker
