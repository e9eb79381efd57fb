#include "storage/database/sqlite/schema.h"

#include <array>

#include <fmt/format.h>

#include "storage/database/sqlite/columns.h"

namespace mito::storage::sqlite {
namespace {

// Names and meaning are those of reference/server.md 4.1. Differently shaped, for speed:
// - one table of tasks, whose rows stay where they are when they are archived; indexes of active tasks are partial;
// - what a worker holds follows from tasks.assigned_worker;
// - uuids are 16 bytes, times are microseconds since 1970, sets are JSON arrays;
// - tasks refer to users and groups without foreign keys: rows of those are never deleted, and each key costs a lookup.
// Ids of users, groups and workers are never used twice (AUTOINCREMENT); those of tasks by mito_writer.next_task_id.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE mito_writer (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL,
  batch INTEGER NOT NULL,
  next_task_id INTEGER NOT NULL
) STRICT;
INSERT INTO mito_writer VALUES (1, 0, 0, 1);

CREATE TABLE mito_facts (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  username TEXT NOT NULL UNIQUE,
  encrypted_password TEXT NOT NULL,
  auth_signature INTEGER,
  admin INTEGER NOT NULL DEFAULT 0,
  state INTEGER NOT NULL DEFAULT 0,
  group_quota INTEGER NOT NULL DEFAULT 8,
  group_count INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  current_sign_in_at INTEGER,
  last_sign_in_at INTEGER,
  current_sign_in_ip TEXT,
  last_sign_in_ip TEXT
) STRICT;

CREATE TABLE groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_name TEXT NOT NULL UNIQUE,
  creator_id INTEGER NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  task_count INTEGER NOT NULL DEFAULT 0,
  storage_quota INTEGER NOT NULL DEFAULT 16000000000,
  storage_used INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE user_group (
  user_id INTEGER NOT NULL REFERENCES users (id),
  group_id INTEGER NOT NULL REFERENCES groups (id),
  role INTEGER NOT NULL,
  PRIMARY KEY (user_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_group_group ON user_group (group_id);

CREATE TABLE workers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  worker_id BLOB NOT NULL UNIQUE,
  creator_id INTEGER NOT NULL REFERENCES users (id),
  tags TEXT NOT NULL,
  labels TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  last_heartbeat INTEGER NOT NULL,
  lease_ms INTEGER,
  features TEXT NOT NULL,
  info TEXT NOT NULL
) STRICT;

CREATE TABLE group_worker (
  worker_id INTEGER NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
  group_id INTEGER NOT NULL REFERENCES groups (id),
  role INTEGER NOT NULL,
  PRIMARY KEY (worker_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_worker_group ON group_worker (group_id);

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  uuid BLOB NOT NULL,
  creator_id INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  task_id INTEGER NOT NULL,
  state INTEGER NOT NULL,
  archived INTEGER NOT NULL DEFAULT 0,
  assigned_worker INTEGER,
  timeout INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  losses INTEGER NOT NULL DEFAULT 0,
  has_watch INTEGER NOT NULL DEFAULT 0,
  watch_reached INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  upstream_task_uuid BLOB,
  downstream_task_uuid BLOB,
  reporter_uuid BLOB,
  tags TEXT NOT NULL,
  labels TEXT NOT NULL,
  result TEXT,
  spec TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX tasks_uuid ON tasks (uuid);
CREATE UNIQUE INDEX tasks_number ON tasks (group_id, task_id);
-- With `archived`, although it is always 0 in it: SQLite reads the rows to test it otherwise.
CREATE INDEX tasks_active ON tasks (group_id, task_id, archived) WHERE archived = 0;
CREATE INDEX tasks_assigned ON tasks (assigned_worker) WHERE archived = 0 AND assigned_worker IS NOT NULL;

CREATE TABLE task_details (
  id INTEGER PRIMARY KEY,
  detail TEXT NOT NULL
) STRICT;

CREATE TABLE attachments (
  group_id INTEGER NOT NULL REFERENCES groups (id),
  key TEXT NOT NULL,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (group_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
  task_id BLOB NOT NULL,
  content_type INTEGER NOT NULL,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (task_id, content_type)
) STRICT, WITHOUT ROWID;
)sql";

// Lists of tasks are answered from these two indexes alone up to the rows that are listed: they hold every column that
// can be asked for, so that a filter which fits nothing walks through a few bytes of each task, not through its row.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE tasks ADD COLUMN exit_status INTEGER;
UPDATE tasks SET exit_status = CAST(result ->> '$.exit_status' AS INTEGER) WHERE result IS NOT NULL;
DROP INDEX tasks_active;
CREATE INDEX tasks_active ON tasks
  (group_id, task_id, archived, state, priority, creator_id, tags, labels) WHERE archived = 0;
CREATE INDEX tasks_archived ON tasks
  (group_id, task_id, archived, state, priority, creator_id, exit_status, reporter_uuid, tags, labels)
  WHERE archived = 1;
)sql";

/// The step at index i makes version i + 1 out of version i. Steps that were released are never changed.
constexpr std::array kSteps{kVersion1, kVersion2};

Result<std::int64_t> count(Connection& connection, const char* sql) {
  Statement statement = connection.statement(sql);
  MITO_TRY_ASSIGN(const bool row, statement.ask().next());
  return row ? Columns(statement.handle()).integer() : 0;
}

Result<std::int64_t> current_version(Connection& connection, const std::string& path) {
  MITO_TRY_ASSIGN(const auto ours, count(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'mito_schema'"));
  if (ours != 0) return count(connection, "SELECT version FROM mito_schema");
  MITO_TRY_ASSIGN(const auto tables, count(connection, "SELECT count(*) FROM sqlite_schema"));
  if (tables != 0)
    return fail(ErrorCode::kUsage,
                fmt::format("{} is the SQLite database of another program. Choose another file.", path));
  MITO_TRY(
      connection.execute("CREATE TABLE mito_schema (version INTEGER NOT NULL) STRICT;"
                         "INSERT INTO mito_schema VALUES (0);"));
  return 0;
}

Result<void> run_steps(Connection& connection, const std::string& path) {
  MITO_TRY_ASSIGN(const std::int64_t version, current_version(connection, path));
  const auto known = static_cast<std::int64_t>(kSteps.size());
  if (version > known)
    return fail(ErrorCode::kUsage, fmt::format("The database {} has schema version {}, and this program knows those up "
                                               "to {}: use the newer program that made it.",
                                               path, version, known));
  for (auto step = version; step < known; ++step)
    MITO_TRY(connection.execute(kSteps[static_cast<std::size_t>(step)]));
  MITO_TRY(connection.statement("UPDATE mito_schema SET version = ?").run(known));
  return connection.execute("COMMIT");
}

}  // namespace

Result<void> migrate(Connection& connection, const std::string& path) {
  MITO_TRY(connection.execute("BEGIN IMMEDIATE"));
  Result<void> done = run_steps(connection, path);
  if (!done && connection.in_transaction()) {
    // What the steps did is undone; their error is the one that counts.
    [[maybe_unused]] const auto undone = connection.execute("ROLLBACK");
  }
  return done;
}

}  // namespace mito::storage::sqlite
