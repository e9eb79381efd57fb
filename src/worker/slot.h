#pragma once

#include <functional>
#include <memory>
#include <string>

#include "worker/heartbeats.h"
#include "worker/registration.h"
#include "worker/slot_parts.h"

namespace mito::worker {

/// How a slot ended.
enum class SlotEnd {
  kStopped,     ///< Asked to, with nothing running.
  kTaskKilled,  ///< Asked to, and a task was not finished or not delivered.
  kRemoved,     ///< The coordinator removed it and it was not to register again.
};

/// What all slots of a worker share.
struct SlotShared {
  CoordinatorLink& link;
  Heartbeats& heartbeats;
  Registrar& registrar;
  const Timer& timer;
  const Settings& settings;
  const Environment& inherited;
  std::filesystem::path work_directory;
  std::function<void(const std::string& worker_uuid)> on_registered;
};

/// Runs tasks on one registration after the other until it is told to stop. `session`: a first registration, if there
/// is one already. Blocks; runs on a thread of its own. Unregisters and removes its directory before it returns.
SlotEnd run_slot(const SlotShared& shared, ProcessRunner& runner, std::unique_ptr<Session> session,
                 const StopTokens& stops);

}  // namespace mito::worker
