#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "storage/database/database.h"

namespace mito::storage {

/// Opens (and creates or migrates) the database a URL names: `sqlite:<path>` or `memory:`.
/// kUsage: the URL is none of these; the text names the forms. Else the errors of the back end.
Result<std::unique_ptr<Database>> open_database(std::string_view url);

}  // namespace mito::storage
