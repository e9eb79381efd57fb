#include "storage/database/postgres/schema.h"

// The schema of the original, so that it can open the database again: names, types and the order of columns are its.
namespace mito::storage::postgres {
namespace {

#define MITO_REFERENCES_USERS(name) \
  "CONSTRAINT \"" name "\" FOREIGN KEY (creator_id) REFERENCES users (id) ON UPDATE CASCADE ON DELETE RESTRICT"
#define MITO_REFERENCES_GROUPS(name) \
  "CONSTRAINT \"" name "\" FOREIGN KEY (group_id) REFERENCES groups (id) ON UPDATE CASCADE ON DELETE RESTRICT"

constexpr const char* kStatements[] = {
    "CREATE TABLE IF NOT EXISTS seaql_migrations (version varchar NOT NULL, applied_at bigint NOT NULL,"
    " PRIMARY KEY (version))",

    "CREATE TABLE IF NOT EXISTS users (id bigserial NOT NULL PRIMARY KEY, username text NOT NULL UNIQUE,"
    " encrypted_password text NOT NULL, auth_signature bigint, reset_password_token text,"
    " reset_password_token_expiry timestamptz, current_sign_in_at timestamptz, last_sign_in_at timestamptz,"
    " current_sign_in_ip text, last_sign_in_ip text, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,"
    " admin bool NOT NULL DEFAULT false, state integer NOT NULL DEFAULT 0, group_quota integer NOT NULL DEFAULT 8,"
    " group_count integer NOT NULL DEFAULT 1)",

    "CREATE TABLE IF NOT EXISTS groups (id bigserial NOT NULL PRIMARY KEY, group_name text NOT NULL UNIQUE,"
    " creator_id bigint NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,"
    " state integer NOT NULL DEFAULT 0, task_count bigint NOT NULL DEFAULT 0,"
    " storage_quota bigint NOT NULL DEFAULT 16000000000, storage_used bigint NOT NULL DEFAULT 0,"
    " " MITO_REFERENCES_USERS("fk-groups-creator_id") ")",

    "CREATE TABLE IF NOT EXISTS user_group (id bigserial NOT NULL PRIMARY KEY, user_id bigint NOT NULL,"
    " group_id bigint NOT NULL, role integer NOT NULL,"
    " CONSTRAINT \"idx_user_group-user_id-group_id\" UNIQUE (user_id, group_id),"
    " CONSTRAINT \"fk-user_group-user_id\" FOREIGN KEY (user_id) REFERENCES users (id) ON UPDATE CASCADE ON DELETE"
    " RESTRICT, " MITO_REFERENCES_GROUPS("fk-user_group-group_id") ")",

    "CREATE TABLE IF NOT EXISTS workers (id bigserial NOT NULL PRIMARY KEY, worker_id uuid NOT NULL UNIQUE,"
    " creator_id bigint NOT NULL, tags text[] NOT NULL, created_at timestamptz NOT NULL,"
    " updated_at timestamptz NOT NULL, state integer NOT NULL DEFAULT 0, last_heartbeat timestamptz NOT NULL,"
    " assigned_task_id bigint, " MITO_REFERENCES_USERS("fk-workers-creator_id") ")",

    "CREATE TABLE IF NOT EXISTS group_worker (id bigserial NOT NULL PRIMARY KEY, group_id bigint NOT NULL,"
    " worker_id bigint NOT NULL, role integer NOT NULL,"
    " CONSTRAINT \"idx_group_worker-group_id-worker_id\" UNIQUE (group_id, worker_id),"
    " " MITO_REFERENCES_GROUPS("fk-group_worker-group_id") ", CONSTRAINT \"fk-group_worker-worker_id\""
    " FOREIGN KEY (worker_id) REFERENCES workers (id) ON UPDATE CASCADE ON DELETE CASCADE)",

    "CREATE TABLE IF NOT EXISTS active_tasks (id bigserial NOT NULL PRIMARY KEY, creator_id bigint NOT NULL,"
    " group_id bigint NOT NULL, task_id bigint NOT NULL, uuid uuid NOT NULL UNIQUE, tags text[] NOT NULL,"
    " labels text[] NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,"
    " state integer NOT NULL DEFAULT 0, assigned_worker bigint, timeout bigint NOT NULL, priority integer NOT NULL,"
    " spec json NOT NULL, result json,"
    " CONSTRAINT \"idx_active_tasks-group_id-task_id\" UNIQUE (group_id, task_id),"
    " " MITO_REFERENCES_USERS("fk-active_tasks-creator_id") ", " MITO_REFERENCES_GROUPS("fk-active_tasks-group_id") ")",
    "CREATE INDEX IF NOT EXISTS \"idx_active_tasks-state\" ON active_tasks (state)",
    "CREATE INDEX IF NOT EXISTS \"idx_active_tasks-group_id\" ON active_tasks (group_id)",
    "CREATE INDEX IF NOT EXISTS \"idx_active_tasks-priority\" ON active_tasks (priority)",
    "CREATE INDEX IF NOT EXISTS \"idx_active_tasks-creator_id-group_id\" ON active_tasks (creator_id, group_id)",

    "CREATE TABLE IF NOT EXISTS archived_tasks (id bigint NOT NULL PRIMARY KEY, creator_id bigint NOT NULL,"
    " group_id bigint NOT NULL, task_id bigint NOT NULL, uuid uuid NOT NULL UNIQUE, tags text[] NOT NULL,"
    " labels text[] NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,"
    " state integer NOT NULL, assigned_worker bigint, timeout bigint NOT NULL, priority integer NOT NULL,"
    " spec json NOT NULL, result json,"
    " CONSTRAINT \"idx_archived_tasks-group_id-task_id\" UNIQUE (group_id, task_id),"
    " " MITO_REFERENCES_USERS("fk-archived_tasks-creator_id") ", "
    MITO_REFERENCES_GROUPS("fk-archived_tasks-group_id") ")",
    "CREATE INDEX IF NOT EXISTS \"idx_archived_tasks-state\" ON archived_tasks (state)",
    "CREATE INDEX IF NOT EXISTS \"idx_archived_tasks-group_id\" ON archived_tasks (group_id)",
    "CREATE INDEX IF NOT EXISTS \"idx_archived_tasks-priority\" ON archived_tasks (priority)",
    "CREATE INDEX IF NOT EXISTS \"idx_archived_tasks-creator_id-group_id\" ON archived_tasks (creator_id, group_id)",

    "CREATE TABLE IF NOT EXISTS attachments (id bigserial NOT NULL PRIMARY KEY, group_id bigint NOT NULL,"
    " key text NOT NULL, content_type integer NOT NULL DEFAULT 0, size bigint NOT NULL,"
    " created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,"
    " CONSTRAINT \"idx_attachments-group_id-key\" UNIQUE (group_id, key),"
    " " MITO_REFERENCES_GROUPS("fk-attachments-group_id") ")",

    "CREATE TABLE IF NOT EXISTS artifacts (id bigserial NOT NULL PRIMARY KEY, task_id uuid NOT NULL,"
    " content_type integer NOT NULL DEFAULT 0, size bigint NOT NULL, created_at timestamptz NOT NULL,"
    " updated_at timestamptz NOT NULL,"
    " CONSTRAINT \"idx_artifacts-task_id-content_type\" UNIQUE (task_id, content_type))",

    // m20250910_192001
    "CREATE INDEX IF NOT EXISTS idx_groups_creator_id ON groups (creator_id)",
    "CREATE INDEX IF NOT EXISTS idx_workers_creator_id ON workers (creator_id)",
    "CREATE INDEX IF NOT EXISTS idx_workers_state_heartbeat ON workers (state, last_heartbeat)",
    "CREATE INDEX IF NOT EXISTS idx_group_worker_group_role ON group_worker (group_id, role)",
    "CREATE INDEX IF NOT EXISTS idx_group_worker_worker_id ON group_worker (worker_id)",
    "CREATE INDEX IF NOT EXISTS idx_attachments_group_id ON attachments (group_id)",
    "CREATE INDEX IF NOT EXISTS idx_artifacts_task_id ON artifacts (task_id)",
    // m20250910_205347
    "ALTER TABLE workers ADD COLUMN IF NOT EXISTS labels text[] NOT NULL DEFAULT '{}'",
    // m20250911_025409
    "CREATE INDEX IF NOT EXISTS \"idx_workers-tags_gin\" ON workers USING gin (tags)",
    "CREATE INDEX IF NOT EXISTS \"idx_active_tasks-tags_gin\" ON active_tasks USING gin (tags)",
    // m20250915_111689
    "ALTER TABLE active_tasks ADD COLUMN IF NOT EXISTS upstream_task_uuid uuid",
    "ALTER TABLE active_tasks ADD COLUMN IF NOT EXISTS downstream_task_uuid uuid",
    "ALTER TABLE archived_tasks ADD COLUMN IF NOT EXISTS upstream_task_uuid uuid",
    "ALTER TABLE archived_tasks ADD COLUMN IF NOT EXISTS downstream_task_uuid uuid",
    // m20251031_000001
    "ALTER TABLE archived_tasks ADD COLUMN IF NOT EXISTS reporter_uuid uuid",
    "CREATE INDEX IF NOT EXISTS \"idx_archived_tasks-reporter_uuid\" ON archived_tasks (reporter_uuid)"
    " WHERE reporter_uuid IS NOT NULL",
};

}  // namespace

std::span<const char* const> original_schema() {
  return kStatements;
}

}  // namespace mito::storage::postgres
