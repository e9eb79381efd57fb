#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/values.h"

// Logging in, users and their administration.
namespace mito::protocol {

/// GET /health
struct HealthResp {
  std::string status;
};

/// POST /login
struct UserLoginReq {
  std::string username;
  PasswordDigest md5_password{};
  bool retain = false;  ///< Keep the user's other sessions.
};
/// Answer of POST /login and POST /users/{username}/password.
struct TokenResp {
  std::string token;
};

/// GET /redis
struct RedisConnectionInfo {
  std::optional<std::string> url;
};

/// POST /users/{username}/password
struct UserChangePasswordReq {
  PasswordDigest old_md5_password{};
  PasswordDigest new_md5_password{};
};

/// GET /users/groups
struct GroupsQueryResp {
  Roles groups;
};

/// POST /admin/users
struct CreateUserReq {
  std::string username;
  PasswordDigest md5_password{};
  bool admin = false;
};

/// POST /admin/users/{username}/state
struct ChangeUserStateReq {
  UserState state = UserState::kActive;
};
/// Its answer, and that of DELETE /admin/users/{username}.
struct UserStateResp {
  UserState state = UserState::kActive;
};

/// POST /admin/users/{username}/password
struct AdminChangePasswordReq {
  PasswordDigest new_md5_password{};
};

/// POST /admin/users/{username}/group-quota; `+5`, `-1`, `=3`, `3`.
struct ChangeUserGroupQuotaReq {
  std::string group_quota;
};
struct UserGroupQuotaResp {
  std::int32_t group_quota = 0;
};

/// POST /admin/groups/{group_name}/storage-quota; `+1GB`, `5GiB`.
struct ChangeGroupStorageQuotaReq {
  std::string storage_quota;
};
struct GroupStorageQuotaResp {
  std::int64_t storage_quota = 0;
};

/// POST /admin/shutdown
struct ShutdownReq {
  std::string secret;
};

/// POST /admin/groups/{group_name}/state (ours). Answered alike.
struct ChangeGroupStateReq {
  GroupState state = GroupState::kActive;
};
struct GroupStateResp {
  GroupState state = GroupState::kActive;
};

/// POST /admin/query/users (ours)
struct AdminUsersQueryReq {
  std::optional<std::string> username;           ///< Part of the name.
  std::optional<std::vector<UserState>> states;  ///< Set.
  std::optional<bool> admin;
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> offset;
  bool count = false;  ///< Only count.
};
struct UserQueryInfo {
  std::string username;
  bool admin = false;
  UserState state = UserState::kActive;
  std::int32_t group_quota = 0;
  std::int32_t group_count = 0;
  Timestamp created_at;
  Timestamp updated_at;
  std::optional<Timestamp> current_sign_in_at;
  std::optional<std::string> current_sign_in_ip;
  std::optional<Timestamp> last_sign_in_at;
  std::optional<std::string> last_sign_in_ip;
};
struct AdminUsersQueryResp {
  std::uint64_t count = 0;
  std::vector<UserQueryInfo> users;
};

/// POST /admin/query/groups (ours)
struct AdminGroupsQueryReq {
  std::optional<std::string> group_name;  ///< Part of the name.
  std::optional<std::string> creator_username;
  std::optional<std::vector<GroupState>> states;  ///< Set.
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> offset;
  bool count = false;
};

}  // namespace mito::protocol
