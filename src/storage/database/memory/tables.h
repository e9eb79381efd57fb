#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "storage/database/memory/table.h"
#include "storage/database/rows.h"

namespace mito::storage::memory {

struct UserIndex {
  std::map<std::string, UserId, std::less<>> by_name;
  void add(UserId id, const User& user) { by_name.emplace(user.username, id); }
  void remove(UserId, const User& user) { by_name.erase(user.username); }
};

struct GroupIndex {
  std::map<std::string, GroupId, std::less<>> by_name;
  void add(GroupId id, const Group& group) { by_name.emplace(group.name, id); }
  void remove(GroupId, const Group& group) { by_name.erase(group.name); }
};

using MembershipKey = std::pair<GroupId, UserId>;
struct MembershipIndex {
  std::set<std::pair<UserId, GroupId>> by_user;
  void add(const MembershipKey& key, Role) { by_user.emplace(key.second, key.first); }
  void remove(const MembershipKey& key, Role) { by_user.erase({key.second, key.first}); }
};

struct WorkerIndex {
  std::unordered_map<WorkerUuid, WorkerId> by_uuid;
  void add(WorkerId id, const Worker& worker) { by_uuid.emplace(worker.uuid, id); }
  void remove(WorkerId, const Worker& worker) { by_uuid.erase(worker.uuid); }
};

using AccessKey = std::pair<WorkerId, GroupId>;
struct AccessIndex {
  std::set<std::pair<GroupId, WorkerId>> by_group;
  void add(const AccessKey& key, Role) { by_group.emplace(key.second, key.first); }
  void remove(const AccessKey& key, Role) { by_group.erase({key.second, key.first}); }
};

struct TaskIndex {
  /// Archived or not, number within the group.
  using Place = std::tuple<GroupId, bool, std::int64_t>;
  std::unordered_map<TaskUuid, TaskId> by_uuid;
  std::map<Place, TaskId> by_place;
  std::set<std::pair<WorkerId, TaskId>> assigned;  ///< Tasks that are not archived.

  void add(TaskId id, const Task& task);
  void remove(TaskId id, const Task& task);
};

using ArtifactKey = std::pair<TaskUuid, ArtifactContentType>;
using AttachmentKey = std::pair<GroupId, std::string>;

/// Everything the database keeps. Task::detail and Worker::assigned_task are not filled in the rows here: the one has a
/// table of its own, the other follows from the tasks.
struct Tables {
  Table<UserId, User, UserIndex> users;
  Table<GroupId, Group, GroupIndex> groups;
  Table<MembershipKey, Role, MembershipIndex> memberships;
  Table<WorkerId, Worker, WorkerIndex> workers;
  Table<AccessKey, Role, AccessIndex> access;
  Table<TaskId, Task, TaskIndex> tasks;
  Table<TaskId, std::string> details;
  Table<TaskId, bool> watched;  ///< Tasks whose spec has a watch.
  Table<ArtifactKey, Artifact> artifacts;
  Table<AttachmentKey, Attachment> attachments;
  Table<std::string, std::string> facts;

  using Mark = std::array<std::size_t, 11>;
  [[nodiscard]] Mark mark() const;
  void undo_to(const Mark& mark);
  void publish_to(Tables& other);
};

}  // namespace mito::storage::memory
