#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "coordinator/services.h"
#include "storage/database/database.h"
#include "storage/objects/object_store.h"

namespace mito::coordinator {

/// Removes the objects of a RemoteObjectStore that no row names and that are old enough, page by page. Only what can be
/// an artifact or an attachment of a group that exists is looked at, and only in buckets that this database was the
/// first to claim: another one's objects have no rows here either. One thread.
class BucketSweep {
 public:
  /// `services` and `reader` outlive it.
  BucketSweep(Services& services, storage::RemoteObjectStore& store, storage::Queries& reader)
      : services_(services), store_(store), reader_(reader) {}

  /// Goes on where the last round ended, for a bounded number of pages, and counts in `services` what is gone. Ends
  /// early when `stop` is requested.
  Result<void> round(const std::stop_token& stop);

 private:
  /// Where the walk through a bucket stands.
  struct Walk {
    enum class Owner { kUnknown, kUs, kAnother };
    Owner owner = Owner::kUnknown;
    std::string after;
  };

  Result<bool> is_ours(storage::Bucket bucket, Walk& walk);
  Result<void> sweep_page(storage::Bucket bucket, const storage::RemoteObjectStore::Page& page);
  /// Those that have no row still when their removal is announced.
  Result<std::vector<storage::ObjectKey>> announce_removal(const std::vector<storage::ObjectKey>& orphans);

  Services& services_;
  storage::RemoteObjectStore& store_;
  storage::Queries& reader_;
  std::array<Walk, 2> walks_;  ///< By Bucket.
};

}  // namespace mito::coordinator
