#include "storage/objects/open.h"

#include <utility>

#include <fmt/core.h>

#include "storage/objects/disk_object_store.h"
#include "storage/objects/memory_object_store.h"

namespace mito::storage {

namespace {

constexpr std::string_view kFile = "file:";
constexpr std::uint64_t kMemoryCapacity = 256 << 20;

}  // namespace

Result<std::unique_ptr<LocalObjectStore>> open_disk_objects(std::filesystem::path directory,
                                                            const security::ObjectUrlSigner& signer,
                                                            std::uint64_t min_free, const Clock& clock) {
  directory = directory.lexically_normal();
  if (!directory.has_filename()) directory = directory.parent_path();  // a slash at the end
  return DiskObjectStore::open({.root = std::move(directory), .min_free = min_free}, signer, clock);
}

Result<std::unique_ptr<RemoteObjectStore>> open_s3_objects(S3Settings settings, const Clock& clock) {
  MITO_TRY_ASSIGN(auto store, S3ObjectStore::open(std::move(settings), clock));
  MITO_TRY(store->prepare(S3ObjectStore::MissingBuckets::kCreate));
  return store;
}

Result<std::unique_ptr<LocalObjectStore>> open_objects(std::string_view url, const security::ObjectUrlSigner& signer,
                                                       std::uint64_t min_free, const Clock& clock) {
  if (url.starts_with(kFile) && url.size() > kFile.size())
    return open_disk_objects(std::filesystem::path(url.substr(kFile.size())), signer, min_free, clock);
  if (url == "memory:") return std::make_unique<MemoryObjectStore>(kMemoryCapacity, signer, clock);
  return fail(ErrorCode::kUsage, fmt::format("'{}' names no object store: use file:<directory> or memory:", url));
}

}  // namespace mito::storage
