#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database/database.h"
#include "storage/database/postgres/connection.h"

namespace mito::storage::postgres {

/// Answers the questions of Queries over a connection.
class Reading {
 public:
  explicit Reading(Asker& asker) : asker_(&asker) {}

  Result<std::optional<User>> user_by_name(std::string_view name);
  Result<std::optional<User>> user_by_id(UserId id);
  Result<std::vector<User>> users(std::string_view part, Page page);

  Result<std::optional<Group>> group_by_name(std::string_view name);
  Result<std::optional<Group>> group_by_id(GroupId id);
  Result<std::vector<Group>> groups(std::string_view part, Page page);
  Result<std::vector<Membership>> members_of(GroupId group);
  Result<std::vector<Membership>> memberships_of(UserId user);
  Result<std::int64_t> count_workers_of(GroupId group);

  Result<std::optional<Worker>> worker_by_uuid(WorkerUuid uuid);
  Result<std::optional<Worker>> worker_by_id(WorkerId id);
  Result<std::vector<WorkerAccess>> access_of(WorkerId worker);
  Result<std::vector<Worker>> workers(const WorkerFilter& filter, Page page);

  Result<std::optional<Task>> task_by_id(TaskId id);
  Result<std::optional<Task>> task_by_uuid(TaskUuid uuid);
  Result<std::vector<std::string>> details_of(std::span<const TaskId> tasks);
  Result<Queries::OldTasks> old_tasks(TaskId after, std::size_t count, Timestamp before);
  Result<std::vector<Task>> tasks_by_uuid(std::span<const TaskUuid> uuids);
  Result<std::vector<Task>> tasks(const TaskFilter& filter, Page page);
  Result<std::int64_t> count_tasks(const TaskFilter& filter);

  Result<std::optional<Artifact>> artifact(TaskUuid task, ArtifactContentType type);
  Result<std::vector<Artifact>> artifacts_of(TaskUuid task);
  Result<std::vector<Artifact>> artifacts_of(std::span<const TaskUuid> tasks, ArtifactContentType type);

  Result<std::optional<Attachment>> attachment(GroupId group, std::string_view key);
  Result<std::vector<Attachment>> attachments(GroupId group, std::string_view pattern, Page page);
  Result<std::int64_t> count_attachments(GroupId group, std::string_view pattern);
  Result<std::vector<Attachment>> attachments_by_key(GroupId group, std::span<const std::string> keys);

  Result<void> each_artifact(const std::function<void(Artifact&&)>& take);
  Result<void> each_attachment(const std::function<void(Attachment&&)>& take);

  Result<std::optional<std::string>> fact(std::string_view name);

  Result<void> each_user(const std::function<void(User&&)>& take);
  Result<void> each_group(const std::function<void(Group&&)>& take);
  Result<void> each_membership(const std::function<void(Membership&&)>& take);
  Result<void> each_worker(const std::function<void(Worker&&)>& take);
  Result<void> each_worker_access(const std::function<void(WorkerAccess&&)>& take);
  Result<void> each_active_task(const std::function<void(Queries::ActiveTask&&)>& take);

 private:
  Asker* asker_;
};

}  // namespace mito::storage::postgres
