#include "storage/database/open.h"

#include <string>

#include "storage/database/memory/memory.h"
#include "storage/database/sqlite/sqlite.h"

namespace mito::storage {

Result<std::unique_ptr<Database>> open_database(std::string_view url) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite)) return open_sqlite({.path = std::string(url.substr(kSqlite.size()))});
  if (url == "memory:") return open_memory();
  return fail(ErrorCode::kUsage,
              "'" + std::string(url) + "' is not a database. Use sqlite:<path of a file>, or memory: for a trial.");
}

}  // namespace mito::storage
