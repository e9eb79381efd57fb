#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/database/postgres/connection.h"
#include "storage/database/rows.h"

// From rows of statements to values, and how many of them a question answers.
namespace mito::storage::postgres {

// What is selected for read_user, and so on.
#define MITO_USER_COLUMNS                                                                                             \
  "id, username, encrypted_password, auth_signature, admin, state, group_quota, group_count, created_at, updated_at," \
  " current_sign_in_at, last_sign_in_at, current_sign_in_ip, last_sign_in_ip"
#define MITO_GROUP_COLUMNS \
  "id, group_name, creator_id, created_at, updated_at, state, task_count, storage_quota, storage_used"
#define MITO_WORKERS                                                                                                 \
  "SELECT w.id, w.worker_id, w.creator_id, w.tags, w.labels, w.created_at, w.updated_at, w.state, w.last_heartbeat," \
  " w.assigned_task_id, x.lease_ms, coalesce(x.features, '{}'), coalesce(x.info, '') FROM workers w LEFT JOIN"       \
  " mito_workers x ON x.worker_id = w.id "
#define MITO_TASK_COLUMNS(archived, reporter)                                                               \
  "id, uuid, creator_id, group_id, task_id, tags, labels, created_at, updated_at, state, " archived         \
  ", assigned_worker, timeout, priority, spec, result, upstream_task_uuid, downstream_task_uuid, " reporter \
  ", coalesce(mito_losses, 0), coalesce(mito_watch, 0) = 2"
#define MITO_ACTIVE_TASK_COLUMNS MITO_TASK_COLUMNS("false", "NULL::uuid")
#define MITO_ARCHIVED_TASK_COLUMNS MITO_TASK_COLUMNS("true", "reporter_uuid")
#define MITO_ATTACHMENT_COLUMNS "group_id, key, size, created_at, updated_at"
#define MITO_ARTIFACT_COLUMNS "task_id, content_type, size, created_at, updated_at"

User read_user(Columns& columns);
Group read_group(Columns& columns);
Membership read_membership(Columns& columns);  ///< user_id, group_id, role
Worker read_worker(Columns& columns);
WorkerAccess read_access(Columns& columns);  ///< worker_id, group_id, role
Task read_task(Columns& columns);
Attachment read_attachment(Columns& columns);
Artifact read_artifact(Columns& columns);

template <class Row>
Result<std::vector<Row>> all(Result<Rows> answer, Row (*read)(Columns&)) {
  if (!answer) return fail(std::move(answer).error());
  std::vector<Row> rows;
  rows.reserve(static_cast<std::size_t>(answer->count()));
  for (int i = 0; i < answer->count(); ++i) {
    Columns columns = answer->row(i);
    rows.push_back(read(columns));
    MITO_TRY(columns.status());
  }
  return rows;
}

/// The first row, if there is one.
template <class Row>
Result<std::optional<Row>> one(Result<Rows> answer, Row (*read)(Columns&)) {
  if (!answer) return fail(std::move(answer).error());
  if (answer->count() == 0) return std::optional<Row>();
  Columns columns = answer->row(0);
  std::optional<Row> row = read(columns);
  MITO_TRY(columns.status());
  return row;
}

/// The number in the first column of the first row.
Result<std::int64_t> number(Result<Rows> answer);

/// LIMIT and OFFSET of a page; NULL is no limit.
std::optional<std::int64_t> limit_of(const Page& page);
std::int64_t offset_of(const Page& page);

}  // namespace mito::storage::postgres
