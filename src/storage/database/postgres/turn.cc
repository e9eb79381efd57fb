#include "storage/database/postgres/turn.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <utility>

#include "base/logging.h"
#include "storage/database/postgres/rows.h"

namespace mito::storage::postgres {
namespace {

using std::chrono::milliseconds;

constexpr log::Source kLog{"netmito::database"};
/// Any number, the same in all our programs: who writes.
constexpr std::int64_t kWriterLock = 0x6d69'746f'0002;
/// How often a standby asks for the lock. It asks instead of waiting in the server because a waiting statement keeps
/// all dead rows of the database from being removed.
constexpr milliseconds kAskEvery{500};
/// How often a holder whose connection was lost tries to get the lock again, and how long a standby leaves it to him.
constexpr milliseconds kRegainEvery{200};
constexpr milliseconds kAfterYou{1'000};

/// Sleeps; false: to be stopped.
bool pause(const std::stop_token& stop, milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  return !wake.wait_for(lock, stop, time, [&] { return stop.stop_requested(); });
}

Result<bool> try_lock(Connection& connection) {
  MITO_TRY_ASSIGN(const std::int64_t got,
                  number(connection.ask("SELECT pg_try_advisory_lock($1)", Params::of(kWriterLock))));
  return got != 0;
}

Result<std::int64_t> stored_epoch(Connection& connection) {
  return number(connection.ask("SELECT epoch FROM mito_writer WHERE id = 1", {}));
}

}  // namespace

Result<std::unique_ptr<PostgresTurn>> PostgresTurn::take(const Target& target, std::shared_ptr<const Epoch> epoch,
                                                         const std::stop_token& stop, TurnEvents events) {
  std::unique_ptr<Connection> connection;
  for (bool waits = false;;) {
    Result<bool> got = false;
    if (!connection || connection->broken()) {
      auto opened = Connection::open(target, Connection::Role::kTurn);
      // A standby outlives a database that is away.
      if (!opened && !waits) return fail(opened.error());
      if (opened) {
        connection = *std::move(opened);
        // After an outage of the database the active coordinator comes first.
        if (waits && !pause(stop, kAfterYou)) break;
      }
    }
    if (stop.stop_requested()) break;
    if (connection && !connection->broken()) got = try_lock(*connection);
    if (got && *got) break;
    if (!got && !connection->broken()) return fail(got.error());
    if (!waits && events.waits) events.waits();
    waits = true;
    if (!pause(stop, kAskEvery)) break;
  }
  if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "Stopped while waiting for its turn.");
  if (connection->server_version() < 140'000)
    kLog.warn("PostgreSQL {} cannot end idle sessions (version 14 can): a coordinator that is frozen keeps its turn",
              connection->server_version() / 10'000);
  return std::unique_ptr<PostgresTurn>(
      new PostgresTurn(target, std::move(epoch), std::move(events), std::move(connection)));
}

PostgresTurn::PostgresTurn(Target target, std::shared_ptr<const Epoch> epoch, TurnEvents events,
                           std::unique_ptr<Connection> connection)
    : target_(std::move(target)),
      epoch_(std::move(epoch)),
      events_(std::move(events)),
      connection_(std::move(connection)),
      thread_([this](const std::stop_token& stop) { keep(stop); }) {
  pthread_setname_np(thread_.native_handle(), "turn");
}

PostgresTurn::~PostgresTurn() {
  thread_.request_stop();
  thread_.join();
}

void PostgresTurn::keep(const std::stop_token& stop) {
  const milliseconds beat = target_.settings().writer_timeout / 3;
  while (pause(stop, connection_->broken() ? std::min(beat, kRegainEvery) : beat)) {
    if (!connection_->broken() && connection_->ask("SELECT 1", {})) continue;
    if (!regain()) {
      if (events_.lost) events_.lost();
      return;
    }
  }
}

bool PostgresTurn::regain() {
  auto opened = Connection::open(target_, Connection::Role::kTurn);
  if (!opened) return true;  // The database is away for everybody.
  const auto epoch = stored_epoch(**opened);
  const std::int64_t ours = epoch_->load();
  if (epoch && ours != 0 && *epoch != ours) return false;
  const auto got = try_lock(**opened);
  // Not ours yet: our own old session may still have it, or another coordinator that has not raised the epoch yet.
  if (!got || !*got) return true;
  kLog.info("the database connection that holds the writer's turn was lost and is back");
  connection_ = *std::move(opened);
  return true;
}

}  // namespace mito::storage::postgres
