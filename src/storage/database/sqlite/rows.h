#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/database/rows.h"
#include "storage/database/sqlite/columns.h"
#include "storage/database/sqlite/connection.h"

// From rows of statements to values, and how many of them a question answers.
namespace mito::storage::sqlite {

/// What is selected for read_user, and so on.
inline constexpr const char* kUserColumns =
    "id, username, encrypted_password, auth_signature, admin, state, group_quota, group_count, created_at, updated_at, "
    "current_sign_in_at, last_sign_in_at, current_sign_in_ip, last_sign_in_ip";
inline constexpr const char* kGroupColumns =
    "id, group_name, creator_id, created_at, updated_at, state, task_count, storage_quota, storage_used";
inline constexpr const char* kWorkerColumns =
    "id, worker_id, creator_id, tags, labels, created_at, updated_at, state, last_heartbeat, lease_ms, features, info, "
    "(SELECT t.id FROM tasks t WHERE t.assigned_worker = workers.id AND t.archived = 0 ORDER BY t.id LIMIT 1)";
inline constexpr const char* kTaskColumns =
    "id, uuid, creator_id, group_id, task_id, tags, labels, created_at, updated_at, state, archived, assigned_worker, "
    "timeout, priority, spec, result, upstream_task_uuid, downstream_task_uuid, reporter_uuid, losses, watch_reached";
inline constexpr const char* kAttachmentColumns = "group_id, key, size, created_at, updated_at";
inline constexpr const char* kArtifactColumns = "task_id, content_type, size, created_at, updated_at";

User read_user(Columns& columns);
Group read_group(Columns& columns);
Membership read_membership(Columns& columns);  ///< user_id, group_id, role
Worker read_worker(Columns& columns);
WorkerAccess read_access(Columns& columns);  ///< worker_id, group_id, role
Task read_task(Columns& columns);
Attachment read_attachment(Columns& columns);
Artifact read_artifact(Columns& columns);

/// Hands every row of a question to `take`.
template <class Row, class Take>
Result<void> each(Statement& statement, Row (*read)(Columns&), const Take& take) {
  while (true) {
    MITO_TRY_ASSIGN(const bool more, statement.next());
    if (!more) return {};
    Columns columns(statement.handle());
    Row row = read(columns);
    MITO_TRY(columns.status());
    take(std::move(row));
  }
}

template <class Row>
Result<std::vector<Row>> all(Statement& statement, Row (*read)(Columns&)) {
  std::vector<Row> rows;
  MITO_TRY(each(statement, read, [&](Row&& row) { rows.push_back(std::move(row)); }));
  return rows;
}

/// The first row, if there is one.
template <class Row>
Result<std::optional<Row>> one(Statement& statement, Row (*read)(Columns&)) {
  MITO_TRY_ASSIGN(const bool found, statement.next());
  if (!found) return std::optional<Row>();
  Columns columns(statement.handle());
  std::optional<Row> row = read(columns);
  MITO_TRY(columns.status());
  return row;
}

/// LIMIT and OFFSET of a page, as SQLite takes them: -1 is no limit.
std::int64_t limit_of(const Page& page);
std::int64_t offset_of(const Page& page);

}  // namespace mito::storage::sqlite
