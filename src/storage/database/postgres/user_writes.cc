#include "storage/database/postgres/rows.h"
#include "storage/database/postgres/writer.h"

namespace mito::storage::postgres {

Result<bool> PostgresWriter::name_taken(std::string_view name) {
  static constexpr const char* kSql =
      "SELECT (SELECT count(*) FROM users WHERE username = $1) + (SELECT count(*) FROM groups WHERE group_name = $1)";
  MITO_TRY_ASSIGN(const std::int64_t found, number(connection_->ask(kSql, Params::of(name))));
  return found != 0;
}

Result<GroupId> PostgresWriter::add_group(std::string_view name, UserId creator, Timestamp now) {
  static constexpr const char* kSql =
      "INSERT INTO groups (group_name, creator_id, created_at, updated_at) VALUES ($1, $2, $3, $3) RETURNING id";
  MITO_TRY_ASSIGN(const std::int64_t id, number(connection_->ask(kSql, Params::of(name, creator, now))));
  const Membership membership{.user = creator, .group = GroupId{id}, .role = Role::kAdmin};
  MITO_TRY(upsert_memberships({&membership, 1}));
  return GroupId{id};
}

Result<std::pair<UserId, GroupId>> PostgresWriter::insert_user(const NewUser& user) {
  MITO_TRY(check_writable());
  MITO_TRY_ASSIGN(const bool taken, name_taken(user.username));
  if (taken) return fail(ErrorCode::kNameTaken);
  static constexpr const char* kSql =
      "INSERT INTO users (username, encrypted_password, admin, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)"
      " RETURNING id";
  MITO_TRY_ASSIGN(
      const std::int64_t id,
      number(connection_->ask(kSql, Params::of(user.username, user.encrypted_password, user.admin, user.now))));
  MITO_TRY_ASSIGN(const GroupId group, add_group(user.username, UserId{id}, user.now));
  return std::pair(UserId{id}, group);
}

Result<void> PostgresWriter::update_user(const User& user) {
  static constexpr const char* kSql =
      "UPDATE users SET encrypted_password = $2, auth_signature = $3, admin = $4, state = $5, group_quota = $6,"
      " group_count = $7, updated_at = $8, current_sign_in_at = $9, last_sign_in_at = $10, current_sign_in_ip = $11,"
      " last_sign_in_ip = $12 WHERE id = $1";
  return write(kSql, Params::of(user.id, user.encrypted_password, user.auth_signature, user.admin, user.state,
                                user.group_quota, user.group_count, user.updated_at, user.current_sign_in_at,
                                user.last_sign_in_at, user.current_sign_in_ip, user.last_sign_in_ip));
}

Result<GroupId> PostgresWriter::insert_group(std::string_view name, UserId creator, Timestamp now) {
  MITO_TRY(check_writable());
  MITO_TRY_ASSIGN(const bool taken, name_taken(name));
  if (taken) return fail(ErrorCode::kNameTaken);
  return add_group(name, creator, now);
}

Result<bool> PostgresWriter::update_group(const Group& group) {
  MITO_TRY(check_writable());
  static constexpr const char* kSql =
      "UPDATE groups SET state = $2, storage_quota = $3, storage_used = $4, updated_at = $5"
      " WHERE id = $1 AND task_count = $6";
  MITO_TRY_ASSIGN(const Rows rows,
                  connection_->ask(kSql, Params::of(group.id, group.state, group.storage_quota, group.storage_used,
                                                    group.updated_at, group.task_count)));
  return rows.changed() == 1;
}

Result<void> PostgresWriter::upsert_memberships(std::span<const Membership> memberships) {
  // One each: a statement cannot change a row twice, and there are few.
  static constexpr const char* kSql =
      "INSERT INTO user_group (user_id, group_id, role) VALUES ($1, $2, $3)"
      " ON CONFLICT (user_id, group_id) DO UPDATE SET role = excluded.role";
  Flight flight;
  for (const Membership& row : memberships)
    flight.add(kSql, Params::of(row.user, row.group, row.role));
  return write_all(flight);
}

Result<void> PostgresWriter::delete_memberships(GroupId group, std::span<const UserId> users) {
  Params params;
  params.add(group).add_column(users, [](UserId user) { return user; });
  return write("DELETE FROM user_group WHERE group_id = $1 AND user_id = ANY($2)", std::move(params));
}

}  // namespace mito::storage::postgres
