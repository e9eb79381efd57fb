#include "core/directory.h"

#include <algorithm>
#include <utility>

namespace mito::core {
namespace {

template <class Map, class Key>
auto lookup(const Map& map, const Key& key) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

using Roles = std::vector<std::pair<GroupId, Role>>;

Roles::iterator place_of(Roles& roles, GroupId group) {
  return std::ranges::lower_bound(roles, group, {}, [](const auto& entry) { return entry.first; });
}

void put_role(Roles& roles, GroupId group, Role role) {
  const auto place = place_of(roles, group);
  if (place != roles.end() && place->first == group)
    place->second = role;
  else
    roles.insert(place, {group, role});
}

void remove_role(Roles& roles, GroupId group) {
  const auto place = place_of(roles, group);
  if (place != roles.end() && place->first == group) roles.erase(place);
}

}  // namespace

std::optional<Directory::UserEntry> Directory::user(std::string_view name) const {
  const auto state = state_.shared();
  const auto id = lookup(state->user_names, std::string(name));
  return id ? lookup(state->users, *id) : std::nullopt;
}

std::optional<std::string> Directory::user_name(UserId id) const {
  const auto state = state_.shared();
  const auto found = state->users.find(id);
  if (found == state->users.end()) return std::nullopt;
  return found->second.username;
}

std::optional<UserState> Directory::user_state(UserId id) const {
  const auto state = state_.shared();
  const auto found = state->users.find(id);
  if (found == state->users.end()) return std::nullopt;
  return found->second.state;
}

std::optional<GroupId> Directory::group(std::string_view name) const {
  return lookup(state_.shared()->group_names, std::string(name));
}

std::optional<std::string> Directory::group_name(GroupId id) const {
  return lookup(state_.shared()->groups, id);
}

std::optional<Role> Directory::role(UserId user, GroupId group) const {
  const auto state = state_.shared();
  const auto found = state->memberships.find(user);
  if (found == state->memberships.end()) return std::nullopt;
  const auto& roles = found->second;
  const auto place = std::ranges::lower_bound(roles, group, {}, [](const auto& entry) { return entry.first; });
  if (place == roles.end() || place->first != group) return std::nullopt;
  return place->second;
}

std::vector<std::pair<GroupId, Role>> Directory::memberships(UserId user) const {
  return lookup(state_.shared()->memberships, user).value_or(Roles{});
}

std::optional<Directory::WorkerEntry> Directory::worker(WorkerUuid uuid) const {
  const auto state = state_.shared();
  const auto id = lookup(state->worker_uuids, uuid);
  return id ? lookup(state->workers, *id) : std::nullopt;
}

std::optional<Directory::WorkerEntry> Directory::worker(WorkerId id) const {
  return lookup(state_.shared()->workers, id);
}

void Directory::put_user(const storage::User& user) {
  const auto state = state_.lock();
  state->user_names.insert_or_assign(user.username, user.id);
  state->users.insert_or_assign(user.id, UserEntry{.id = user.id,
                                                   .username = user.username,
                                                   .encrypted_password = user.encrypted_password,
                                                   .auth_signature = user.auth_signature,
                                                   .admin = user.admin,
                                                   .state = user.state});
}

void Directory::put_group(GroupId id, std::string name) {
  const auto state = state_.lock();
  state->group_names.insert_or_assign(name, id);
  state->groups.insert_or_assign(id, std::move(name));
}

void Directory::put_membership(const storage::Membership& membership) {
  put_role(state_.lock()->memberships[membership.user], membership.group, membership.role);
}

void Directory::remove_membership(UserId user, GroupId group) {
  const auto state = state_.lock();
  const auto found = state->memberships.find(user);
  if (found == state->memberships.end()) return;
  remove_role(found->second, group);
  if (found->second.empty()) state->memberships.erase(found);
}

void Directory::put_worker(WorkerEntry worker) {
  std::ranges::sort(worker.access, {}, [](const auto& entry) { return entry.first; });
  const auto state = state_.lock();
  state->worker_uuids.insert_or_assign(worker.uuid, worker.id);
  const WorkerId id = worker.id;
  state->workers.insert_or_assign(id, std::move(worker));
}

void Directory::remove_worker(WorkerId id) {
  const auto state = state_.lock();
  const auto found = state->workers.find(id);
  if (found == state->workers.end()) return;
  state->worker_uuids.erase(found->second.uuid);
  state->workers.erase(found);
}

void Directory::put_access(const storage::WorkerAccess& access) {
  const auto state = state_.lock();
  const auto found = state->workers.find(access.worker);
  if (found != state->workers.end()) put_role(found->second.access, access.group, access.role);
}

void Directory::remove_access(WorkerId worker, GroupId group) {
  const auto state = state_.lock();
  const auto found = state->workers.find(worker);
  if (found != state->workers.end()) remove_role(found->second.access, group);
}

void Directory::replace_with(Directory& other) {
  State fresh = std::move(*other.state_.lock());
  *state_.lock() = std::move(fresh);
}

void Directory::clear() {
  *state_.lock() = State{};
}

}  // namespace mito::core
