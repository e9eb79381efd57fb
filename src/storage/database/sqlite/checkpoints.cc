#include "storage/database/sqlite/checkpoints.h"

#include <algorithm>
#include <chrono>

#include <sqlite3.h>

#include "base/logging.h"
#include "storage/database/sqlite/columns.h"

namespace mito::storage::sqlite {
namespace {

constexpr log::Source kLog{"netmito::storage"};

/// How often the log is copied again, because of what came meanwhile, before the writer has to wait.
constexpr int kRounds = 4;

constexpr std::chrono::milliseconds kForTransactions{1'000};

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
  changed_.notify_all();
  thread_.join();
}

Checkpoints::Turn::Turn(Checkpoints& checkpoints) : checkpoints_(checkpoints) {
  std::unique_lock lock(checkpoints_.mutex_);
  checkpoints_.changed_.wait(lock, [this] { return !checkpoints_.restarting_; });
  ++checkpoints_.transactions_;
}

Checkpoints::Turn::~Turn() {
  const std::lock_guard lock(checkpoints_.mutex_);
  --checkpoints_.transactions_;
  if (checkpoints_.restarting_) checkpoints_.changed_.notify_all();
}

void Checkpoints::watch(Connection& writer) {
  const auto after_commit = [](void* self, sqlite3*, const char*, int pages) {
    static_cast<Checkpoints*>(self)->log_has(pages);
    return SQLITE_OK;
  };
  sqlite3_wal_hook(writer.handle(), after_commit, this);
}

void Checkpoints::log_has(int pages) {
  const std::lock_guard lock(mutex_);
  // Shorter than before: the log was started over.
  if (pages < log_pages_) next_at_pages_ = step_pages_;
  log_pages_ = pages;
  if (log_pages_ >= next_at_pages_) changed_.notify_all();
}

void Checkpoints::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || log_pages_ >= next_at_pages_; });
      if (stopping_) return;
      next_at_pages_ = log_pages_ + step_pages_;
    }
    copy_and_restart();
  }
}

void Checkpoints::copy_and_restart() {
  std::optional<int> missing = copy();
  const bool long_enough = [this] {
    const std::lock_guard lock(mutex_);
    return log_pages_ >= restart_pages_;
  }();
  if (!long_enough) return;
  for (int round = 1; round < kRounds && missing && *missing > step_pages_ / 8; ++round)
    missing = copy();
  if (missing) restart();
}

std::optional<int> Checkpoints::copy() {
  int copied = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(connection_->handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, &copied);
  warn_unless_busy(code);
  if (code != SQLITE_OK) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return std::max(log_pages_ - copied, 0);
}

void Checkpoints::restart() {
  bool free = false;
  {
    std::unique_lock lock(mutex_);
    restarting_ = true;
    free = changed_.wait_for(lock, kForTransactions, [this] { return stopping_ || transactions_ == 0; });
  }
  // A transaction or a reader that takes long makes it give up; the next step tries again.
  if (free)
    warn_unless_busy(
        sqlite3_wal_checkpoint_v2(connection_->handle(), "main", SQLITE_CHECKPOINT_RESTART, nullptr, nullptr));
  {
    const std::lock_guard lock(mutex_);
    restarting_ = false;
  }
  changed_.notify_all();
}

void Checkpoints::warn_unless_busy(int code) {
  if (code != SQLITE_OK && code != SQLITE_BUSY) kLog.warn("{}", describe(connection_->error(code)));
}

}  // namespace mito::storage::sqlite
