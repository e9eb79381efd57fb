#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/result.h"
#include "coordinator/bucket_sweep.h"
#include "coordinator/services.h"
#include "storage/database/database.h"

namespace mito::coordinator {

/// Removes what is no longer wanted: tasks that were over longer ago than the retention, with their artifacts, and
/// objects without a row. A thread of its own ("housekeeping") does both every sweep_interval, in steps so small that
/// others notice nothing.
class Housekeeping {
 public:
  /// `services` outlive it; `reader` is its own session.
  Housekeeping(Services& services, std::unique_ptr<storage::Queries> reader);
  /// Ends the thread; does not wait for more than the step it is in.
  ~Housekeeping();
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;

 private:
  void run(const std::stop_token& stop);
  Result<void> remove_old_tasks(const std::stop_token& stop);
  Result<void> remove_tasks(std::vector<storage::Queries::OldTask> tasks);
  Result<void> remove_orphans(const std::stop_token& stop);
  Result<std::uint64_t> sweep_local(storage::LocalObjectStore& store, const std::stop_token& stop);

  Services& services_;
  std::unique_ptr<storage::Queries> reader_;
  std::optional<BucketSweep> bucket_sweep_;  ///< Where objects are on a server of their own.
  std::jthread thread_;
};

}  // namespace mito::coordinator
