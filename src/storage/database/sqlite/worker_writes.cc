#include "storage/database/json_text.h"
#include "storage/database/sqlite/writer.h"

namespace mito::storage::sqlite {

Result<WorkerId> SqliteWriter::insert_worker(const NewWorker& worker) {
  MITO_TRY(check_writable());
  const auto lease = worker.lease.transform([](std::chrono::milliseconds length) { return length.count(); });
  MITO_TRY(connection_
               ->statement("INSERT INTO workers (worker_id, creator_id, tags, labels, lease_ms, features, info,"
                           " created_at, updated_at, last_heartbeat) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8)")
               .run(worker.uuid, worker.creator, encode_list(worker.tags), encode_list(worker.labels), lease,
                    encode_list(worker.features), worker.info, worker.now));
  const WorkerId id{connection_->last_id()};
  std::vector<WorkerAccess> access;
  access.reserve(worker.access.size());
  for (const auto& [group, role] : worker.access)
    access.push_back({id, group, role});
  MITO_TRY(upsert_access(access));
  return id;
}

Result<void> SqliteWriter::update_worker(const Worker& worker) {
  MITO_TRY(check_writable());
  MITO_TRY(
      connection_->statement("UPDATE workers SET tags = ?2, labels = ?3, state = ?4, updated_at = ?5 WHERE id = ?1")
          .run(worker.id, encode_list(worker.tags), encode_list(worker.labels), worker.state, worker.updated_at));
  return {};
}

Result<void> SqliteWriter::upsert_access(std::span<const WorkerAccess> access) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement(
      "INSERT INTO group_worker (worker_id, group_id, role) VALUES (?, ?, ?)"
      " ON CONFLICT (worker_id, group_id) DO UPDATE SET role = excluded.role");
  for (const WorkerAccess& row : access)
    MITO_TRY(statement.run(row.worker, row.group, row.role));
  return {};
}

Result<void> SqliteWriter::delete_access(WorkerId worker, std::span<const GroupId> groups) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement("DELETE FROM group_worker WHERE worker_id = ? AND group_id = ?");
  for (const GroupId group : groups)
    MITO_TRY(statement.run(worker, group));
  return {};
}

Result<void> SqliteWriter::delete_workers(std::span<const WorkerId> workers) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement("DELETE FROM workers WHERE id = ?");
  for (const WorkerId worker : workers)
    MITO_TRY(statement.run(worker));
  return {};
}

Result<void> SqliteWriter::write_heartbeats(std::span<const std::pair<WorkerId, Timestamp>> heartbeats) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement("UPDATE workers SET last_heartbeat = ? WHERE id = ?");
  for (const auto& [worker, time] : heartbeats)
    MITO_TRY(statement.run(time, worker));
  return {};
}

}  // namespace mito::storage::sqlite
