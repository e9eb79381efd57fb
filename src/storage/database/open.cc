#include "storage/database/open.h"

#include <string>

#include "storage/database/memory/memory.h"
#include "storage/database/postgres/postgres.h"
#include "storage/database/sqlite/sqlite.h"

namespace mito::storage {

Result<std::unique_ptr<Database>> open_database(std::string_view url, const OpenOptions& options) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite)) return open_sqlite({.path = std::string(url.substr(kSqlite.size()))});
  if (is_postgres_url(url)) {
    PostgresSettings settings;
    settings.url = url;
    settings.writer_timeout = options.writer_timeout;
    settings.read_patience = options.read_patience;
    return open_postgres(settings);
  }
  if (url == "memory:") return open_memory();
  return fail(ErrorCode::kUsage,
              "'" + std::string(url.substr(0, url.find(':'))) +
                  "' is not a kind of database. Use sqlite:<path of a file>, postgres://role:password@host/database, "
                  "'host=… dbname=… user=… password=…', or memory: for a trial.");
}

}  // namespace mito::storage
