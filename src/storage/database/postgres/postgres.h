#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "storage/database/database.h"

namespace mito::storage {

struct PostgresSettings {
  /// `postgres://…`, `postgresql://…` or libpq's `key=value …`; every option of libpq counts.
  std::string url;
  /// A statement that takes longer is given up, on the server and here.
  std::chrono::milliseconds statement_timeout{30'000};
  /// A writer that is silent for longer (frozen, cut off) loses its turn and its transaction.
  std::chrono::milliseconds writer_timeout{15'000};
  /// How long a writer waits for a row that another one has locked.
  std::chrono::milliseconds lock_timeout{5'000};
  /// How long a question waits for a database that is away before it fails.
  std::chrono::milliseconds read_patience{0};
};

/// Whether a URL names a PostgreSQL database, or a text of the form `key=value …` does.
bool is_postgres_url(std::string_view url);

/// Connects to see whether the database can be used; Database::open_writer creates or migrates its tables.
///
/// kUsage, with the SQL that helps: the URL is not understood, database or role are missing, the password is wrong.
/// kUnavailable: nobody answers there.
Result<std::unique_ptr<Database>> open_postgres(const PostgresSettings& settings);

/// Looks at a PostgreSQL database without changing it: whether it can be reached and used, and by which program its
/// tables were made. The text of success; errors as for open_postgres.
Result<std::string> check_postgres(const PostgresSettings& settings);

}  // namespace mito::storage
