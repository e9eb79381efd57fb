#pragma once

#include <stop_token>

#include "worker/heartbeats.h"
#include "worker/settings.h"
#include "worker/spool.h"

namespace mito::worker {

struct RecoveryParts {
  CoordinatorLink& link;
  Heartbeats& heartbeats;
  const Spool& spool;
  const Timer& timer;
  const Settings& settings;
  const std::filesystem::path& work_directory;
};

/// Takes up the registrations that ended workers of this host have left (spool.h): sends heartbeats for all of them,
/// delivers their results or gives their tasks back, unregisters them and removes their directories. Blocks until that
/// is done or `stop`; what is not done by then stays for the next worker.
void take_up_registrations(const RecoveryParts& parts, const std::stop_token& stop);

}  // namespace mito::worker
