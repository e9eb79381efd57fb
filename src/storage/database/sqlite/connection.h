#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "domain/ids.h"
#include "storage/database/sqlite/sqlite.h"

struct sqlite3;
struct sqlite3_stmt;

namespace mito::storage::sqlite {

class Connection;

/// A prepared statement in use; given back (or freed) when this ends. A statement that could not be prepared answers
/// its error from run() or next().
class Statement {
 public:
  enum class Keep { kCached, kOnce };
  Statement(Connection& connection, sqlite3_stmt* handle, Keep keep, std::optional<Error> error)
      : connection_(&connection), handle_(handle), keep_(keep), error_(std::move(error)) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Binds all parameters, runs a statement that answers no rows, and makes it ready for the next run.
  /// The values need to live until this returns only. Answers how many rows were changed.
  template <class... Values>
  Result<int> run(const Values&... values) {
    int index = 0;
    (bind(++index, values, Lifetime::kCall), ...);
    return finish();
  }

  /// Binds all parameters of a question; next() answers its rows. The values are copied.
  template <class... Values>
  Statement& ask(const Values&... values) {
    reset();
    int index = 0;
    (bind(++index, values, Lifetime::kCopied), ...);
    return *this;
  }
  /// True: there is a row, to be read through handle().
  Result<bool> next();

  void bind_copy(int index, std::int64_t value) { bind(index, value, Lifetime::kCopied); }
  void bind_copy(int index, std::string_view value) { bind(index, value, Lifetime::kCopied); }
  void bind_copy(int index, const Uuid& value) { bind(index, value, Lifetime::kCopied); }

  /// The row, for Columns.
  [[nodiscard]] sqlite3_stmt* handle() const { return handle_; }

 private:
  enum class Lifetime { kCall, kCopied };

  void bind(int index, std::nullopt_t, Lifetime lifetime);
  void bind(int index, std::int64_t value, Lifetime lifetime);
  void bind(int index, std::int32_t value, Lifetime lifetime) { bind(index, std::int64_t{value}, lifetime); }
  void bind(int index, bool value, Lifetime lifetime) { bind(index, std::int64_t{value ? 1 : 0}, lifetime); }
  void bind(int index, std::string_view value, Lifetime lifetime);
  void bind(int index, const std::string& value, Lifetime lifetime) { bind(index, std::string_view(value), lifetime); }
  void bind(int index, const Uuid& value, Lifetime lifetime);
  void bind(int index, Timestamp value, Lifetime lifetime) {
    bind(index, std::int64_t{value.time_since_epoch().count()}, lifetime);
  }
  template <class Tag>
  void bind(int index, RowId<Tag> id, Lifetime lifetime) {
    bind(index, id.value, lifetime);
  }
  template <class Tag>
  void bind(int index, const TypedUuid<Tag>& uuid, Lifetime lifetime) {
    bind(index, uuid.value, lifetime);
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void bind(int index, Enum value, Lifetime lifetime) {
    bind(index, static_cast<std::int64_t>(value), lifetime);
  }
  template <class T>
  void bind(int index, const std::optional<T>& value, Lifetime lifetime) {
    if (value)
      bind(index, *value, lifetime);
    else
      bind(index, std::nullopt, lifetime);
  }

  Result<int> finish();
  void reset();

  Connection* connection_;
  sqlite3_stmt* handle_;
  Keep keep_;
  std::optional<Error> error_;
};

/// One connection with its prepared statements. Used by one thread at a time.
class Connection {
 public:
  enum class Role { kWriter, kReader, kCheckpoints };

  /// kIo: the file cannot be opened. Else as error().
  static Result<std::unique_ptr<Connection>> open(const SqliteSettings& settings, Role role);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// A statement that is kept for the next time. It is found again by the address of `sql`, which must stay valid.
  Statement statement(const char* sql);
  /// A statement whose text is made for this one use.
  Statement once(const std::string& sql);
  /// Statements without parameters and rows, separated by semicolons.
  Result<void> execute(const char* sql);

  [[nodiscard]] bool in_transaction() const;
  /// The id of the row that was inserted last.
  [[nodiscard]] std::int64_t last_id() const;
  /// Whether a statement has failed since clear_failure().
  [[nodiscard]] bool failed() const { return failed_; }
  void clear_failure() { failed_ = false; }
  /// Whether a statement has ever failed for want of room on the volume.
  [[nodiscard]] bool met_full_volume() const { return met_full_volume_; }

  /// SQLite's last error on this connection in our terms; makes failed() true.
  Error error(int code);
  [[nodiscard]] sqlite3* handle() const { return handle_; }

 private:
  Connection(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  Result<void> configure(const SqliteSettings& settings, Role role);

  sqlite3* handle_;
  std::string path_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
  bool failed_ = false;
  bool met_full_volume_ = false;
};

/// Runs `read`, which answers a Result, inside one read transaction, so that all its statements see the same rows.
/// Inside the writer's transaction they do anyway.
template <class Read>
auto in_snapshot(Connection& connection, Read read) -> decltype(read()) {
  if (connection.in_transaction()) return read();
  MITO_TRY(connection.execute("BEGIN"));
  auto answer = read();
  const auto ended = connection.execute("COMMIT");
  if (answer && !ended) return fail(ended.error());
  return answer;
}

}  // namespace mito::storage::sqlite
