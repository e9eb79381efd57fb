#include "storage/database/sqlite/sqlite.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <sqlite3.h>

#include "storage/database/sqlite/checkpoints.h"
#include "storage/database/sqlite/columns.h"
#include "storage/database/sqlite/connection.h"
#include "storage/database/sqlite/schema.h"
#include "storage/database/sqlite/writer.h"

namespace mito::storage {
namespace {

using sqlite::Connection;

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(SqliteSettings settings, std::shared_ptr<sqlite::Checkpoints> checkpoints)
      : settings_(std::move(settings)), checkpoints_(std::move(checkpoints)) {}

  Result<std::unique_ptr<Writer>> open_writer() override { return sqlite::SqliteWriter::open(settings_, checkpoints_); }
  Result<std::unique_ptr<Queries>> open_reader() override {
    MITO_TRY_ASSIGN(auto connection, Connection::open(settings_, Connection::Role::kReader));
    return std::make_unique<sqlite::SqliteReader>(std::move(connection));
  }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("SQLite {} at {}", sqlite3_libversion(), settings_.path.string());
  }

 private:
  SqliteSettings settings_;
  std::shared_ptr<sqlite::Checkpoints> checkpoints_;
};

/// Only for this user: the database holds password hashes. SQLite gives its other files the same rights.
Result<void> create_private(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
    return {};
  }
  return fail(ErrorCode::kIo,
              fmt::format("The database {} cannot be opened for writing: {}. Its directory must exist and be writable.",
                          path.string(), std::strerror(errno)));
}

Result<void> use_write_ahead_log(Connection& connection, const std::filesystem::path& path) {
  {
    // Its row says "wal" before the file was written, which may still fail: the end of the statement tells.
    sqlite::Statement statement = connection.statement("PRAGMA journal_mode = WAL");
    MITO_TRY_ASSIGN(bool more, statement.ask().next());
    while (more) {
      MITO_TRY_ASSIGN(more, statement.next());
    }
  }
  sqlite::Statement statement = connection.statement("PRAGMA journal_mode");
  MITO_TRY(statement.ask().next());
  if (sqlite::Columns(statement.handle()).text() == "wal") return {};
  return fail(ErrorCode::kIo, fmt::format("The volume of {} does not support SQLite's write-ahead log. Use a directory "
                                          "on a local disk.",
                                          path.string()));
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const SqliteSettings& given) {
  // Statistics of SQLite's memory take a lock in each allocation; nobody asks for them.
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });

  if (given.path.empty()) return fail(ErrorCode::kUsage, "The path of the database is missing: write sqlite:<path>.");
  SqliteSettings settings = given;
  std::error_code ignored;  // Without a working directory the path stays relative, and opening it tells.
  if (auto absolute = std::filesystem::absolute(given.path, ignored); !ignored) settings.path = std::move(absolute);
  MITO_TRY(create_private(settings.path));
  MITO_TRY_ASSIGN(auto connection, Connection::open(settings, Connection::Role::kWriter));
  // First, so that the file of another program stays as it is.
  MITO_TRY(sqlite::migrate(*connection, settings.path.string()));
  MITO_TRY(use_write_ahead_log(*connection, settings.path));
  MITO_TRY_ASSIGN(std::shared_ptr<sqlite::Checkpoints> checkpoints, sqlite::Checkpoints::start(settings));
  return std::make_unique<SqliteDatabase>(std::move(settings), std::move(checkpoints));
}

Result<void> copy_sqlite(const std::filesystem::path& from, const std::filesystem::path& to) {
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };
  using Handle = std::unique_ptr<sqlite3, Close>;
  const auto open = [](const std::filesystem::path& path, int flags) -> Result<Handle> {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
    Handle handle(raw);
    if (code == SQLITE_OK) return handle;
    return fail(ErrorCode::kIo,
                fmt::format("The database {} cannot be opened: {}", path.string(), sqlite3_errstr(code)));
  };
  constexpr int kPatienceMilliseconds = 10'000;
  MITO_TRY_ASSIGN(const Handle source, open(from, SQLITE_OPEN_READONLY));
  sqlite3_busy_timeout(source.get(), kPatienceMilliseconds);
  MITO_TRY(create_private(to));
  MITO_TRY_ASSIGN(const Handle target, open(to, SQLITE_OPEN_READWRITE));
  sqlite3_backup* backup = sqlite3_backup_init(target.get(), "main", source.get(), "main");
  int code = sqlite3_errcode(target.get());
  if (backup != nullptr) {
    // All in one step, under one read transaction: what is written meanwhile does not start it over.
    constexpr int kAllPages = -1;
    sqlite3_backup_step(backup, kAllPages);
    code = sqlite3_backup_finish(backup);
  }
  if (code == SQLITE_OK) return {};
  return fail(ErrorCode::kIo,
              fmt::format("The database {} cannot be copied to {}: {}. Look at the room on the volume and "
                          "the rights of the files.",
                          from.string(), to.string(), sqlite3_errstr(code)));
}

}  // namespace mito::storage
