#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "domain/ids.h"
#include "domain/rules.h"
#include "domain/states.h"

// What the database keeps (reference/server.md section 4.1), as values. Sets (tags, labels) are sorted and without
// duplicates. Every member has an initializer, so that a designated initializer may leave it out.
namespace mito::storage {

struct User {
  UserId id{};
  std::string username{};
  std::string encrypted_password{};              ///< PHC string, Argon2id.
  std::optional<std::int64_t> auth_signature{};  ///< Empty until the first login.
  bool admin = false;
  UserState state = UserState::kActive;
  std::int32_t group_quota = 8;
  std::int32_t group_count = 1;
  Timestamp created_at{};
  Timestamp updated_at{};
  std::optional<Timestamp> current_sign_in_at{};
  std::optional<Timestamp> last_sign_in_at{};
  std::optional<std::string> current_sign_in_ip{};
  std::optional<std::string> last_sign_in_ip{};
};

struct Group {
  GroupId id{};
  std::string name{};
  UserId creator{};
  Timestamp created_at{};
  Timestamp updated_at{};
  GroupState state = GroupState::kActive;
  std::int64_t task_count = 0;
  std::int64_t storage_quota = 16'000'000'000;
  std::int64_t storage_used = 0;
};

struct Membership {
  UserId user{};
  GroupId group{};
  Role role = Role::kRead;
};

struct Worker {
  WorkerId id{};
  WorkerUuid uuid{};
  UserId creator{};
  std::vector<std::string> tags{};
  std::vector<std::string> labels{};
  Timestamp created_at{};
  Timestamp updated_at{};
  WorkerState state = WorkerState::kNormal;
  Timestamp last_heartbeat{};
  std::optional<TaskId> assigned_task{};
  // What our workers add at registration (architecture section 9).
  /// Lost after this long without a heartbeat; else the coordinator's heartbeat_timeout.
  std::optional<std::chrono::milliseconds> lease{};
  std::vector<std::string> features{};
  std::string info{};  ///< JSON object (host name, name, kernel, cores, memory, version) or empty.
};

struct WorkerAccess {
  WorkerId worker{};
  GroupId group{};
  Role role = Role::kWrite;
};

struct Task {
  TaskId id{};
  TaskUuid uuid{};
  UserId creator{};
  GroupId group{};
  std::int64_t number = 0;  ///< `task_id` of the API: running number within the group.
  std::vector<std::string> tags{};
  std::vector<std::string> labels{};
  Timestamp created_at{};
  Timestamp updated_at{};
  TaskState state = TaskState::kReady;
  bool archived = false;
  std::optional<WorkerId> assigned_worker{};
  std::int64_t timeout_seconds = 0;
  std::int32_t priority = 0;
  std::string spec{};                   ///< JSON text of the TaskSpec, keys in alphabetical order.
  std::optional<std::string> result{};  ///< JSON text `{"exit_status":0,"msg":null}` once archived.
  std::optional<TaskUuid> upstream{};
  std::optional<TaskUuid> downstream{};
  std::optional<WorkerUuid> reporter{};
  std::int32_t losses = 0;     ///< How many workers were lost while they had it (architecture 4.1, attempts).
  bool watch_reached = false;  ///< Its watch was reached once; it is handed out with `watch: null`.
  std::string detail{};  ///< JSON object a worker of ours sent with the result, or empty. Only filled by task_by_uuid.
};

struct Attachment {
  GroupId group{};
  std::string key{};
  std::int64_t size = 0;
  Timestamp created_at{};
  Timestamp updated_at{};
};

struct Artifact {
  TaskUuid task{};
  ArtifactContentType content_type = ArtifactContentType::kResult;
  std::int64_t size = 0;
  Timestamp created_at{};
  Timestamp updated_at{};
};

/// Which tasks a query is about. Everything given must hold.
struct TaskFilter {
  GroupId group{};
  std::optional<std::vector<std::string>> creators{};  ///< Any of these user names.
  std::optional<std::vector<std::string>> tags{};      ///< All of these.
  std::optional<std::vector<std::string>> labels{};    ///< All of these.
  std::optional<std::vector<TaskState>> states{};      ///< Any of these.
  std::optional<NumberFilter> exit_status{};           ///< Compared as numbers; only archived tasks can match.
  std::optional<NumberFilter> priority{};
  std::optional<WorkerUuid> reporter{};  ///< Only archived tasks can match.
};

/// Part of an ordered list. Without a limit: to the end.
struct Page {
  std::optional<std::uint64_t> limit{};
  std::uint64_t offset = 0;
};

/// Which workers a query is about.
struct WorkerFilter {
  std::optional<GroupId> group{};                    ///< The group has a role on the worker …
  std::optional<std::vector<Role>> roles{};          ///< … and it is one of these.
  std::optional<std::vector<std::string>> tags{};    ///< All of these.
  std::optional<std::vector<std::string>> labels{};  ///< All of these.
  std::optional<std::string> creator{};
};

}  // namespace mito::storage
