#include "storage/objects/durable_directories.h"

namespace mito::storage {

using Path = FileSystem::Path;

Result<void> DurableDirectories::make_root() {
  Path path;
  for (const auto& part : root_) {
    const auto parent = path;
    path /= part;
    if (path.empty() || path == path.root_path() || part == "." || part == "..") continue;
    MITO_TRY_ASSIGN(const bool made, files_.make_directory(path));
    // Also one that was there: the process that made it may have been killed before it synced. But the directory that
    // holds it may be one that we may not open, and then it was not made by the likes of us.
    const auto synced = files_.sync_directory(parent.empty() ? Path(".") : parent);
    if (made) MITO_TRY(synced);
  }
  return {};
}

Result<void> DurableDirectories::make_one(const Path& parent, const std::string& name) {
  const auto path = parent / name;
  if (durable_.lock()->contains(path)) return {};
  MITO_TRY(files_.make_directory(path));
  MITO_TRY(files_.sync_directory(parent));
  durable_.lock()->insert(path);
  return {};
}

Result<Path> DurableDirectories::make(const std::string& first, const std::string& second) {
  MITO_TRY(make_one(root_, first));
  MITO_TRY(make_one(root_ / first, second));
  return root_ / first / second;
}

}  // namespace mito::storage
