#include "storage/database/postgres/rows.h"
#include "storage/database/postgres/task_statements.h"
#include "storage/database/postgres/writer.h"

namespace mito::storage::postgres {

Result<WorkerId> PostgresWriter::insert_worker(const NewWorker& worker) {
  MITO_TRY(check_writable());
  static constexpr const char* kSql =
      "INSERT INTO workers (worker_id, creator_id, tags, labels, created_at, updated_at, last_heartbeat)"
      " VALUES ($1, $2, $3, $4, $5, $5, $5) RETURNING id";
  MITO_TRY_ASSIGN(
      const std::int64_t number_of_row,
      number(connection_->ask(kSql, Params::of(worker.uuid, worker.creator, worker.tags, worker.labels, worker.now))));
  const WorkerId id{number_of_row};
  std::vector<WorkerAccess> access;
  access.reserve(worker.access.size());
  for (const auto& [group, role] : worker.access)
    access.push_back({id, group, role});
  MITO_TRY(upsert_access(access));
  if (!worker.lease && worker.features.empty() && worker.info.empty()) return id;
  std::optional<std::int64_t> lease;
  if (worker.lease) lease = worker.lease->count();
  MITO_TRY(write("INSERT INTO mito_workers (worker_id, lease_ms, features, info) VALUES ($1, $2, $3, $4)",
                 Params::of(id, lease, worker.features, worker.info)));
  return id;
}

Result<void> PostgresWriter::update_worker(const Worker& worker) {
  return write("UPDATE workers SET tags = $2, labels = $3, state = $4, updated_at = $5 WHERE id = $1",
               Params::of(worker.id, worker.tags, worker.labels, worker.state, worker.updated_at));
}

Result<void> PostgresWriter::upsert_access(std::span<const WorkerAccess> access) {
  static constexpr const char* kSql =
      "INSERT INTO group_worker (worker_id, group_id, role) VALUES ($1, $2, $3)"
      " ON CONFLICT (group_id, worker_id) DO UPDATE SET role = excluded.role";
  Flight flight;
  for (const WorkerAccess& row : access)
    flight.add(kSql, Params::of(row.worker, row.group, row.role));
  return write_all(flight);
}

Result<void> PostgresWriter::delete_access(WorkerId worker, std::span<const GroupId> groups) {
  Params params;
  params.add(worker).add_column(groups, [](GroupId group) { return group; });
  return write("DELETE FROM group_worker WHERE worker_id = $1 AND group_id = ANY($2)", std::move(params));
}

Result<void> PostgresWriter::delete_workers(std::span<const WorkerId> workers) {
  Flight flight;
  add_departures(flight, workers);
  return write_all(flight);
}

}  // namespace mito::storage::postgres
