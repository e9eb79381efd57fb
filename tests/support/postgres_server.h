#pragma once

#include <string>

namespace mito::testing {

/// A PostgreSQL server for this process, started at first use and stopped when the process ends.
/// The environment's MITO_TEST_POSTGRES, a superuser's URL, names one that runs already.
class PostgresServer {
 public:
  /// Throws std::runtime_error when it does not start.
  static const PostgresServer& instance();
  /// Whether its programs are installed.
  static bool can_run();

  /// The URL of a new, empty database, for its owner.
  [[nodiscard]] std::string new_database() const;
  /// The URL of a copy of a database to which nobody is connected.
  [[nodiscard]] std::string copy_of(const std::string& url) const;
  /// Runs statements as superuser; the first column of the first row, if there is one. Throws std::runtime_error.
  std::string run(const std::string& sql, const std::string& database = {}) const;
  /// The superuser's URL.
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  PostgresServer();
  [[nodiscard]] std::string url_of(const std::string& role, const std::string& database) const;
  std::string url_;
};

}  // namespace mito::testing
