#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/result.h"
#include "storage/database/database.h"

namespace mito::storage {

struct SqliteSettings {
  std::filesystem::path path;
  /// How long a statement waits for a lock that another connection holds.
  std::chrono::milliseconds busy_timeout{5'000};
  /// Small on purpose: after a page split SQLite walks a table of all cached pages at the next commit, and what is not
  /// here is in the system's page cache.
  std::int64_t writer_cache_bytes = 8 << 20;
  std::int64_t reader_cache_bytes = 8 << 20;
  /// The write-ahead log is copied into the database, beside the writer, each time it has grown by this much …
  std::int64_t checkpoint_bytes = 16 << 20;
  /// … and started over, for which the writer may wait a moment, when it is longer than this.
  std::int64_t restart_bytes = 64 << 20;
  /// A log that has come so far is filled up with zeros to `room_bytes` (at most restart_bytes), once, where the volume
  /// has plenty: what overwrites is synchronised sooner than what makes the file longer.
  std::int64_t room_after_bytes = 256 << 10;
  std::int64_t room_bytes = 20 << 20;
};

/// Opens, and creates or migrates, a database in one file; write-ahead log, every commit synchronised to the disk.
/// The directory must exist. Must be the only program that writes to the file (the caller locks its directory).
///
/// kUsage: made by a newer program, or not a database of ours. kIo: the file cannot be opened or written.
/// kInternal: the file is damaged. The texts name the file.
Result<std::unique_ptr<Database>> open_sqlite(const SqliteSettings& settings);

/// Copies the database in the file `from`, as it is at one moment, into the new file `to`, also while a program writes
/// to it. kIo with the file's name.
Result<void> copy_sqlite(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace mito::storage
