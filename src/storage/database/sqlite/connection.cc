#include "storage/database/sqlite/connection.h"

#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "storage/database/json_text.h"
#include "storage/database/like.h"

namespace mito::storage::sqlite {
namespace {

std::string_view text_of(sqlite3_value* value) {
  const auto* text = static_cast<const char*>(sqlite3_value_blob(value));
  return {text != nullptr ? text : "", static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

/// mito_like(text, pattern): our own, because that of SQLite refuses long patterns and ignores case.
void like_function(sqlite3_context* context, int, sqlite3_value** arguments) {
  sqlite3_result_int(context, like(text_of(arguments[0]), text_of(arguments[1])) ? 1 : 0);
}

/// mito_contains(list, wanted): whether the one stored list holds all members of the other.
void contains_function(sqlite3_context* context, int, sqlite3_value** arguments) {
  sqlite3_result_int(context, list_contains(text_of(arguments[0]), text_of(arguments[1])) ? 1 : 0);
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      handle_(std::exchange(other.handle_, nullptr)),
      keep_(other.keep_),
      error_(std::move(other.error_)) {}

Statement::~Statement() {
  if (handle_ == nullptr) return;
  if (keep_ == Keep::kOnce) {
    sqlite3_finalize(handle_);
  } else {
    sqlite3_reset(handle_);
    sqlite3_clear_bindings(handle_);
  }
}

void Statement::bind(int index, std::nullopt_t, Lifetime) {
  sqlite3_bind_null(handle_, index);
}

void Statement::bind(int index, std::int64_t value, Lifetime) {
  sqlite3_bind_int64(handle_, index, value);
}

void Statement::bind(int index, std::string_view value, Lifetime lifetime) {
  const char* data = value.data() != nullptr ? value.data() : "";
  sqlite3_bind_text64(handle_, index, data, value.size(),
                      lifetime == Lifetime::kCall ? SQLITE_STATIC : SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::bind(int index, const Uuid& value, Lifetime lifetime) {
  sqlite3_bind_blob64(handle_, index, value.bytes.data(), value.bytes.size(),
                      lifetime == Lifetime::kCall ? SQLITE_STATIC : SQLITE_TRANSIENT);
}

Result<bool> Statement::next() {
  if (error_) return fail(*error_);
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(connection_->error(code));
}

Result<int> Statement::finish() {
  MITO_TRY_ASSIGN(const bool row, next());
  const int changed = sqlite3_changes(connection_->handle());
  reset();
  if (row) return fail(ErrorCode::kInternal, "", "a statement without an answer gave a row");
  return changed;
}

void Statement::reset() {
  if (handle_ != nullptr) sqlite3_reset(handle_);
}

Result<std::unique_ptr<Connection>> Connection::open(const SqliteSettings& settings, Role role) {
  sqlite3* handle = nullptr;
  const int access = role == Role::kReader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int code = sqlite3_open_v2(settings.path.c_str(), &handle, access | SQLITE_OPEN_NOMUTEX, nullptr);
  if (handle == nullptr) return fail(ErrorCode::kUnavailable, "There is no memory left to open the database.");
  std::unique_ptr<Connection> connection(new Connection(handle, settings.path.string()));
  if (code != SQLITE_OK) return fail(connection->error(code));
  MITO_TRY(connection->configure(settings, role));
  return connection;
}

Result<void> Connection::configure(const SqliteSettings& settings, Role role) {
  sqlite3_extended_result_codes(handle_, 1);
  // While checkpoints wait for readers, the writer waits for them.
  constexpr std::chrono::milliseconds kForReaders{10};
  const auto patience = role == Role::kCheckpoints ? kForReaders : settings.busy_timeout;
  sqlite3_busy_timeout(handle_, static_cast<int>(patience.count()));
  constexpr int kPure = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  using Function = void (*)(sqlite3_context*, int, sqlite3_value**);
  constexpr std::array<std::pair<const char*, Function>, 2> kFunctions{
      {{"mito_like", like_function}, {"mito_contains", contains_function}}};
  for (const auto& [name, function] : kFunctions) {
    const int code = sqlite3_create_function_v2(handle_, name, 2, kPure, nullptr, function, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return fail(error(code));
  }
  const std::int64_t cache = role == Role::kWriter ? settings.writer_cache_bytes : settings.reader_cache_bytes;
  const std::string pragmas = fmt::format(
      "PRAGMA cache_size = -{}; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;"
      "PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {};",
      cache / 1024, settings.restart_bytes);
  return execute(pragmas.c_str());
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_)
    sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Statement Connection::statement(const char* sql) {
  sqlite3_stmt*& cached = statements_[sql];
  if (cached == nullptr) {
    const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &cached, nullptr);
    if (code != SQLITE_OK) return {*this, nullptr, Statement::Keep::kCached, error(code)};
  }
  return {*this, cached, Statement::Keep::kCached, std::nullopt};
}

Statement Connection::once(const std::string& sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v2(handle_, sql.c_str(), static_cast<int>(sql.size()) + 1, &handle, nullptr);
  if (code != SQLITE_OK) return {*this, nullptr, Statement::Keep::kOnce, error(code)};
  return {*this, handle, Statement::Keep::kOnce, std::nullopt};
}

Result<void> Connection::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return {};
}

std::int64_t Connection::last_id() const {
  return sqlite3_last_insert_rowid(handle_);
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

Error Connection::error(int code) {
  failed_ = true;
  const std::string internal = fmt::format("SQLite {} ({})", code, sqlite3_errmsg(handle_));
  switch (code & 0xFF) {
    case SQLITE_FULL:
      met_full_volume_ = true;
      return {ErrorCode::kStorageFull,
              fmt::format("The volume of the database {} is full. Free some space on it.", path_), internal};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kUnavailable, fmt::format("The database {} is locked by another program.", path_), internal};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return {ErrorCode::kIo,
              fmt::format("The database {} cannot be opened for writing. Check that the file and its directory exist "
                          "and belong to this user.",
                          path_),
              internal};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {
          ErrorCode::kInternal,
          fmt::format("The database file {} is damaged or is no database. Restore it from a backup, or move it away "
                      "to start with an empty one.",
                      path_),
          internal};
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
    case SQLITE_SCHEMA:
      return {ErrorCode::kUnavailable, fmt::format("The database {} cannot be read or written right now.", path_),
              internal};
    default:
      return {ErrorCode::kInternal, "", internal};
  }
}

}  // namespace mito::storage::sqlite
