#include "coordinator/object_records.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/core.h>

#include "base/logging.h"
#include "domain/rules.h"

namespace mito::coordinator {

namespace {

constexpr log::Source kLog{"netmito::coordinator"};

std::string name_of(const storage::ObjectKey& key) {
  return std::string(storage::to_string(key.bucket)) + "/" + key.key;
}

bool is_fresh(Timestamp updated_at, Timestamp now) {
  return now - updated_at < kUploadLife;
}

/// Takes `size` bytes off what the group uses, never below zero.
Result<void> unbook(storage::Writer& writer, GroupId id, std::int64_t size, Timestamp now, const char* missing) {
  MITO_TRY_ASSIGN(auto group, writer.group_by_id(id));
  if (!group) return fail(ErrorCode::kInvalidRequest, missing);
  group->storage_used = std::max<std::int64_t>(0, group->storage_used - std::max<std::int64_t>(0, size));
  group->updated_at = now;
  MITO_TRY_ASSIGN(const bool written, writer.update_group(*group));
  if (!written) return fail(ErrorCode::kInternal, {}, "a group changed within our own transaction");
  return {};
}

}  // namespace

storage::ObjectKey artifact_key(TaskUuid task, ArtifactContentType type) {
  return {.bucket = storage::Bucket::kArtifacts, .key = fmt::format("{}/{}", task.to_string(), file_name(type))};
}

storage::ObjectKey attachment_key(std::string_view group_name, std::string_view key) {
  return {.bucket = storage::Bucket::kAttachments, .key = fmt::format("{}/{}", group_name, key)};
}

void ObjectRemovals::begin(const storage::ObjectKey& key) {
  auto removals = removals_.lock();
  Removal& removal = (*removals)[name_of(key)];
  ++removal.under_way;
  removal.withdrawn = false;
}

void ObjectRemovals::end(const storage::ObjectKey& key) {
  std::vector<std::move_only_function<void()>> waiting;
  {
    auto removals = removals_.lock();
    const auto found = removals->find(name_of(key));
    if (found == removals->end() || --found->second.under_way != 0) return;
    waiting = std::move(found->second.waiting);
    removals->erase(found);
  }
  for (auto& done : waiting)
    done();
}

bool ObjectRemovals::contains(const storage::ObjectKey& key) const {
  return removals_.lock()->contains(name_of(key));
}

void ObjectRemovals::withdraw(const storage::ObjectKey& key) {
  auto removals = removals_.lock();
  if (removals->empty()) return;
  if (const auto found = removals->find(name_of(key)); found != removals->end()) found->second.withdrawn = true;
}

bool ObjectRemovals::is_withdrawn(const storage::ObjectKey& key) const {
  const auto removals = removals_.lock();
  const auto found = removals->find(name_of(key));
  return found != removals->end() && found->second.withdrawn;
}

void ObjectRemovals::when_over(const storage::ObjectKey& key, std::move_only_function<void()> done) {
  {
    auto removals = removals_.lock();
    if (const auto found = removals->find(name_of(key)); found != removals->end()) {
      found->second.waiting.push_back(std::move(done));
      return;
    }
  }
  done();
}

http::Awaitable<void> removal_over(Services& services, storage::ObjectKey key) {
  if (!services.removals.contains(key)) co_return;
  co_await await_callback<Result<void>>([&services, &key](std::move_only_function<void(Result<void>)> done) {
    services.removals.when_over(key, [done = std::move(done)]() mutable { done({}); });
  });
}

Result<std::string> upload_link(Services& services, const storage::ObjectKey& key, std::int64_t length,
                                std::string_view base) {
  return services.objects.upload_url(key, static_cast<std::uint64_t>(length), kUploadLife, base);
}

Result<std::string> download_link(Services& services, const storage::ObjectKey& key, std::int64_t size, LinkUse use,
                                  std::string_view base) {
  constexpr std::int64_t kHour = 3600;
  constexpr std::int64_t kDay = 86'400;
  const std::int64_t by_size = std::min(kDay, std::max(kHour, size / 1'000'000));
  const std::chrono::seconds life(use == LinkUse::kBatch ? kDay : by_size);
  return services.objects.download_url(key, life, base);
}

Result<storage::Group> active_group(storage::Queries& queries, GroupId id, const Error& missing) {
  MITO_TRY_ASSIGN(auto group, queries.group_by_id(id));
  if (!group) return fail(missing);
  if (group->state != GroupState::kActive) return fail(ErrorCode::kInvalidRequest, "Group is not active");
  return std::move(*group);
}

Result<std::int64_t> book(storage::Writer& writer, storage::Group group, std::optional<std::int64_t> old_size,
                          std::uint64_t length, Timestamp now) {
  const bool countable = length <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  // The original sees a length beyond that as negative: the quota allows it, unless the group is over it already.
  const auto change =
      book_upload(group.storage_used, group.storage_quota, old_size, countable ? static_cast<std::int64_t>(length) : 0);
  if (!change) return fail(ErrorCode::kQuotaExceeded);
  if (!countable)
    return fail(ErrorCode::kUploadRefused, fmt::format("Invalid content length {}", static_cast<std::int64_t>(length)));
  group.storage_used = change->used;
  group.updated_at = now;
  MITO_TRY_ASSIGN(const bool written, writer.update_group(group));
  if (!written) return fail(ErrorCode::kInternal, {}, "a group changed within our own transaction");
  return change->size;
}

Result<bool> remove_row(storage::Writer& writer, const storage::Attachment& row, Age age, Timestamp now) {
  if (age == Age::kRespected && is_fresh(row.updated_at, now)) return false;
  MITO_TRY(unbook(writer, row.group, row.size, now, "Group for the attachment not found"));
  MITO_TRY(writer.delete_attachment(row.group, row.key));
  return true;
}

Result<bool> remove_row(storage::Writer& writer, const storage::Artifact& row, GroupId group, Age age, Timestamp now) {
  if (age == Age::kRespected && is_fresh(row.updated_at, now)) return false;
  MITO_TRY(unbook(writer, group, row.size, now, "Group for the artifact not found"));
  MITO_TRY(writer.delete_artifact(row.task, row.content_type));
  return true;
}

std::size_t remove_now(Services& services, const std::vector<storage::ObjectKey>& keys) {
  const auto withdrawn = [&](const storage::ObjectKey& key) { return services.removals.is_withdrawn(key); };
  const auto leftovers = services.objects.remove_all(keys, withdrawn);
  services.object_counters.errors += leftovers.size();
  for (const auto& left : leftovers)
    kLog.warn("The bytes of {} could not be removed: {}", name_of(left.key), describe(left.error));
  for (const storage::ObjectKey& key : keys)
    services.removals.end(key);
  return keys.size() - leftovers.size();
}

http::Awaitable<void> remove_objects(Services& services, std::vector<storage::ObjectKey> keys) {
  if (keys.empty()) co_return;
  const Result<void> done =
      co_await run_on(services.disk_threads, ErrorCode::kUnavailable, [&](unsigned) -> Result<void> {
        remove_now(services, keys);
        return {};
      });
  if (done) co_return;
  kLog.warn("The bytes of {} removed objects are left over: {}", keys.size(), describe(done.error()));
  for (const storage::ObjectKey& key : keys)
    services.removals.end(key);
}

}  // namespace mito::coordinator
