#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/database/database.h"
#include "storage/database/memory/tables.h"

namespace mito::storage::memory {

/// Answers the questions of Queries from tables, which nobody may change meanwhile.
class Reading {
 public:
  explicit Reading(const Tables& tables) : tables_(&tables) {}

  [[nodiscard]] Result<std::optional<User>> user_by_name(std::string_view name) const;
  [[nodiscard]] Result<std::optional<User>> user_by_id(UserId id) const;
  [[nodiscard]] Result<std::vector<User>> users(std::string_view part, Page page) const;

  [[nodiscard]] Result<std::optional<Group>> group_by_name(std::string_view name) const;
  [[nodiscard]] Result<std::optional<Group>> group_by_id(GroupId id) const;
  [[nodiscard]] Result<std::vector<Group>> groups(std::string_view part, Page page) const;
  [[nodiscard]] Result<std::vector<Membership>> members_of(GroupId group) const;
  [[nodiscard]] Result<std::vector<Membership>> memberships_of(UserId user) const;
  [[nodiscard]] Result<std::int64_t> count_workers_of(GroupId group) const;

  [[nodiscard]] Result<std::optional<Worker>> worker_by_uuid(WorkerUuid uuid) const;
  [[nodiscard]] Result<std::optional<Worker>> worker_by_id(WorkerId id) const;
  [[nodiscard]] Result<std::vector<WorkerAccess>> access_of(WorkerId worker) const;
  [[nodiscard]] Result<std::vector<Worker>> workers(const WorkerFilter& filter, Page page) const;

  [[nodiscard]] Result<std::optional<Task>> task_by_id(TaskId id) const;
  [[nodiscard]] Result<std::optional<Task>> task_by_uuid(TaskUuid uuid) const;
  [[nodiscard]] Result<std::vector<std::string>> details_of(std::span<const TaskId> tasks) const;
  [[nodiscard]] Result<Queries::OldTasks> old_tasks(TaskId after, std::size_t count, Timestamp before) const;
  [[nodiscard]] Result<std::vector<Task>> tasks_by_uuid(std::span<const TaskUuid> uuids) const;
  [[nodiscard]] Result<std::vector<Task>> tasks(const TaskFilter& filter, Page page) const;
  [[nodiscard]] Result<std::int64_t> count_tasks(const TaskFilter& filter) const;

  [[nodiscard]] Result<std::optional<Artifact>> artifact(TaskUuid task, ArtifactContentType type) const;
  [[nodiscard]] Result<std::vector<Artifact>> artifacts_of(TaskUuid task) const;
  [[nodiscard]] Result<std::vector<Artifact>> artifacts_of(std::span<const TaskUuid> tasks,
                                                           ArtifactContentType type) const;

  [[nodiscard]] Result<std::optional<Attachment>> attachment(GroupId group, std::string_view key) const;
  [[nodiscard]] Result<std::vector<Attachment>> attachments(GroupId group, std::string_view pattern, Page page) const;
  [[nodiscard]] Result<std::int64_t> count_attachments(GroupId group, std::string_view pattern) const;
  [[nodiscard]] Result<std::vector<Attachment>> attachments_by_key(GroupId group,
                                                                   std::span<const std::string> keys) const;

  [[nodiscard]] Result<void> each_artifact(const std::function<void(Artifact&&)>& take) const;
  [[nodiscard]] Result<void> each_attachment(const std::function<void(Attachment&&)>& take) const;

  [[nodiscard]] Result<std::optional<std::string>> fact(std::string_view name) const;

  [[nodiscard]] Result<void> each_user(const std::function<void(User&&)>& take) const;
  [[nodiscard]] Result<void> each_group(const std::function<void(Group&&)>& take) const;
  [[nodiscard]] Result<void> each_membership(const std::function<void(Membership&&)>& take) const;
  [[nodiscard]] Result<void> each_worker(const std::function<void(Worker&&)>& take) const;
  [[nodiscard]] Result<void> each_worker_access(const std::function<void(WorkerAccess&&)>& take) const;
  [[nodiscard]] Result<void> each_active_task(const std::function<void(Queries::ActiveTask&&)>& take) const;

 private:
  [[nodiscard]] Worker complete(const Worker& row) const;
  [[nodiscard]] bool matches(const Worker& worker, const WorkerFilter& filter) const;

  const Tables* tables_;
};

/// Adds rows of a list that are on the page.
template <class Row>
class PageOf {
 public:
  explicit PageOf(Page page) : skip_(page.offset), limit_(page.limit) {}
  /// False: the page is full.
  bool add(const Row& row) {
    if (limit_ && rows_.size() >= *limit_) return false;
    if (skip_ > 0)
      --skip_;
    else
      rows_.push_back(row);
    return true;
  }
  std::vector<Row> take() { return std::move(rows_); }

 private:
  std::uint64_t skip_;
  std::optional<std::uint64_t> limit_;
  std::vector<Row> rows_;
};

/// Whether the sorted list `all` contains each of `wanted`.
bool contains_all(const std::vector<std::string>& all, const std::vector<std::string>& wanted);

}  // namespace mito::storage::memory
