#include "storage/objects/object_store.h"

#include <utility>

namespace mito::storage {

std::string_view to_string(Bucket bucket) {
  return bucket == Bucket::kArtifacts ? "artifacts" : "attachments";
}

std::optional<Bucket> parse_bucket(std::string_view text) {
  for (auto bucket : {Bucket::kArtifacts, Bucket::kAttachments})
    if (to_string(bucket) == text) return bucket;
  return std::nullopt;
}

std::vector<ObjectStore::Leftover> ObjectStore::remove_all(std::span<const ObjectKey> keys,
                                                           const Withdrawn& withdrawn) {
  std::vector<Leftover> left;
  for (const ObjectKey& key : keys) {
    if (withdrawn && withdrawn(key)) continue;
    if (auto removed = remove(key); !removed) left.push_back({.key = key, .error = std::move(removed).error()});
  }
  return left;
}

}  // namespace mito::storage
