#include "storage/database/open.h"

#include <string>

#include "storage/database/memory/memory.h"

namespace mito::storage {

Result<std::unique_ptr<Database>> open_database(std::string_view url) {
  if (url == "memory:") return open_memory();
  return fail(ErrorCode::kUsage,
              "'" + std::string(url) + "' is not a database. Use sqlite:<path of a file>, or memory: for a trial.");
}

}  // namespace mito::storage
