#include "storage/database/sqlite/writer.h"

#include <algorithm>

#include <sqlite3.h>

#include "storage/database/sqlite/rows.h"

namespace mito::storage::sqlite {
namespace {

struct Fence {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;
  std::int64_t next_task = 1;
};

Fence read_fence(Columns& c) {
  return {.epoch = c.integer(), .batch = c.integer(), .next_task = c.integer()};
}

Result<Fence> fence_of(Connection& connection) {
  Statement statement = connection.statement("SELECT epoch, batch, next_task_id FROM mito_writer WHERE id = 1");
  MITO_TRY_ASSIGN(const std::optional<Fence> fence, one(statement.ask(), read_fence));
  if (!fence) return fail(ErrorCode::kInternal, "", "the row of mito_writer is missing");
  return *fence;
}

Error fenced() {
  return {ErrorCode::kFenced, "Another coordinator has taken over the database."};
}

/// Copies the write-ahead log into the database and truncates its file, so that the log itself does not keep a volume
/// full: without commits nothing else would start a checkpoint. Readers or a want of room may prevent it.
void empty_log(Connection& connection) {
  sqlite3_wal_checkpoint_v2(connection.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

}  // namespace

SqliteWriter::SqliteWriter(SqliteSettings settings, std::shared_ptr<Checkpoints> checkpoints,
                           std::unique_ptr<Connection> connection)
    : settings_(std::move(settings)),
      checkpoints_(std::move(checkpoints)),
      connection_(std::move(connection)),
      reading_(*connection_) {
  checkpoints_->watch(*connection_);
}

SqliteWriter::~SqliteWriter() {
  rollback();
}

Result<std::unique_ptr<SqliteWriter>> SqliteWriter::open(const SqliteSettings& settings,
                                                         std::shared_ptr<Checkpoints> checkpoints) {
  MITO_TRY_ASSIGN(auto connection, Connection::open(settings, Connection::Role::kWriter));
  std::unique_ptr<SqliteWriter> writer(new SqliteWriter(settings, std::move(checkpoints), std::move(connection)));
  MITO_TRY(writer->take_over());
  return writer;
}

Result<void> SqliteWriter::take_over() {
  MITO_TRY(connection_->execute("BEGIN IMMEDIATE"));
  MITO_TRY(
      connection_
          ->statement("UPDATE mito_writer SET epoch = epoch + 1,"
                      " next_task_id = max(next_task_id, (SELECT coalesce(max(id), 0) + 1 FROM tasks)) WHERE id = 1")
          .run());
  MITO_TRY_ASSIGN(const Fence fence, fence_of(*connection_));
  MITO_TRY(connection_->execute("COMMIT"));
  epoch_ = fence.epoch;
  committed_ = batch_ = static_cast<std::uint64_t>(fence.batch);
  next_task_ = fence.next_task;
  return {};
}

Result<void> SqliteWriter::begin() {
  if (connection_->in_transaction())
    return connection_->failed()
               ? fail(ErrorCode::kUnavailable, "The database connection is broken.", "recover() is missing")
               : fail(ErrorCode::kInternal, "", "begin inside a transaction");
  connection_->clear_failure();
  savepoint_ = false;
  turn_.emplace(*checkpoints_);
  if (const auto begun = connection_->statement("BEGIN IMMEDIATE").run(); !begun) {
    turn_.reset();
    return fail(begun.error());
  }
  // next_task_id is written with every transaction, so that ids of earlier ones are not used again by whoever comes
  // next.
  const auto changed = connection_
                           ->statement(
                               "UPDATE mito_writer SET batch = batch + 1, next_task_id = ?"
                               " WHERE id = 1 AND epoch = ? AND batch = ?")
                           .run(next_task_, epoch_, static_cast<std::int64_t>(committed_));
  if (changed && *changed == 1) {
    batch_ = committed_ + 1;
    return {};
  }
  Error error = changed ? lost_the_fence() : changed.error();
  rollback();
  return fail(std::move(error));
}

Error SqliteWriter::lost_the_fence() {
  const auto fence = fence_of(*connection_);
  if (!fence) return fence.error();
  if (fence->epoch != epoch_) return fenced();
  return {ErrorCode::kUnavailable, "The outcome of the last transaction is not known yet.", "recover() is missing"};
}

Result<void> SqliteWriter::commit() {
  if (!connection_->in_transaction()) return fail(ErrorCode::kInternal, "", "commit without a transaction");
  if (connection_->failed())
    return fail(ErrorCode::kInternal, "", "commit of a transaction in which a statement failed");
  MITO_TRY(connection_->statement("COMMIT").run());
  turn_.reset();
  committed_ = batch_;
  return {};
}

void SqliteWriter::rollback() {
  if (connection_->in_transaction()) {
    // Should it fail, the transaction stays open: begin() then asks for recover(), which drops the connection.
    [[maybe_unused]] const auto done = connection_->statement("ROLLBACK").run();
  }
  turn_.reset();
}

Result<void> SqliteWriter::savepoint() {
  MITO_TRY(check_writable());
  if (savepoint_) return fail(ErrorCode::kInternal, "", "savepoints do not nest");
  MITO_TRY(connection_->statement("SAVEPOINT member").run());
  savepoint_ = true;
  return {};
}

Result<void> SqliteWriter::release_savepoint() {
  MITO_TRY(check_writable());
  if (!savepoint_) return fail(ErrorCode::kInternal, "", "no savepoint to release");
  MITO_TRY(connection_->statement("RELEASE member").run());
  savepoint_ = false;
  return {};
}

Result<void> SqliteWriter::rollback_to_savepoint() {
  if (!savepoint_ || !connection_->in_transaction())
    return fail(ErrorCode::kInternal, "", "no savepoint to roll back to");
  MITO_TRY(connection_->statement("ROLLBACK TO member").run());
  MITO_TRY(connection_->statement("RELEASE member").run());
  savepoint_ = false;
  connection_->clear_failure();
  return {};
}

Result<std::uint64_t> SqliteWriter::recover() {
  rollback();
  MITO_TRY_ASSIGN(auto connection, Connection::open(settings_, Connection::Role::kWriter));
  MITO_TRY_ASSIGN(const Fence fence, fence_of(*connection));
  if (fence.epoch != epoch_) return fail(fenced());
  if (connection_->met_full_volume()) empty_log(*connection);
  connection_ = std::move(connection);
  reading_ = Reading(*connection_);
  checkpoints_->watch(*connection_);
  savepoint_ = false;
  committed_ = static_cast<std::uint64_t>(fence.batch);
  return committed_;
}

Result<TaskId> SqliteWriter::reserve_task_ids(std::size_t count) {
  const TaskId first{next_task_};
  next_task_ += static_cast<std::int64_t>(count);
  return first;
}

Result<void> SqliteWriter::check_writable() const {
  if (connection_->failed()) return fail(ErrorCode::kInternal, "", "a write after a failed statement");
  if (!connection_->in_transaction()) return fail(ErrorCode::kInternal, "", "a write outside of a transaction");
  return {};
}

Result<bool> SqliteWriter::name_taken(std::string_view name) {
  MITO_TRY_ASSIGN(const std::optional<User> user, reading_.user_by_name(name));
  if (user) return true;
  MITO_TRY_ASSIGN(const std::optional<Group> group, reading_.group_by_name(name));
  return group.has_value();
}

Result<GroupId> SqliteWriter::add_group(std::string_view name, UserId creator, Timestamp now) {
  MITO_TRY(
      connection_
          ->statement("INSERT INTO groups (group_name, creator_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)")
          .run(name, creator, now));
  const GroupId id{connection_->last_id()};
  const Membership membership{.user = creator, .group = id, .role = Role::kAdmin};
  MITO_TRY(upsert_memberships({&membership, 1}));
  return id;
}

Result<std::pair<UserId, GroupId>> SqliteWriter::insert_user(const NewUser& user) {
  MITO_TRY(check_writable());
  MITO_TRY_ASSIGN(const bool taken, name_taken(user.username));
  if (taken) return fail(ErrorCode::kNameTaken);
  MITO_TRY(connection_
               ->statement("INSERT INTO users (username, encrypted_password, admin, created_at, updated_at)"
                           " VALUES (?1, ?2, ?3, ?4, ?4)")
               .run(user.username, user.encrypted_password, user.admin, user.now));
  const UserId id{connection_->last_id()};
  MITO_TRY_ASSIGN(const GroupId group, add_group(user.username, id, user.now));
  return std::pair(id, group);
}

Result<void> SqliteWriter::update_user(const User& user) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_
               ->statement("UPDATE users SET encrypted_password = ?2, auth_signature = ?3, admin = ?4, state = ?5,"
                           " group_quota = ?6, group_count = ?7, updated_at = ?8, current_sign_in_at = ?9,"
                           " last_sign_in_at = ?10, current_sign_in_ip = ?11, last_sign_in_ip = ?12 WHERE id = ?1")
               .run(user.id, user.encrypted_password, user.auth_signature, user.admin, user.state, user.group_quota,
                    user.group_count, user.updated_at, user.current_sign_in_at, user.last_sign_in_at,
                    user.current_sign_in_ip, user.last_sign_in_ip));
  return {};
}

Result<GroupId> SqliteWriter::insert_group(std::string_view name, UserId creator, Timestamp now) {
  MITO_TRY(check_writable());
  MITO_TRY_ASSIGN(const bool taken, name_taken(name));
  if (taken) return fail(ErrorCode::kNameTaken);
  return add_group(name, creator, now);
}

Result<bool> SqliteWriter::update_group(const Group& group) {
  MITO_TRY(check_writable());
  MITO_TRY_ASSIGN(
      const int changed,
      connection_
          ->statement("UPDATE groups SET state = ?, storage_quota = ?, storage_used = ?, updated_at = ?"
                      " WHERE id = ? AND task_count = ?")
          .run(group.state, group.storage_quota, group.storage_used, group.updated_at, group.id, group.task_count));
  return changed == 1;
}

Result<void> SqliteWriter::upsert_memberships(std::span<const Membership> memberships) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement(
      "INSERT INTO user_group (user_id, group_id, role) VALUES (?, ?, ?)"
      " ON CONFLICT (user_id, group_id) DO UPDATE SET role = excluded.role");
  for (const Membership& row : memberships)
    MITO_TRY(statement.run(row.user, row.group, row.role));
  return {};
}

Result<void> SqliteWriter::delete_memberships(GroupId group, std::span<const UserId> users) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement("DELETE FROM user_group WHERE user_id = ? AND group_id = ?");
  for (const UserId user : users)
    MITO_TRY(statement.run(user, group));
  return {};
}

}  // namespace mito::storage::sqlite
