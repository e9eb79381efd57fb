#include "storage/database/postgres/writer.h"

// Objects and facts: what is written about bytes that lie elsewhere.
namespace mito::storage::postgres {

Result<void> PostgresWriter::upsert_artifact(const Artifact& artifact) {
  static constexpr const char* kSql =
      "INSERT INTO artifacts (task_id, content_type, size, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)"
      " ON CONFLICT (task_id, content_type) DO UPDATE SET size = excluded.size, updated_at = excluded.updated_at";
  return write(
      kSql, Params::of(artifact.task, artifact.content_type, artifact.size, artifact.created_at, artifact.updated_at));
}

Result<void> PostgresWriter::delete_artifact(TaskUuid task, ArtifactContentType type) {
  return write("DELETE FROM artifacts WHERE task_id = $1 AND content_type = $2", Params::of(task, type));
}

Result<void> PostgresWriter::upsert_attachment(const Attachment& attachment) {
  static constexpr const char* kSql =
      "INSERT INTO attachments (group_id, key, size, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)"
      " ON CONFLICT (group_id, key) DO UPDATE SET size = excluded.size, updated_at = excluded.updated_at";
  return write(kSql, Params::of(attachment.group, attachment.key, attachment.size, attachment.created_at,
                                attachment.updated_at));
}

Result<void> PostgresWriter::delete_attachment(GroupId group, std::string_view key) {
  return write("DELETE FROM attachments WHERE group_id = $1 AND key = $2", Params::of(group, key));
}

Result<void> PostgresWriter::set_fact(std::string_view name, std::string_view value) {
  static constexpr const char* kSql =
      "INSERT INTO mito_facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
  return write(kSql, Params::of(name, Binary{value}));
}

}  // namespace mito::storage::postgres
