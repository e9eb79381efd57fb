#include "coordinator/housekeeping.h"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <string>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "coordinator/object_records.h"

namespace mito::coordinator {

namespace {

constexpr log::Source kLog{"netmito::coordinator"};

/// Tasks that are looked at in one query, and that are removed in one transaction.
constexpr std::size_t kLookedAt = 2'000;
constexpr std::size_t kRemovedTogether = 100;

}  // namespace

Housekeeping::Housekeeping(Services& services, std::unique_ptr<storage::Queries> reader)
    : services_(services), reader_(std::move(reader)) {
  if (services_.remote_objects != nullptr) bucket_sweep_.emplace(services_, *services_.remote_objects, *reader_);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  pthread_setname_np(thread_.native_handle(), "housekeeping");
}

Housekeeping::~Housekeeping() = default;

void Housekeeping::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  while (true) {
    {
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, services_.settings.sweep_interval, [] { return false; });
    }
    if (stop.stop_requested()) return;
    if (const auto done = remove_old_tasks(stop); !done)
      kLog.warn("Old tasks could not be removed, it is tried again later: {}", describe(done.error()));
    if (const auto done = remove_orphans(stop); !done)
      kLog.warn("Objects without a row could not be removed, it is tried again later: {}", describe(done.error()));
  }
}

Result<void> Housekeeping::remove_old_tasks(const std::stop_token& stop) {
  const auto retention = services_.settings.retention;
  if (retention.count() == 0) return {};
  const Timestamp before = services_.clock.now() - retention;
  std::optional<TaskId> last = TaskId{0};
  while (last && !stop.stop_requested()) {
    MITO_TRY_ASSIGN(auto old, reader_->old_tasks(*last, kLookedAt, before));
    last = old.last;
    for (std::size_t first = 0; first < old.tasks.size() && !stop.stop_requested(); first += kRemovedTogether) {
      const auto begin = old.tasks.begin() + static_cast<std::ptrdiff_t>(first);
      const auto count = std::min(kRemovedTogether, old.tasks.size() - first);
      MITO_TRY(remove_tasks({begin, begin + static_cast<std::ptrdiff_t>(count)}));
    }
  }
  return {};
}

// The rows first, in one transaction with the accounting. Bytes that are left behind by a crash are orphans.
Result<void> Housekeeping::remove_tasks(std::vector<storage::Queries::OldTask> tasks) {
  struct Outcome {
    std::vector<storage::ObjectKey> objects;
    std::promise<Result<void>> done;
  };
  auto outcome = std::make_shared<Outcome>();
  std::vector<TaskId> ids;
  for (const auto& task : tasks)
    ids.push_back(task.id);
  services_.core.write(
      [this, outcome, ids, tasks](storage::Writer& writer) -> Result<core::AfterCommit> {
        outcome->objects.clear();  // It may be the second time.
        for (const auto& task : tasks) {
          MITO_TRY_ASSIGN(const auto artifacts, writer.artifacts_of(task.uuid));
          for (const storage::Artifact& artifact : artifacts) {
            MITO_TRY(remove_row(writer, artifact, task.group, Age::kIgnored, services_.clock.now()));
            outcome->objects.push_back(artifact_key(task.uuid, artifact.content_type));
          }
        }
        MITO_TRY(writer.delete_tasks(ids));
        return [this, outcome] {
          for (const storage::ObjectKey& key : outcome->objects)
            services_.removals.begin(key);
        };
      },
      [outcome](Result<void> written) { outcome->done.set_value(std::move(written)); });
  MITO_TRY(outcome->done.get_future().get());
  remove_now(services_, outcome->objects);
  services_.housekeeping.tasks_removed += ids.size();
  return {};
}

Result<void> Housekeeping::remove_orphans(const std::stop_token& stop) {
  if (stop.stop_requested()) return {};
  if (bucket_sweep_) return bucket_sweep_->round(stop);
  if (services_.local_objects == nullptr) return {};
  MITO_TRY_ASSIGN(const std::uint64_t removed, sweep_local(*services_.local_objects, stop));
  if (removed != 0) kLog.info("{} objects that belonged to nothing were removed", removed);
  services_.housekeeping.orphans_removed += removed;
  return {};
}

Result<std::uint64_t> Housekeeping::sweep_local(storage::LocalObjectStore& store, const std::stop_token& stop) {
  // Before the rows are read: what is written from now on is younger.
  const Timestamp before = services_.clock.now() - services_.settings.orphan_age;
  std::vector<std::uint64_t> known;
  MITO_TRY(reader_->each_artifact(
      [&](storage::Artifact&& row) { known.push_back(store.fingerprint(artifact_key(row.task, row.content_type))); }));
  MITO_TRY(reader_->each_attachment([&](storage::Attachment&& row) {
    if (const auto group = services_.directory.group_name(row.group))
      known.push_back(store.fingerprint(attachment_key(*group, row.key)));
  }));
  std::ranges::sort(known);
  return store.sweep(known, before, stop);
}

}  // namespace mito::coordinator
