#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/database/postgres/columns.h"
#include "storage/database/postgres/params.h"
#include "storage/database/postgres/target.h"

struct pg_conn;
struct pg_result;

namespace mito::storage::postgres {

/// What a statement answered.
class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result, &free) {}

  [[nodiscard]] int count() const;
  /// How many rows a statement changed.
  [[nodiscard]] std::int64_t changed() const;
  [[nodiscard]] Columns row(int number) const { return {result_.get(), number}; }

 private:
  static void free(pg_result* result);
  std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

/// Statements that go to the server together, in one round trip.
class Flight {
 public:
  enum class Keep { kPrepared, kOnce };
  /// A statement that is kept prepared. It is found again by the address of `sql`, which must stay valid.
  Flight& add(const char* sql, Params params = {}) {
    statements_.push_back({sql, {}, std::move(params), Keep::kPrepared});
    return *this;
  }
  /// A statement whose text is made for this one use.
  Flight& once(std::string sql, Params params = {}) {
    statements_.push_back({nullptr, std::move(sql), std::move(params), Keep::kOnce});
    return *this;
  }
  [[nodiscard]] bool empty() const { return statements_.empty(); }
  [[nodiscard]] std::size_t size() const { return statements_.size(); }

 private:
  friend class Connection;
  struct Statement {
    const char* sql;
    std::string text;
    Params params;
    Keep keep;
    [[nodiscard]] const char* words() const { return sql != nullptr ? sql : text.c_str(); }
  };
  std::vector<Statement> statements_;
};

/// The answers up to the first statement that failed, and its error.
struct Landing {
  std::vector<Rows> rows;
  std::optional<Error> error;
  bool condition_failed = false;  ///< The error is a division by zero: see Unless::kFails.
};

/// Something that answers questions. Used by one thread at a time.
class Asker {
 public:
  virtual ~Asker() = default;
  /// A statement that is kept prepared; see Flight.
  virtual Result<Rows> ask(const char* sql, Params params) = 0;
  virtual Result<Rows> ask_once(std::string sql, Params params) = 0;
  /// Hands every row of a question to `take` as it comes in.
  virtual Result<void> stream(const char* sql, const std::function<Result<void>(Columns&)>& take) = 0;
};

/// One connection in pipeline mode with its prepared statements. Used by one thread at a time.
///
/// Every wait has a deadline (PostgresSettings::statement_timeout). After a lost connection or a missed deadline it is
/// broken and answers kUnavailable for good.
class Connection final : public Asker {
 public:
  enum class Role { kWriter, kReader, kTurn };

  /// kUnavailable: nobody answers, or the server refuses.
  static Result<std::unique_ptr<Connection>> open(const Target& target, Role role);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Sends all statements and reads all answers.
  Landing fly(const Flight& flight);
  /// The same for statements that must all succeed.
  Result<std::vector<Rows>> run(const Flight& flight);
  Result<Rows> ask(const char* sql, Params params) override;
  Result<Rows> ask_once(std::string sql, Params params) override;
  Result<void> stream(const char* sql, const std::function<Result<void>(Columns&)>& take) override;

  [[nodiscard]] bool broken() const { return broken_; }
  /// Whether a statement has failed since clear_failure().
  [[nodiscard]] bool failed() const { return failed_; }
  void clear_failure() { failed_ = false; }
  /// The server's version, as 150004 for 15.4.
  [[nodiscard]] int server_version() const;

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  Connection(pg_conn* handle, std::chrono::milliseconds patience) : handle_(handle), patience_(patience) {}
  Result<void> configure(const PostgresSettings& settings, Role role);

  Result<void> send(const Flight::Statement& statement);
  Result<void> prepare(const char* sql, const Params::Raw& raw);
  Result<void> push(Deadline deadline);
  Result<void> wait(Deadline deadline, bool for_writing);
  /// Ends one statement of a pipeline: its only result, or nothing when another one was aborted before it.
  Result<pg_result*> next(Deadline deadline);
  Result<void> land_prepared(Deadline deadline, const char* sql, std::optional<Error>& error);
  Result<void> land(const Flight& flight, Landing& landing);
  Result<void> stream_rows(const char* sql, const std::function<Result<void>(Columns&)>& take);
  Error lose(std::string_view reason);

  pg_conn* handle_;
  std::chrono::milliseconds patience_;
  std::unordered_map<const char*, std::string> prepared_;
  std::vector<bool> prepares_;  ///< For each statement in flight: whether it is prepared just before.
  std::uint64_t names_ = 0;
  bool broken_ = false;
  bool failed_ = false;
};

}  // namespace mito::storage::postgres
