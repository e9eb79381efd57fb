#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "coordinator/settings.h"

namespace mito::coordinator {

/// A running coordinator: the composition root, which makes every part in order and ends them in reverse. Several may
/// live in one process, each in a data directory of its own. Signals are the calling program's affair.
class Coordinator {
 public:
  /// Locks the data directory, opens the database, recovers, listens. Logs one line for each thing it uses. Fails with
  /// a text that says what to do.
  /// On a database that another coordinator writes to it waits for its turn; kCancelled: `stop` was requested then.
  static Result<std::unique_ptr<Coordinator>> start(Settings settings, std::stop_token stop = {});
  /// Stops as stop() does.
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// `http://127.0.0.1:5000`
  [[nodiscard]] std::string url() const;

  /// Reads anew what somebody may have changed beside us: users, groups and workers, and the TLS certificate. Returns
  /// at once. Any thread.
  void reload();
  /// Lets wait() go on; returns at once. Any thread.
  void request_stop();
  /// Until request_stop(), POST /admin/shutdown or a fatal event; then stops. Fails when it had to stop by itself.
  Result<void> wait();
  /// Answers `null` to waiting fetches, lets requests in flight end within the grace period, ends all threads.
  /// Idempotent.
  void stop();

 private:
  class Impl;
  explicit Coordinator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mito::coordinator
