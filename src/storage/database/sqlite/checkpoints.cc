#include "storage/database/sqlite/checkpoints.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>
#include <utility>

#include <sqlite3.h>

#include "base/logging.h"
#include "storage/database/sqlite/columns.h"

namespace mito::storage::sqlite {
namespace {

constexpr log::Source kLog{"netmito::storage"};

/// How often the log is copied again, because of what came meanwhile, before the writer has to wait.
constexpr int kRounds = 4;

constexpr std::chrono::milliseconds kForTransactions{1'000};

/// Room is made in pieces of this size, so that no transaction waits for long.
constexpr std::int64_t kRoomPiece = 1 << 20;
/// How many times as much must be free on the volume.
constexpr std::uintmax_t kTimesRoom = 16;

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
  return std::unique_ptr<Checkpoints>(new Checkpoints(std::move(connection),
                                                      {.step = pages(settings.checkpoint_bytes),
                                                       .restart = pages(settings.restart_bytes),
                                                       .room_after = pages(settings.room_after_bytes)},
                                                      std::min(settings.room_bytes, settings.restart_bytes),
                                                      settings.path));
}

Checkpoints::Checkpoints(std::unique_ptr<Connection> connection, Pages pages, std::int64_t room_bytes,
                         std::filesystem::path path)
    : connection_(std::move(connection)),
      pages_(pages),
      room_bytes_(room_bytes),
      path_(std::move(path)),
      next_at_pages_(std::min(pages.step, pages.room_after)),
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
  checkpoints_.changed_.wait(lock, [this] { return !checkpoints_.alone_; });
  ++checkpoints_.transactions_;
}

Checkpoints::Turn::~Turn() {
  const std::lock_guard lock(checkpoints_.mutex_);
  --checkpoints_.transactions_;
  if (checkpoints_.alone_) checkpoints_.changed_.notify_all();
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
  if (pages < log_pages_) next_at_pages_ = pages_.step;
  log_pages_ = pages;
  if (log_pages_ >= next_at_pages_) changed_.notify_all();
}

void Checkpoints::run() {
  while (true) {
    bool copies = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || log_pages_ >= next_at_pages_; });
      if (stopping_) return;
      if (!has_room_ && log_pages_ < pages_.step) {
        next_at_pages_ = pages_.step;
      } else {
        next_at_pages_ = log_pages_ + pages_.step;
        copies = true;
      }
    }
    if (!has_room_) make_room();
    if (copies) copy_and_restart();
  }
}

void Checkpoints::copy_and_restart() {
  std::optional<int> missing = copy();
  const bool long_enough = [this] {
    const std::lock_guard lock(mutex_);
    return log_pages_ >= pages_.restart;
  }();
  if (!long_enough) return;
  for (int round = 1; round < kRounds && missing && *missing > pages_.step / 8; ++round)
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

// A transaction or a reader that takes long makes it give up; the next step tries again.
void Checkpoints::restart() {
  alone([this] {
    warn_unless_busy(
        sqlite3_wal_checkpoint_v2(connection_->handle(), "main", SQLITE_CHECKPOINT_RESTART, nullptr, nullptr));
  });
}

bool Checkpoints::alone(const std::function<void()>& work) {
  bool free = false;
  {
    std::unique_lock lock(mutex_);
    alone_ = true;
    free = changed_.wait_for(lock, kForTransactions, [this] { return stopping_ || transactions_ == 0; });
  }
  if (free) work();
  {
    const std::lock_guard lock(mutex_);
    alone_ = false;
  }
  changed_.notify_all();
  return free;
}

void Checkpoints::make_room() {
  const auto stops = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
  // Not on a volume that has little: there it would be missing elsewhere.
  std::error_code unknown;
  const auto volume = std::filesystem::space(path_, unknown);
  if (!unknown && volume.available / kTimesRoom < static_cast<std::uintmax_t>(room_bytes_)) has_room_ = true;
  while (!has_room_ && !stops()) {
    std::optional<std::int64_t> has;
    if (!alone([&] { has = add_room(); })) return;
    // Without: it is not tried again.
    has_room_ = !has || *has >= room_bytes_;
    if (!has) return;
    sqlite3_file* const log = log_file();
    if (log == nullptr || log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) != SQLITE_OK) has_room_ = true;
  }
}

// What stands behind the last frame of a log means nothing to SQLite: a frame of zeros has neither the log's salt nor a
// page. The lock of a writing transaction keeps everybody else from appending meanwhile.
std::optional<std::int64_t> Checkpoints::add_room() {
  if (!connection_->execute("BEGIN IMMEDIATE")) return std::nullopt;
  const auto has = extend_log(room_bytes_);
  if (!connection_->execute("ROLLBACK")) return std::nullopt;
  return has;
}

/// By at most kRoomPiece.
std::optional<std::int64_t> Checkpoints::extend_log(std::int64_t wanted) {
  // More would be more than SQLite's unix layer writes at once.
  static constexpr std::array<char, 64 << 10> kZeros{};
  sqlite3_file* const log = log_file();
  sqlite3_int64 has = 0;
  if (log == nullptr || log->pMethods->xFileSize(log, &has) != SQLITE_OK) return std::nullopt;
  const std::int64_t end = std::min<std::int64_t>(wanted, has + kRoomPiece);
  while (has < end) {
    const auto bytes = std::min<std::int64_t>(end - has, kZeros.size());
    if (log->pMethods->xWrite(log, kZeros.data(), static_cast<int>(bytes), has) != SQLITE_OK) return std::nullopt;
    has += bytes;
  }
  return has;
}

sqlite3_file* Checkpoints::log_file() const {
  sqlite3_file* log = nullptr;
  const int code =
      sqlite3_file_control(connection_->handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  return code == SQLITE_OK && log != nullptr && log->pMethods != nullptr ? log : nullptr;
}

void Checkpoints::warn_unless_busy(int code) {
  if (code != SQLITE_OK && code != SQLITE_BUSY) kLog.warn("{}", describe(connection_->error(code)));
}

}  // namespace mito::storage::sqlite
