#include "storage/database/sqlite/writer.h"

// Objects and facts: what is written about bytes that lie elsewhere.
namespace mito::storage::sqlite {

Result<void> SqliteWriter::upsert_artifact(const Artifact& artifact) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_
               ->statement("INSERT INTO artifacts (task_id, content_type, size, created_at, updated_at)"
                           " VALUES (?, ?, ?, ?, ?) ON CONFLICT (task_id, content_type)"
                           " DO UPDATE SET size = excluded.size, updated_at = excluded.updated_at")
               .run(artifact.task, artifact.content_type, artifact.size, artifact.created_at, artifact.updated_at));
  return {};
}

Result<void> SqliteWriter::delete_artifact(TaskUuid task, ArtifactContentType type) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_->statement("DELETE FROM artifacts WHERE task_id = ? AND content_type = ?").run(task, type));
  return {};
}

Result<void> SqliteWriter::upsert_attachment(const Attachment& attachment) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_
               ->statement("INSERT INTO attachments (group_id, key, size, created_at, updated_at)"
                           " VALUES (?, ?, ?, ?, ?) ON CONFLICT (group_id, key)"
                           " DO UPDATE SET size = excluded.size, updated_at = excluded.updated_at")
               .run(attachment.group, attachment.key, attachment.size, attachment.created_at, attachment.updated_at));
  return {};
}

Result<void> SqliteWriter::delete_attachment(GroupId group, std::string_view key) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_->statement("DELETE FROM attachments WHERE group_id = ? AND key = ?").run(group, key));
  return {};
}

Result<void> SqliteWriter::set_fact(std::string_view name, std::string_view value) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_
               ->statement("INSERT INTO mito_facts (name, value) VALUES (?, ?)"
                           " ON CONFLICT (name) DO UPDATE SET value = excluded.value")
               .run(name, value));
  return {};
}

}  // namespace mito::storage::sqlite
