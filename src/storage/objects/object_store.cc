#include "storage/objects/object_store.h"

namespace mito::storage {

std::string_view to_string(Bucket bucket) {
  return bucket == Bucket::kArtifacts ? "artifacts" : "attachments";
}

std::optional<Bucket> parse_bucket(std::string_view text) {
  for (auto bucket : {Bucket::kArtifacts, Bucket::kAttachments})
    if (to_string(bucket) == text) return bucket;
  return std::nullopt;
}

}  // namespace mito::storage
