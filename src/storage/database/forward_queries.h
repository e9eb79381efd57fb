#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database/database.h"

namespace mito::storage {

/// Implements the Queries part of `Base` (Queries or Writer) by what `Derived::questions()` points to: a class with
/// functions of the same names. So a back end writes its questions once, for its reader and for its writer.
template <class Base, class Derived>
class ForwardQueries : public Base {
 public:
  Result<std::optional<User>> user_by_name(std::string_view name) final { return ask()->user_by_name(name); }
  Result<std::optional<User>> user_by_id(UserId id) final { return ask()->user_by_id(id); }
  Result<std::vector<User>> users(std::string_view part, Page page) final { return ask()->users(part, page); }

  Result<std::optional<Group>> group_by_name(std::string_view name) final { return ask()->group_by_name(name); }
  Result<std::optional<Group>> group_by_id(GroupId id) final { return ask()->group_by_id(id); }
  Result<std::vector<Group>> groups(std::string_view part, Page page) final { return ask()->groups(part, page); }
  Result<std::vector<Membership>> members_of(GroupId group) final { return ask()->members_of(group); }
  Result<std::vector<Membership>> memberships_of(UserId user) final { return ask()->memberships_of(user); }
  Result<std::int64_t> count_workers_of(GroupId group) final { return ask()->count_workers_of(group); }

  Result<std::optional<Worker>> worker_by_uuid(WorkerUuid uuid) final { return ask()->worker_by_uuid(uuid); }
  Result<std::optional<Worker>> worker_by_id(WorkerId id) final { return ask()->worker_by_id(id); }
  Result<std::vector<WorkerAccess>> access_of(WorkerId worker) final { return ask()->access_of(worker); }
  Result<std::vector<Worker>> workers(const WorkerFilter& filter, Page page) final {
    return ask()->workers(filter, page);
  }

  Result<std::optional<Task>> task_by_id(TaskId id) final { return ask()->task_by_id(id); }
  Result<std::optional<Task>> task_by_uuid(TaskUuid uuid) final { return ask()->task_by_uuid(uuid); }
  Result<std::vector<Task>> tasks_by_uuid(std::span<const TaskUuid> uuids) final { return ask()->tasks_by_uuid(uuids); }
  Result<std::vector<Task>> tasks(const TaskFilter& filter, Page page) final { return ask()->tasks(filter, page); }
  Result<std::int64_t> count_tasks(const TaskFilter& filter) final { return ask()->count_tasks(filter); }

  Result<std::optional<Artifact>> artifact(TaskUuid task, ArtifactContentType type) final {
    return ask()->artifact(task, type);
  }
  Result<std::vector<Artifact>> artifacts_of(TaskUuid task) final { return ask()->artifacts_of(task); }
  Result<std::vector<Artifact>> artifacts_of(std::span<const TaskUuid> tasks, ArtifactContentType type) final {
    return ask()->artifacts_of(tasks, type);
  }

  Result<std::optional<Attachment>> attachment(GroupId group, std::string_view key) final {
    return ask()->attachment(group, key);
  }
  Result<std::vector<Attachment>> attachments(GroupId group, std::string_view pattern, Page page) final {
    return ask()->attachments(group, pattern, page);
  }
  Result<std::int64_t> count_attachments(GroupId group, std::string_view pattern) final {
    return ask()->count_attachments(group, pattern);
  }
  Result<std::vector<Attachment>> attachments_by_key(GroupId group, std::span<const std::string> keys) final {
    return ask()->attachments_by_key(group, keys);
  }

  Result<std::vector<std::string>> details_of(std::span<const TaskId> tasks) final { return ask()->details_of(tasks); }
  Result<Queries::OldTasks> old_tasks(TaskId after, std::size_t count, Timestamp before) final {
    return ask()->old_tasks(after, count, before);
  }
  Result<void> each_artifact(const std::function<void(Artifact&&)>& take) final { return ask()->each_artifact(take); }
  Result<void> each_attachment(const std::function<void(Attachment&&)>& take) final {
    return ask()->each_attachment(take);
  }

  Result<std::optional<std::string>> fact(std::string_view name) final { return ask()->fact(name); }

  Result<void> each_user(const std::function<void(User&&)>& take) final { return ask()->each_user(take); }
  Result<void> each_group(const std::function<void(Group&&)>& take) final { return ask()->each_group(take); }
  Result<void> each_membership(const std::function<void(Membership&&)>& take) final {
    return ask()->each_membership(take);
  }
  Result<void> each_worker(const std::function<void(Worker&&)>& take) final { return ask()->each_worker(take); }
  Result<void> each_worker_access(const std::function<void(WorkerAccess&&)>& take) final {
    return ask()->each_worker_access(take);
  }
  Result<void> each_active_task(const std::function<void(Queries::ActiveTask&&)>& take) final {
    return ask()->each_active_task(take);
  }

 private:
  friend Derived;
  ForwardQueries() = default;
  auto ask() { return static_cast<Derived*>(this)->questions(); }
};

}  // namespace mito::storage
