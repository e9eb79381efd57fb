#include "storage/database/postgres/reading.h"

#include "storage/database/json_text.h"
#include "storage/database/postgres/rows.h"

namespace mito::storage::postgres {
namespace {

std::string read_bytes(Columns& columns) {
  return columns.text();
}

/// Streams rows and hands them over as values.
template <class Row>
Result<void> each(Asker& asker, const char* sql, Row (*read)(Columns&), const std::function<void(Row&&)>& take) {
  return asker.stream(sql, [&](Columns& columns) -> Result<void> {
    Row row = read(columns);
    MITO_TRY(columns.status());
    take(std::move(row));
    return {};
  });
}

}  // namespace

Result<std::optional<User>> Reading::user_by_name(std::string_view name) {
  static constexpr const char* kSql = "SELECT " MITO_USER_COLUMNS " FROM users WHERE username = $1";
  return one(asker_->ask(kSql, Params::of(name)), read_user);
}

Result<std::optional<User>> Reading::user_by_id(UserId id) {
  static constexpr const char* kSql = "SELECT " MITO_USER_COLUMNS " FROM users WHERE id = $1";
  return one(asker_->ask(kSql, Params::of(id)), read_user);
}

Result<std::vector<User>> Reading::users(std::string_view part, Page page) {
  static constexpr const char* kSql = "SELECT " MITO_USER_COLUMNS
                                      " FROM users WHERE strpos(username, $1) > 0"
                                      " ORDER BY username COLLATE \"C\" LIMIT $2 OFFSET $3";
  return all(asker_->ask(kSql, Params::of(part, limit_of(page), offset_of(page))), read_user);
}

Result<std::optional<Group>> Reading::group_by_name(std::string_view name) {
  static constexpr const char* kSql = "SELECT " MITO_GROUP_COLUMNS " FROM groups WHERE group_name = $1";
  return one(asker_->ask(kSql, Params::of(name)), read_group);
}

Result<std::optional<Group>> Reading::group_by_id(GroupId id) {
  static constexpr const char* kSql = "SELECT " MITO_GROUP_COLUMNS " FROM groups WHERE id = $1";
  return one(asker_->ask(kSql, Params::of(id)), read_group);
}

Result<std::vector<Group>> Reading::groups(std::string_view part, Page page) {
  static constexpr const char* kSql = "SELECT " MITO_GROUP_COLUMNS
                                      " FROM groups WHERE strpos(group_name, $1) > 0"
                                      " ORDER BY group_name COLLATE \"C\" LIMIT $2 OFFSET $3";
  return all(asker_->ask(kSql, Params::of(part, limit_of(page), offset_of(page))), read_group);
}

Result<std::vector<Membership>> Reading::members_of(GroupId group) {
  static constexpr const char* kSql =
      "SELECT user_id, group_id, role FROM user_group WHERE group_id = $1 ORDER BY user_id";
  return all(asker_->ask(kSql, Params::of(group)), read_membership);
}

Result<std::vector<Membership>> Reading::memberships_of(UserId user) {
  static constexpr const char* kSql =
      "SELECT user_id, group_id, role FROM user_group WHERE user_id = $1 ORDER BY group_id";
  return all(asker_->ask(kSql, Params::of(user)), read_membership);
}

Result<std::int64_t> Reading::count_workers_of(GroupId group) {
  static constexpr const char* kSql = "SELECT count(*) FROM group_worker WHERE group_id = $1";
  return number(asker_->ask(kSql, Params::of(group)));
}

Result<std::optional<Worker>> Reading::worker_by_uuid(WorkerUuid uuid) {
  static constexpr const char* kSql = MITO_WORKERS "WHERE w.worker_id = $1";
  return one(asker_->ask(kSql, Params::of(uuid)), read_worker);
}

Result<std::optional<Worker>> Reading::worker_by_id(WorkerId id) {
  static constexpr const char* kSql = MITO_WORKERS "WHERE w.id = $1";
  return one(asker_->ask(kSql, Params::of(id)), read_worker);
}

Result<std::vector<WorkerAccess>> Reading::access_of(WorkerId worker) {
  static constexpr const char* kSql =
      "SELECT worker_id, group_id, role FROM group_worker WHERE worker_id = $1 ORDER BY group_id";
  return all(asker_->ask(kSql, Params::of(worker)), read_access);
}

Result<std::optional<Artifact>> Reading::artifact(TaskUuid task, ArtifactContentType type) {
  static constexpr const char* kSql =
      "SELECT " MITO_ARTIFACT_COLUMNS " FROM artifacts WHERE task_id = $1 AND content_type = $2";
  return one(asker_->ask(kSql, Params::of(task, type)), read_artifact);
}

Result<std::vector<Artifact>> Reading::artifacts_of(TaskUuid task) {
  static constexpr const char* kSql =
      "SELECT " MITO_ARTIFACT_COLUMNS " FROM artifacts WHERE task_id = $1 ORDER BY content_type";
  return all(asker_->ask(kSql, Params::of(task)), read_artifact);
}

Result<std::vector<Artifact>> Reading::artifacts_of(std::span<const TaskUuid> tasks, ArtifactContentType type) {
  static constexpr const char* kSql =
      "SELECT a.task_id, a.content_type, a.size, a.created_at, a.updated_at FROM unnest($1) WITH ORDINALITY AS"
      " wanted (task, place) JOIN artifacts a ON a.task_id = wanted.task AND a.content_type = $2 ORDER BY place";
  Params params;
  params.add_column(tasks, [](TaskUuid task) { return task; }).add(type);
  return all(asker_->ask(kSql, std::move(params)), read_artifact);
}

Result<std::optional<Attachment>> Reading::attachment(GroupId group, std::string_view key) {
  static constexpr const char* kSql =
      "SELECT " MITO_ATTACHMENT_COLUMNS " FROM attachments WHERE group_id = $1 AND key = $2";
  return one(asker_->ask(kSql, Params::of(group, key)), read_attachment);
}

Result<std::vector<Attachment>> Reading::attachments(GroupId group, std::string_view pattern, Page page) {
  static constexpr const char* kSql = "SELECT " MITO_ATTACHMENT_COLUMNS
                                      " FROM attachments WHERE group_id = $1 AND key LIKE '%' || $2 || '%'"
                                      " ORDER BY key COLLATE \"C\" LIMIT $3 OFFSET $4";
  return all(asker_->ask(kSql, Params::of(group, pattern, limit_of(page), offset_of(page))), read_attachment);
}

Result<std::int64_t> Reading::count_attachments(GroupId group, std::string_view pattern) {
  static constexpr const char* kSql =
      "SELECT count(*) FROM attachments WHERE group_id = $1 AND key LIKE '%' || $2 || '%'";
  return number(asker_->ask(kSql, Params::of(group, pattern)));
}

Result<std::vector<Attachment>> Reading::attachments_by_key(GroupId group, std::span<const std::string> keys) {
  static constexpr const char* kSql =
      "SELECT a.group_id, a.key, a.size, a.created_at, a.updated_at FROM unnest($2) WITH ORDINALITY AS"
      " wanted (key, place) JOIN attachments a ON a.group_id = $1 AND a.key = wanted.key ORDER BY place";
  Params params;
  params.add(group).add_column(keys, [](const std::string& key) -> std::string_view { return key; });
  return all(asker_->ask(kSql, std::move(params)), read_attachment);
}

Result<void> Reading::each_artifact(const std::function<void(Artifact&&)>& take) {
  return each(*asker_, "SELECT " MITO_ARTIFACT_COLUMNS " FROM artifacts", read_artifact, take);
}

Result<void> Reading::each_attachment(const std::function<void(Attachment&&)>& take) {
  return each(*asker_, "SELECT " MITO_ATTACHMENT_COLUMNS " FROM attachments", read_attachment, take);
}

Result<std::optional<std::string>> Reading::fact(std::string_view name) {
  static constexpr const char* kSql = "SELECT value FROM mito_facts WHERE name = $1";
  return one(asker_->ask(kSql, Params::of(name)), read_bytes);
}

Result<void> Reading::each_user(const std::function<void(User&&)>& take) {
  return each(*asker_, "SELECT " MITO_USER_COLUMNS " FROM users ORDER BY id", read_user, take);
}

Result<void> Reading::each_group(const std::function<void(Group&&)>& take) {
  return each(*asker_, "SELECT " MITO_GROUP_COLUMNS " FROM groups ORDER BY id", read_group, take);
}

Result<void> Reading::each_membership(const std::function<void(Membership&&)>& take) {
  return each(*asker_, "SELECT user_id, group_id, role FROM user_group", read_membership, take);
}

Result<void> Reading::each_worker(const std::function<void(Worker&&)>& take) {
  return each(*asker_, MITO_WORKERS "ORDER BY w.id", read_worker, take);
}

Result<void> Reading::each_worker_access(const std::function<void(WorkerAccess&&)>& take) {
  return each(*asker_, "SELECT worker_id, group_id, role FROM group_worker", read_access, take);
}

}  // namespace mito::storage::postgres
