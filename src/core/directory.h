#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "domain/ids.h"
#include "domain/states.h"
#include "storage/database/rows.h"

namespace mito::core {

/// Users, groups, memberships and workers in memory, for authorization: what every request asks and no request may wait
/// for.
///
/// Read from any thread. Changed only on the core thread, after the transaction with the change has committed and
/// before the change is answered: so it is exact for everything done through this coordinator. Group counters, states
/// of groups and ages are not here; they are read in the transaction that uses them.
class Directory {
 public:
  struct UserEntry {
    UserId id;
    std::string username;
    std::string encrypted_password;
    std::optional<std::int64_t> auth_signature;
    bool admin = false;
    UserState state = UserState::kActive;
  };
  struct WorkerEntry {
    WorkerId id;
    WorkerUuid uuid;
    UserId creator;
    std::vector<std::string> features;
    std::vector<std::pair<GroupId, Role>> access;
    std::string info{};  ///< What it told about itself: a JSON object or empty.
  };

  [[nodiscard]] std::optional<UserEntry> user(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> user_name(UserId id) const;
  /// Nothing: no such user.
  [[nodiscard]] std::optional<UserState> user_state(UserId id) const;
  [[nodiscard]] std::optional<GroupId> group(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> group_name(GroupId id) const;
  /// The user's role in the group; nothing: not a member.
  [[nodiscard]] std::optional<Role> role(UserId user, GroupId group) const;
  /// (group, role), by group id.
  [[nodiscard]] std::vector<std::pair<GroupId, Role>> memberships(UserId user) const;
  [[nodiscard]] std::optional<WorkerEntry> worker(WorkerUuid uuid) const;
  [[nodiscard]] std::optional<WorkerEntry> worker(WorkerId id) const;

  // Core thread only.
  void put_user(const storage::User& user);
  void put_group(GroupId id, std::string name);
  void put_membership(const storage::Membership& membership);
  void remove_membership(UserId user, GroupId group);
  void put_worker(WorkerEntry worker);
  void remove_worker(WorkerId id);
  void put_access(const storage::WorkerAccess& access);
  void remove_access(WorkerId worker, GroupId group);
  /// Forgets everything, before it is read anew.
  void clear();
  /// Takes over what `other` holds, in one step.
  void replace_with(Directory& other);

 private:
  struct State {
    std::unordered_map<std::string, UserId> user_names;
    std::unordered_map<UserId, UserEntry> users;
    std::unordered_map<std::string, GroupId> group_names;
    std::unordered_map<GroupId, std::string> groups;
    std::unordered_map<UserId, std::vector<std::pair<GroupId, Role>>> memberships;
    std::unordered_map<WorkerUuid, WorkerId> worker_uuids;
    std::unordered_map<WorkerId, WorkerEntry> workers;
  };
  Sync<State, std::shared_mutex> state_;
};

}  // namespace mito::core
