#pragma once

#include <functional>
#include <memory>
#include <string>

#include "worker/courier.h"
#include "worker/delivery.h"
#include "worker/heartbeats.h"
#include "worker/registration.h"
#include "worker/slot_parts.h"
#include "worker/spool.h"
#include "worker/turn.h"

namespace mito::worker {

/// How a slot ended.
enum class SlotEnd {
  kStopped,     ///< Asked to, with nothing running.
  kTaskKilled,  ///< Asked to, and a task was not finished.
  kResultKept,  ///< Asked to, and a result was not delivered: it is in the spool.
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
  RedisBoards& boards;
  const Spool& spool;
  ReportCourier& courier;
  bool reports_together = false;  ///< Those of different slots.
  std::size_t prefetch = 1;       ///< How many tasks a slot may hold.
  /// What the coordinator knows of a registration, which its users may change.
  std::function<Result<protocol::WorkerQueryResp>(const WorkerUuid&, std::stop_token)> look_up;
  std::filesystem::path work_directory;
  WorkDirectorySettings directory_settings;
  std::function<void(const std::string& worker_uuid)> on_registered;
};

/// Runs tasks on one registration after the other until it is told to stop. `session`: a first registration, if there
/// is one already. `turn`: shared with the other registration of the slot, with `--overlap`. Blocks; runs on a thread
/// of its own. Unregisters and removes its directory before it returns.
SlotEnd run_slot(const SlotShared& shared, ProcessRunner& runner, std::unique_ptr<Session> session,
                 const StopTokens& stops, Turn* turn = nullptr);

}  // namespace mito::worker
