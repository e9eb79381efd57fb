#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/database/postgres/postgres.h"

struct pg_conn;

namespace mito::storage::postgres {

/// Which server, database and role a URL or a `key=value …` text names, together with libpq's environment and service
/// file, and how to connect to it. Any thread.
class Target {
 public:
  /// kUsage: libpq does not understand it; the text names no password. Connects to nothing.
  static Result<Target> parse(const PostgresSettings& settings);

  [[nodiscard]] const PostgresSettings& settings() const { return settings_; }
  /// A new connection; the caller checks its status and frees it.
  [[nodiscard]] pg_conn* connect() const;
  /// Why connecting fails: kUsage with the SQL that helps where the server says what is wrong, else kUnavailable with
  /// libpq's words. Connects once more, to learn the server's error code.
  [[nodiscard]] Error why_not() const;
  /// `mitosis at db.example:5432 as mitosis`, no secrets.
  [[nodiscard]] std::string describe() const;

  [[nodiscard]] const std::string& database() const { return database_; }
  [[nodiscard]] const std::string& role() const { return role_; }

 private:
  explicit Target(PostgresSettings settings) : settings_(std::move(settings)) {}
  struct Attempt {
    std::string sqlstate;
    std::string message;
  };
  /// What libpq makes of the options.
  Result<void> resolve();
  [[nodiscard]] Attempt attempt() const;

  PostgresSettings settings_;
  std::vector<std::pair<std::string, std::string>> options_;
  std::string database_;
  std::string role_;
  std::string place_;
};

/// A name in SQL: quoted where it has to be.
std::string quote_name(const std::string& name);

}  // namespace mito::storage::postgres
