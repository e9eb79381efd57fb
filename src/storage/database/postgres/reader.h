#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "storage/database/database.h"
#include "storage/database/forward_queries.h"
#include "storage/database/postgres/connection.h"
#include "storage/database/postgres/reading.h"
#include "storage/database/postgres/target.h"

namespace mito::storage::postgres {

/// Where questions wait for a database that is away, until somebody ends all waiting. Any thread.
class Waiting {
 public:
  /// False: waiting has been ended.
  bool wait_for(std::chrono::milliseconds time);
  void end();

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
};

/// A connection that is opened again when it was lost. A question whose connection is lost under it is asked again, and
/// waits for a database that is away (PostgresSettings::read_patience). Used by one thread at a time.
class LastingConnection final : public Asker {
 public:
  LastingConnection(Target target, std::shared_ptr<Waiting> waiting, std::unique_ptr<Connection> connection)
      : target_(std::move(target)), waiting_(std::move(waiting)), connection_(std::move(connection)) {}

  Result<Rows> ask(const char* sql, Params params) override;
  Result<Rows> ask_once(std::string sql, Params params) override;
  /// Not asked again: rows were handed out already.
  Result<void> stream(const char* sql, const std::function<Result<void>(Columns&)>& take) override;

 private:
  Result<void> connect();
  template <class Ask>
  Result<Rows> persist(Ask ask);

  Target target_;
  std::shared_ptr<Waiting> waiting_;
  std::unique_ptr<Connection> connection_;
};

/// A read-only session.
class PostgresReader final : public ForwardQueries<Queries, PostgresReader> {
 public:
  PostgresReader(Target target, std::shared_ptr<Waiting> waiting, std::unique_ptr<Connection> connection)
      : connection_(std::move(target), std::move(waiting), std::move(connection)), reading_(connection_) {}
  Reading* questions() { return &reading_; }

 private:
  LastingConnection connection_;
  Reading reading_;
};

}  // namespace mito::storage::postgres
