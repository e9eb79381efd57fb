#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "worker/settings.h"

namespace mito::worker {

/// How a worker ended.
enum class Outcome {
  kStopped,      ///< Asked to; every running task was finished and delivered.
  kTasksKilled,  ///< Asked to; running tasks were killed and given back to the coordinator.
  kResultsKept,  ///< Asked to; results could not be delivered and wait in the work directory for the next worker.
  kRemoved,      ///< The coordinator removed every slot and they were not to register again.
};

/// Exit code of the program: 0, 3, 5, 4.
int exit_code(Outcome outcome);

/// Events a program around the worker may want to show or act on. Called on threads of the worker; must not block.
struct Observer {
  /// A slot has registered: its UUID. Called again after each new registration.
  std::function<void(const std::string& worker_uuid)> on_registered;
};

/// A worker: `settings.slots` registrations with a coordinator, each running one task at a time.
///
/// run() blocks; it starts one thread per slot, one for heartbeats and one for their requests, and has ended them all
/// when it returns. The calling program handles signals. Several workers may live in one process. It ignores SIGPIPE
/// for the process.
class Worker {
 public:
  explicit Worker(Settings settings, Observer observer = {});
  ~Worker();

  /// Logs in, registers and runs tasks until `stop`; then no new task is taken and running ones have `settings.grace`
  /// to end. `kill` ends them at once, may come without `stop`. Unregisters and removes its directories before it
  /// returns. Fails when it cannot start: kUsage (settings), kNotLoggedIn, kWrongCredentials, kPermissionDenied,
  /// kInvalidRequest, kIo; a coordinator that is away is waited for only after the first registration: kUnreachable.
  Result<Outcome> run(std::stop_token stop, std::stop_token kill = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mito::worker
