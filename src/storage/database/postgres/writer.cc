#include "storage/database/postgres/writer.h"

#include "storage/database/postgres/errors.h"
#include "storage/database/postgres/rows.h"
#include "storage/database/postgres/schema.h"

namespace mito::storage::postgres {
namespace {

constexpr const char* kBegin = "BEGIN";
constexpr const char* kCommit = "COMMIT";
constexpr const char* kFence = "UPDATE mito_writer SET batch = batch + 1 WHERE id = 1 AND epoch = $1 AND batch = $2";
/// Divides by zero when the row is not ours any more.
constexpr const char* kFenceOrFail =
    "WITH held AS (UPDATE mito_writer SET batch = batch + 1 WHERE id = 1 AND epoch = $1 AND batch = $2 RETURNING 1)"
    " SELECT 1 / count(*) FROM held";

struct Fence {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;
};

Fence read_fence(Columns& c) {
  return {.epoch = c.integer(), .batch = c.integer()};
}

Result<Fence> fence_of(Result<Rows> rows) {
  MITO_TRY_ASSIGN(const std::optional<Fence> fence, one(std::move(rows), read_fence));
  if (!fence) return fail(ErrorCode::kInternal, "", "the row of mito_writer is missing");
  return *fence;
}

Error fenced() {
  return {ErrorCode::kFenced, "Another coordinator has taken over the database."};
}

}  // namespace

PostgresWriter::PostgresWriter(Target target, std::unique_ptr<Connection> connection)
    : target_(std::move(target)), connection_(std::move(connection)), reading_(*connection_) {}

PostgresWriter::~PostgresWriter() {
  rollback();
}

Result<std::unique_ptr<PostgresWriter>> PostgresWriter::open(const Target& target, std::shared_ptr<Epoch> epoch) {
  MITO_TRY(migrate(target));
  MITO_TRY_ASSIGN(auto connection, Connection::open(target, Connection::Role::kWriter));
  std::unique_ptr<PostgresWriter> writer(new PostgresWriter(target, std::move(connection)));
  MITO_TRY(writer->take_over());
  epoch->store(writer->epoch_);
  return writer;
}

// Ids start behind those of all tasks: a sequence does not come along with rows that were copied from elsewhere.
Result<void> PostgresWriter::take_over() {
  MITO_TRY_ASSIGN(
      const Fence fence,
      fence_of(connection_->ask("UPDATE mito_writer SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch, batch", {})));
  MITO_TRY(
      connection_->ask("SELECT setval('active_tasks_id_seq', greatest(nextval('active_tasks_id_seq'),"
                       " (SELECT max(id) FROM active_tasks), (SELECT max(id) FROM archived_tasks)))",
                       {}));
  epoch_ = fence.epoch;
  committed_ = batch_ = static_cast<std::uint64_t>(fence.batch);
  return {};
}

Result<void> PostgresWriter::check_idle() {
  if (in_transaction_) return fail(ErrorCode::kInternal, "", "begin inside a transaction");
  if (connection_->broken()) return fail(connection_error("recover() is missing"));
  connection_->clear_failure();
  savepoint_ = false;
  return {};
}

void PostgresWriter::add_begin(Flight& flight, Unless unless) const {
  flight.add(kBegin).add(unless == Unless::kTold ? kFence : kFenceOrFail,
                         Params::of(epoch_, static_cast<std::int64_t>(committed_)));
}

void PostgresWriter::add_commit(Flight& flight) {
  flight.add(kCommit);
}

Result<void> PostgresWriter::begin() {
  MITO_TRY(check_idle());
  Flight flight;
  add_begin(flight);
  in_transaction_ = true;
  const auto rows = connection_->run(flight);
  if (rows && rows->back().changed() == 1) {
    batch_ = committed_ + 1;
    return {};
  }
  Error error = rows ? lost_the_fence() : rows.error();
  rollback();
  return fail(std::move(error));
}

Error PostgresWriter::lost_the_fence() {
  const auto fence = fence_of(connection_->ask("SELECT epoch, batch FROM mito_writer WHERE id = 1", {}));
  if (!fence) return fence.error();
  if (fence->epoch != epoch_) return fenced();
  return {ErrorCode::kUnavailable, "The outcome of the last transaction is not known yet.", "recover() is missing"};
}

Result<void> PostgresWriter::commit() {
  if (!in_transaction_) return fail(ErrorCode::kInternal, "", "commit without a transaction");
  if (connection_->failed() && !connection_->broken())
    return fail(ErrorCode::kInternal, "", "commit of a transaction in which a statement failed");
  const auto done = connection_->ask(kCommit, {});
  if (!done) {
    // Without an answer of the server it may have happened.
    if (connection_->broken()) in_transaction_ = false;
    return fail(done.error());
  }
  in_transaction_ = false;
  committed_ = batch_;
  return {};
}

void PostgresWriter::rollback() {
  if (!in_transaction_) return;
  in_transaction_ = false;
  savepoint_ = false;
  if (connection_->broken()) return;
  // Should it fail, the connection is broken, and with it the transaction.
  [[maybe_unused]] const auto done = connection_->ask("ROLLBACK", {});
}

Result<void> PostgresWriter::savepoint() {
  MITO_TRY(check_writable());
  if (savepoint_) return fail(ErrorCode::kInternal, "", "savepoints do not nest");
  MITO_TRY(connection_->ask("SAVEPOINT member", {}));
  savepoint_ = true;
  return {};
}

Result<void> PostgresWriter::release_savepoint() {
  MITO_TRY(check_writable());
  if (!savepoint_) return fail(ErrorCode::kInternal, "", "no savepoint to release");
  MITO_TRY(connection_->ask("RELEASE SAVEPOINT member", {}));
  savepoint_ = false;
  return {};
}

Result<void> PostgresWriter::rollback_to_savepoint() {
  if (!savepoint_ || !in_transaction_) return fail(ErrorCode::kInternal, "", "no savepoint to roll back to");
  // Prepared before, these two work in a transaction that has failed; unprepared they do, too.
  MITO_TRY(connection_->run(Flight().once("ROLLBACK TO SAVEPOINT member").once("RELEASE SAVEPOINT member")));
  savepoint_ = false;
  connection_->clear_failure();
  return {};
}

// A statement of the lost connection may still run; what it commits, it commits under the lock of the fence's row, for
// which this waits. Whatever begins there later finds another number and changes nothing.
Result<std::uint64_t> PostgresWriter::recover() {
  rollback();
  MITO_TRY_ASSIGN(auto connection, Connection::open(target_, Connection::Role::kWriter));
  MITO_TRY_ASSIGN(const Fence fence,
                  fence_of(connection->ask("SELECT epoch, batch FROM mito_writer WHERE id = 1 FOR UPDATE", {})));
  if (fence.epoch != epoch_) return fail(fenced());
  connection_ = std::move(connection);
  reading_ = Reading(*connection_);
  savepoint_ = false;
  committed_ = static_cast<std::uint64_t>(fence.batch);
  return committed_;
}

Result<TaskId> PostgresWriter::reserve_task_ids(std::size_t count) {
  static constexpr const char* kSql =
      "SELECT setval('active_tasks_id_seq', nextval('active_tasks_id_seq') + $1 - 1) - $1 + 1";
  MITO_TRY_ASSIGN(const std::int64_t first,
                  number(connection_->ask(kSql, Params::of(static_cast<std::int64_t>(count)))));
  return TaskId{first};
}

Result<void> PostgresWriter::check_writable() const {
  if (!in_transaction_) return fail(ErrorCode::kInternal, "", "a write outside of a transaction");
  if (connection_->broken()) return fail(connection_error("it was lost before"));
  if (connection_->failed()) return fail(ErrorCode::kInternal, "", "a write after a failed statement");
  return {};
}

Result<void> PostgresWriter::write(const char* sql, Params params) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_->ask(sql, std::move(params)));
  return {};
}

Result<void> PostgresWriter::write_all(const Flight& flight) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_->run(flight));
  return {};
}

}  // namespace mito::storage::postgres
