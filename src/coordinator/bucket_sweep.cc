#include "coordinator/bucket_sweep.h"

#include <future>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "base/logging.h"
#include "coordinator/object_records.h"

namespace mito::coordinator {

namespace {

constexpr log::Source kLog{"netmito::coordinator"};
/// Of each bucket in one round: enough for a hundred thousand objects.
constexpr int kPagesOfRound = 100;

constexpr ArtifactContentType kArtifactTypes[] = {ArtifactContentType::kResult, ArtifactContentType::kExecLog,
                                                  ArtifactContentType::kStdLog};

/// What an object would be, by its key.
struct ArtifactName {
  TaskUuid task;
  ArtifactContentType type;
};
struct AttachmentName {
  GroupId group;
  std::string key;
};

std::optional<ArtifactName> artifact_of(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto uuid = Uuid::parse(key.substr(0, slash));
  if (!uuid) return std::nullopt;
  const TaskUuid task{*uuid};
  for (const ArtifactContentType type : kArtifactTypes)
    if (artifact_key(task, type).key == key) return ArtifactName{.task = task, .type = type};
  return std::nullopt;
}

std::optional<AttachmentName> attachment_of(const core::Directory& directory, std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos || slash + 1 == key.size()) return std::nullopt;
  const auto group = directory.group(key.substr(0, slash));
  if (!group) return std::nullopt;
  return AttachmentName{.group = *group, .key = std::string(key.substr(slash + 1))};
}

/// Of the keys those that have no row. Keys that cannot be ours count as having one.
Result<std::vector<std::string>> artifacts_without_row(storage::Queries& queries,
                                                       const std::vector<std::string>& keys) {
  std::map<ArtifactContentType, std::vector<TaskUuid>> asked;
  for (const std::string& key : keys)
    if (const auto name = artifact_of(key)) asked[name->type].push_back(name->task);
  std::vector<std::string> orphans;
  for (const auto& [type, tasks] : asked) {
    MITO_TRY_ASSIGN(const auto rows, queries.artifacts_of(tasks, type));
    std::set<std::string> known;
    for (const storage::Artifact& row : rows)
      known.insert(artifact_key(row.task, type).key);
    for (const TaskUuid& task : tasks)
      if (std::string key = artifact_key(task, type).key; !known.contains(key)) orphans.push_back(std::move(key));
  }
  return orphans;
}

Result<std::vector<std::string>> attachments_without_row(storage::Queries& queries, const core::Directory& directory,
                                                         const std::vector<std::string>& keys) {
  std::map<GroupId, std::map<std::string, std::string>> asked;
  for (const std::string& key : keys)
    if (auto name = attachment_of(directory, key)) asked[name->group].emplace(std::move(name->key), key);
  std::vector<std::string> orphans;
  for (auto& [group, objects] : asked) {
    std::vector<std::string> names;
    for (const auto& [name, key] : objects)
      names.push_back(name);
    MITO_TRY_ASSIGN(const auto rows, queries.attachments_by_key(group, names));
    for (const storage::Attachment& row : rows)
      objects.erase(row.key);
    for (auto& [name, key] : objects)
      orphans.push_back(std::move(key));
  }
  return orphans;
}

Result<std::vector<storage::ObjectKey>> without_row(storage::Queries& queries, const core::Directory& directory,
                                                    storage::Bucket bucket, const std::vector<std::string>& keys) {
  auto orphans = bucket == storage::Bucket::kArtifacts ? artifacts_without_row(queries, keys)
                                                       : attachments_without_row(queries, directory, keys);
  if (!orphans) return fail(std::move(orphans).error());
  std::vector<storage::ObjectKey> out;
  for (std::string& key : *orphans)
    out.push_back({.bucket = bucket, .key = std::move(key)});
  return out;
}

}  // namespace

Result<void> BucketSweep::round(const std::stop_token& stop) {
  for (const storage::Bucket bucket : {storage::Bucket::kArtifacts, storage::Bucket::kAttachments}) {
    Walk& walk = walks_[static_cast<std::size_t>(bucket)];
    if (stop.stop_requested()) return {};
    MITO_TRY_ASSIGN(const bool ours, is_ours(bucket, walk));
    if (!ours) continue;
    for (int pages = 0; pages < kPagesOfRound && !stop.stop_requested(); ++pages) {
      MITO_TRY_ASSIGN(auto page, store_.list(bucket, walk.after));
      MITO_TRY(sweep_page(bucket, page));
      walk.after = std::move(page.next).value_or(std::string());
      if (walk.after.empty()) break;
    }
  }
  return {};
}

Result<bool> BucketSweep::is_ours(storage::Bucket bucket, Walk& walk) {
  if (walk.owner != Walk::Owner::kUnknown) return walk.owner == Walk::Owner::kUs;
  MITO_TRY_ASSIGN(const std::string owner, store_.claim(bucket, services_.database_id));
  walk.owner = owner == services_.database_id ? Walk::Owner::kUs : Walk::Owner::kAnother;
  if (walk.owner == Walk::Owner::kAnother)
    kLog.warn(
        "Objects without a row are not removed from the bucket of {}, because another database uses it, too: its "
        "object "
        "mitosis-owner says so. Give each database buckets of its own; when the other one is gone, delete that object.",
        storage::to_string(bucket));
  return walk.owner == Walk::Owner::kUs;
}

Result<void> BucketSweep::sweep_page(storage::Bucket bucket, const storage::RemoteObjectStore::Page& page) {
  const Timestamp before = services_.clock.now() - services_.settings.orphan_age;
  std::vector<std::string> old;
  for (const auto& object : page.objects)
    if (object.written < before) old.push_back(object.key);
  if (old.empty()) return {};
  MITO_TRY_ASSIGN(auto orphans, without_row(reader_, services_.directory, bucket, old));
  if (orphans.empty()) return {};
  MITO_TRY_ASSIGN(orphans, announce_removal(orphans));
  // At once: what fails later in the round does not bring them back.
  if (const std::size_t removed = remove_now(services_, orphans); removed != 0) {
    services_.housekeeping.orphans_removed += removed;
    kLog.info("{} objects that belonged to nothing were removed", removed);
  }
  return {};
}

// The rows are looked at again within a transaction of the core: an upload that is announced behind it finds the
// removal announced, and withdraws it.
Result<std::vector<storage::ObjectKey>> BucketSweep::announce_removal(const std::vector<storage::ObjectKey>& orphans) {
  struct Outcome {
    std::vector<storage::ObjectKey> gone;
    std::promise<Result<void>> done;
  };
  const auto outcome = std::make_shared<Outcome>();
  const storage::Bucket bucket = orphans.front().bucket;
  std::vector<std::string> keys;
  for (const storage::ObjectKey& object : orphans)
    keys.push_back(object.key);
  services_.core.write(
      [this, outcome, bucket, keys](storage::Writer& writer) -> Result<core::AfterCommit> {
        MITO_TRY_ASSIGN(outcome->gone, without_row(writer, services_.directory, bucket, keys));
        return [this, outcome] {
          for (const storage::ObjectKey& object : outcome->gone)
            services_.removals.begin(object);
        };
      },
      [outcome](Result<void> written) { outcome->done.set_value(std::move(written)); });
  MITO_TRY(outcome->done.get_future().get());
  return std::move(outcome->gone);
}

}  // namespace mito::coordinator
