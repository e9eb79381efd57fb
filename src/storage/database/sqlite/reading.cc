#include "storage/database/sqlite/reading.h"

#include <fmt/format.h>

#include "storage/database/json_text.h"
#include "storage/database/sqlite/rows.h"

namespace mito::storage::sqlite {
namespace {

std::string select(const char* columns, const char* rest) {
  return fmt::format("SELECT {} {}", columns, rest);
}

std::int64_t read_integer(Columns& columns) {
  return columns.integer();
}
std::string read_text(Columns& columns) {
  return columns.text();
}

Result<std::int64_t> number(Statement& statement) {
  MITO_TRY_ASSIGN(const std::optional<std::int64_t> answer, one(statement, read_integer));
  return answer.value_or(0);
}

}  // namespace

Result<std::optional<User>> Reading::user_by_name(std::string_view name) {
  static const std::string kSql = select(kUserColumns, "FROM users WHERE username = ?");
  Statement statement = connection_->statement(kSql.c_str());
  return one(statement.ask(name), read_user);
}

Result<std::optional<User>> Reading::user_by_id(UserId id) {
  static const std::string kSql = select(kUserColumns, "FROM users WHERE id = ?");
  Statement statement = connection_->statement(kSql.c_str());
  return one(statement.ask(id), read_user);
}

Result<std::vector<User>> Reading::users(std::string_view part, Page page) {
  static const std::string kSql =
      select(kUserColumns, "FROM users WHERE instr(username, ?) > 0 ORDER BY username LIMIT ? OFFSET ?");
  Statement statement = connection_->statement(kSql.c_str());
  return all(statement.ask(part, limit_of(page), offset_of(page)), read_user);
}

Result<std::optional<Group>> Reading::group_by_name(std::string_view name) {
  static const std::string kSql = select(kGroupColumns, "FROM groups WHERE group_name = ?");
  Statement statement = connection_->statement(kSql.c_str());
  return one(statement.ask(name), read_group);
}

Result<std::optional<Group>> Reading::group_by_id(GroupId id) {
  static const std::string kSql = select(kGroupColumns, "FROM groups WHERE id = ?");
  Statement statement = connection_->statement(kSql.c_str());
  return one(statement.ask(id), read_group);
}

Result<std::vector<Group>> Reading::groups(std::string_view part, Page page) {
  static const std::string kSql =
      select(kGroupColumns, "FROM groups WHERE instr(group_name, ?) > 0 ORDER BY group_name LIMIT ? OFFSET ?");
  Statement statement = connection_->statement(kSql.c_str());
  return all(statement.ask(part, limit_of(page), offset_of(page)), read_group);
}

Result<std::vector<Membership>> Reading::members_of(GroupId group) {
  Statement statement =
      connection_->statement("SELECT user_id, group_id, role FROM user_group WHERE group_id = ? ORDER BY user_id");
  return all(statement.ask(group), read_membership);
}

Result<std::vector<Membership>> Reading::memberships_of(UserId user) {
  Statement statement =
      connection_->statement("SELECT user_id, group_id, role FROM user_group WHERE user_id = ? ORDER BY group_id");
  return all(statement.ask(user), read_membership);
}

Result<std::int64_t> Reading::count_workers_of(GroupId group) {
  Statement statement = connection_->statement("SELECT count(*) FROM group_worker WHERE group_id = ?");
  return number(statement.ask(group));
}

Result<std::optional<Worker>> Reading::worker_by_uuid(WorkerUuid uuid) {
  static const std::string kSql = select(kWorkerColumns, "FROM workers WHERE worker_id = ?");
  Statement statement = connection_->statement(kSql.c_str());
  return one(statement.ask(uuid), read_worker);
}

Result<std::optional<Worker>> Reading::worker_by_id(WorkerId id) {
  static const std::string kSql = select(kWorkerColumns, "FROM workers WHERE id = ?");
  Statement statement = connection_->statement(kSql.c_str());
  return one(statement.ask(id), read_worker);
}

Result<std::vector<WorkerAccess>> Reading::access_of(WorkerId worker) {
  Statement statement = connection_->statement(
      "SELECT worker_id, group_id, role FROM group_worker WHERE worker_id = ? ORDER BY group_id");
  return all(statement.ask(worker), read_access);
}

Result<std::optional<Artifact>> Reading::artifact(TaskUuid task, ArtifactContentType type) {
  static const std::string kSql = select(kArtifactColumns, "FROM artifacts WHERE task_id = ? AND content_type = ?");
  Statement statement = connection_->statement(kSql.c_str());
  return one(statement.ask(task, type), read_artifact);
}

Result<std::vector<Artifact>> Reading::artifacts_of(TaskUuid task) {
  static const std::string kSql = select(kArtifactColumns, "FROM artifacts WHERE task_id = ? ORDER BY content_type");
  Statement statement = connection_->statement(kSql.c_str());
  return all(statement.ask(task), read_artifact);
}

Result<std::vector<Artifact>> Reading::artifacts_of(std::span<const TaskUuid> tasks, ArtifactContentType type) {
  std::vector<Artifact> answer;
  for (const TaskUuid task : tasks) {
    MITO_TRY_ASSIGN(std::optional<Artifact> row, artifact(task, type));
    if (row) answer.push_back(*row);
  }
  return answer;
}

Result<std::optional<Attachment>> Reading::attachment(GroupId group, std::string_view key) {
  static const std::string kSql = select(kAttachmentColumns, "FROM attachments WHERE group_id = ? AND key = ?");
  Statement statement = connection_->statement(kSql.c_str());
  return one(statement.ask(group, key), read_attachment);
}

Result<std::vector<Attachment>> Reading::attachments(GroupId group, std::string_view pattern, Page page) {
  static const std::string kSql = select(
      kAttachmentColumns,
      "FROM attachments WHERE group_id = ?1 AND (?2 = '%%' OR mito_like(key, ?2)) ORDER BY key LIMIT ?3 OFFSET ?4");
  Statement statement = connection_->statement(kSql.c_str());
  const std::string anywhere = fmt::format("%{}%", pattern);
  return all(statement.ask(group, anywhere, limit_of(page), offset_of(page)), read_attachment);
}

Result<std::int64_t> Reading::count_attachments(GroupId group, std::string_view pattern) {
  Statement statement = connection_->statement(
      "SELECT count(*) FROM attachments WHERE group_id = ?1 AND (?2 = '%%' OR mito_like(key, ?2))");
  return number(statement.ask(group, fmt::format("%{}%", pattern)));
}

Result<std::vector<Attachment>> Reading::attachments_by_key(GroupId group, std::span<const std::string> keys) {
  std::vector<Attachment> answer;
  for (const std::string& key : keys) {
    MITO_TRY_ASSIGN(std::optional<Attachment> row, attachment(group, key));
    if (row) answer.push_back(*std::move(row));
  }
  return answer;
}

Result<void> Reading::each_artifact(const std::function<void(Artifact&&)>& take) {
  static const std::string kSql = select(kArtifactColumns, "FROM artifacts");
  Statement statement = connection_->statement(kSql.c_str());
  return each(statement.ask(), read_artifact, take);
}

Result<void> Reading::each_attachment(const std::function<void(Attachment&&)>& take) {
  static const std::string kSql = select(kAttachmentColumns, "FROM attachments");
  Statement statement = connection_->statement(kSql.c_str());
  return each(statement.ask(), read_attachment, take);
}

Result<std::optional<std::string>> Reading::fact(std::string_view name) {
  Statement statement = connection_->statement("SELECT value FROM mito_facts WHERE name = ?");
  return one(statement.ask(name), read_text);
}

Result<void> Reading::each_user(const std::function<void(User&&)>& take) {
  static const std::string kSql = select(kUserColumns, "FROM users ORDER BY id");
  Statement statement = connection_->statement(kSql.c_str());
  return each(statement.ask(), read_user, take);
}

Result<void> Reading::each_group(const std::function<void(Group&&)>& take) {
  static const std::string kSql = select(kGroupColumns, "FROM groups ORDER BY id");
  Statement statement = connection_->statement(kSql.c_str());
  return each(statement.ask(), read_group, take);
}

Result<void> Reading::each_membership(const std::function<void(Membership&&)>& take) {
  Statement statement = connection_->statement("SELECT user_id, group_id, role FROM user_group");
  return each(statement.ask(), read_membership, take);
}

Result<void> Reading::each_worker(const std::function<void(Worker&&)>& take) {
  static const std::string kSql = select(kWorkerColumns, "FROM workers ORDER BY id");
  Statement statement = connection_->statement(kSql.c_str());
  return each(statement.ask(), read_worker, take);
}

Result<void> Reading::each_worker_access(const std::function<void(WorkerAccess&&)>& take) {
  Statement statement = connection_->statement("SELECT worker_id, group_id, role FROM group_worker");
  return each(statement.ask(), read_access, take);
}

}  // namespace mito::storage::sqlite
