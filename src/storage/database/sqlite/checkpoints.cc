#include "storage/database/sqlite/checkpoints.h"

#include <algorithm>

#include <sqlite3.h>

#include "base/logging.h"
#include "storage/database/sqlite/columns.h"

namespace mito::storage::sqlite {
namespace {

constexpr log::Source kLog{"netmito::storage"};

int after_commit(void* checkpoints, sqlite3*, const char*, int pages) {
  static_cast<Checkpoints*>(checkpoints)->log_has(pages);
  return SQLITE_OK;
}

}  // namespace

Result<std::unique_ptr<Checkpoints>> Checkpoints::start(const SqliteSettings& settings) {
  MITO_TRY_ASSIGN(auto connection, Connection::open(settings, Connection::Role::kCheckpoints));
  std::int64_t page_bytes = 0;
  {
    Statement statement = connection->statement("PRAGMA page_size");
    MITO_TRY(statement.ask().next());
    page_bytes = std::max<std::int64_t>(Columns(statement.handle()).integer(), 512);
  }
  const auto pages = [&](std::int64_t bytes) {
    return static_cast<int>(std::max<std::int64_t>(bytes / page_bytes, 1));
  };
  return std::unique_ptr<Checkpoints>(
      new Checkpoints(std::move(connection), pages(settings.checkpoint_bytes), pages(settings.restart_bytes)));
}

Checkpoints::Checkpoints(std::unique_ptr<Connection> connection, int step_pages, int restart_pages)
    : connection_(std::move(connection)),
      step_pages_(step_pages),
      restart_pages_(restart_pages),
      next_at_pages_(step_pages),
      thread_([this] { run(); }) {}

Checkpoints::~Checkpoints() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Checkpoints::watch(Connection& writer) {
  sqlite3_wal_hook(writer.handle(), after_commit, this);
}

void Checkpoints::log_has(int pages) {
  const std::lock_guard lock(mutex_);
  // Shorter than before: the log was started over.
  if (pages < log_pages_) next_at_pages_ = step_pages_;
  log_pages_ = pages;
  if (log_pages_ >= next_at_pages_) wake_.notify_one();
}

void Checkpoints::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || log_pages_ >= next_at_pages_; });
      if (stopping_) return;
      next_at_pages_ = log_pages_ + step_pages_;
    }
    checkpoint();
  }
}

void Checkpoints::checkpoint() {
  int log = 0;
  int copied = 0;
  int code = sqlite3_wal_checkpoint_v2(connection_->handle(), "main", SQLITE_CHECKPOINT_PASSIVE, &log, &copied);
  if (code == SQLITE_OK && log > restart_pages_)
    code = sqlite3_wal_checkpoint_v2(connection_->handle(), "main", SQLITE_CHECKPOINT_RESTART, &log, &copied);
  // Busy: a reader or the writer is in the way; the next one does it.
  if (code != SQLITE_OK && code != SQLITE_BUSY) kLog.warn("{}", describe(connection_->error(code)));
}

}  // namespace mito::storage::sqlite
