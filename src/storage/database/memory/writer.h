#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "storage/database/database.h"
#include "storage/database/forward_queries.h"
#include "storage/database/memory/reading.h"
#include "storage/database/memory/tables.h"

namespace mito::storage::memory {

class MemoryWriter;

/// What all sessions of one database share.
struct Store {
  /// What readers see.
  Sync<Tables, std::shared_mutex> committed;

  /// Who writes.
  struct Turn {
    std::uint64_t epoch = 0;
    std::uint64_t batch = 0;  ///< Of the last committed transaction.
    const MemoryWriter* in_transaction = nullptr;
    TaskId next_task{1};
  };
  Sync<Turn> turn;

  // Only for the writer whose turn it is, inside its transaction.
  Tables working;
  std::int64_t last_user = 0;
  std::int64_t last_group = 0;
  std::int64_t last_worker = 0;
};

/// Tables that stay as they are while this lives, and their reader.
class ReadingHandle {
 public:
  /// Committed tables, locked.
  explicit ReadingHandle(const Store& store) : lock_(store.committed.shared()), reading_(**lock_) {}
  /// The writer's own tables.
  explicit ReadingHandle(const Tables& working) : reading_(working) {}
  const Reading* operator->() const { return &reading_; }

 private:
  using Lock = decltype(std::declval<const Sync<Tables, std::shared_mutex>&>().shared());
  std::optional<Lock> lock_;
  Reading reading_;
};

class MemoryReader final : public ForwardQueries<Queries, MemoryReader> {
 public:
  explicit MemoryReader(std::shared_ptr<const Store> store) : store_(std::move(store)) {}
  ReadingHandle questions() const { return ReadingHandle(*store_); }

 private:
  std::shared_ptr<const Store> store_;
};

/// Writes to the working tables, which become visible to readers when a transaction commits.
class MemoryWriter final : public ForwardQueries<Writer, MemoryWriter> {
 public:
  MemoryWriter(std::shared_ptr<Store> store, std::uint64_t epoch, std::uint64_t batch);
  ~MemoryWriter() override;
  MemoryWriter(const MemoryWriter&) = delete;
  MemoryWriter& operator=(const MemoryWriter&) = delete;

  ReadingHandle questions() const { return open_ ? ReadingHandle(store_->working) : ReadingHandle(*store_); }

  Result<void> begin() override;
  Result<void> commit() override;
  void rollback() override;
  Result<void> savepoint() override;
  Result<void> release_savepoint() override;
  Result<void> rollback_to_savepoint() override;
  [[nodiscard]] std::uint64_t batch() const override { return batch_; }
  Result<std::uint64_t> recover() override;
  Result<TaskId> reserve_task_ids(std::size_t count) override;

  Result<std::pair<UserId, GroupId>> insert_user(const NewUser& user) override;
  Result<void> update_user(const User& user) override;
  Result<GroupId> insert_group(std::string_view name, UserId creator, Timestamp now) override;
  Result<bool> update_group(const Group& group) override;
  Result<void> upsert_memberships(std::span<const Membership> memberships) override;
  Result<void> delete_memberships(GroupId group, std::span<const UserId> users) override;

  Result<WorkerId> insert_worker(const NewWorker& worker) override;
  Result<void> update_worker(const Worker& worker) override;
  Result<void> upsert_access(std::span<const WorkerAccess> access) override;
  Result<void> delete_access(WorkerId worker, std::span<const GroupId> groups) override;
  Result<void> delete_workers(std::span<const WorkerId> workers) override;
  Result<void> write_heartbeats(std::span<const std::pair<WorkerId, Timestamp>> heartbeats) override;

  Result<std::vector<Group>> read_groups(std::span<const GroupId> ids) override;
  Result<std::vector<bool>> update_task_counts(std::span<const GroupCounters> counters) override;
  Result<void> insert_tasks(std::span<const NewTask> tasks) override;
  Result<std::vector<std::optional<ClaimedTask>>> claim_tasks(std::span<const Claim> claims) override;
  Result<std::vector<bool>> report_states(std::span<const StateReport> reports) override;
  Result<std::vector<bool>> archive_tasks(std::span<const Archive> archives) override;
  Result<std::vector<bool>> release_tasks(std::span<const Release> releases) override;
  Result<std::vector<bool>> promote_tasks(std::span<const TaskUuid> tasks, Timestamp now) override;
  Result<std::vector<bool>> change_tasks(std::span<const TaskChange> changes) override;
  Result<void> set_labels(TaskId task, const std::vector<std::string>& labels, Timestamp now) override;
  Result<void> set_downstream(TaskId task, TaskUuid downstream) override;
  Result<void> touch_task(TaskId task, Timestamp now) override;
  Result<void> set_watch_reached(std::span<const TaskId> tasks) override;
  Result<void> delete_tasks(std::span<const TaskId> tasks) override;

  Result<void> upsert_artifact(const Artifact& artifact) override;
  Result<void> delete_artifact(TaskUuid task, ArtifactContentType type) override;
  Result<void> upsert_attachment(const Attachment& attachment) override;
  Result<void> delete_attachment(GroupId group, std::string_view key) override;
  Result<void> set_fact(std::string_view name, std::string_view value) override;

 private:
  Tables& tables() { return store_->working; }
  /// Fails unless a transaction is open and nothing in it has failed.
  Result<void> check_writable() const;
  /// The transaction can only be rolled back from now on.
  std::unexpected<Error> broken(std::string reason);
  bool name_taken(std::string_view name) const;
  GroupId add_group(std::string_view name, UserId creator, Timestamp now);
  Result<void> insert_task(const NewTask& task);
  bool archive(const Archive& archive);
  bool release(const Release& release);
  void erase_task(TaskId id);

  std::shared_ptr<Store> store_;
  std::uint64_t epoch_;
  std::uint64_t committed_;  ///< Number of our last transaction that is known to be committed.
  std::uint64_t batch_;
  bool open_ = false;
  bool broken_ = false;
  std::optional<Tables::Mark> savepoint_;
};

}  // namespace mito::storage::memory
