#pragma once

#include <set>
#include <string>

#include "base/sync.h"
#include "storage/objects/file_system.h"

namespace mito::storage {

/// Makes directories below a root that are still there after a crash. Any thread.
///
/// That a directory exists says nothing: another thread, or a process that was killed, may have made it without syncing
/// its parent yet. So each is synced once by this process before anyone relies on it.
class DurableDirectories {
 public:
  DurableDirectories(FileSystem& files, FileSystem::Path root) : files_(files), root_(std::move(root)) {}

  /// Makes the root itself with everything above it that is missing.
  Result<void> make_root();
  /// Makes `<root>/<first>/<second>`; its path.
  Result<FileSystem::Path> make(const std::string& first, const std::string& second);

 private:
  Result<void> make_one(const FileSystem::Path& parent, const std::string& name);

  FileSystem& files_;
  const FileSystem::Path root_;
  Sync<std::set<FileSystem::Path>> durable_;
};

}  // namespace mito::storage
