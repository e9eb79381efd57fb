#pragma once

#include <string>

#include "base/result.h"
#include "storage/database/sqlite/connection.h"

namespace mito::storage::sqlite {

/// Makes the tables, or brings those of an older program up to date, in one transaction.
/// kUsage: `path` was made by a newer program, or holds tables of another program.
Result<void> migrate(Connection& connection, const std::string& path);

}  // namespace mito::storage::sqlite
