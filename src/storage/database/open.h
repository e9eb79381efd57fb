#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "storage/database/database.h"

namespace mito::storage {

/// What counts for databases on other machines only.
struct OpenOptions {
  /// A writer that is silent for longer loses its turn.
  std::chrono::milliseconds writer_timeout{15'000};
  /// How long a question waits for a database that is away.
  std::chrono::milliseconds read_patience{0};
};

/// Opens the database a URL names: `sqlite:<path>`, `postgres://…`, `postgresql://…` or `memory:`.
/// kUsage: the URL is none of these; the text names the forms. Else the errors of the back end.
Result<std::unique_ptr<Database>> open_database(std::string_view url, const OpenOptions& options = {});

}  // namespace mito::storage
