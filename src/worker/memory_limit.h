#pragma once

#include "base/result.h"
#include "worker/supervised_runner.h"

namespace mito::worker {

/// Tries the memory limit on a command that needs next to nothing, and says in the log what it holds for. kUsage where
/// this machine does not let it be set, or nothing can run under it. Without a limit it does nothing.
Result<void> try_memory_limit(const RunnerSettings& settings);

}  // namespace mito::worker
