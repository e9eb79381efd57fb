#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "cli/table.h"
#include "protocol/messages.h"

// Workers in words and tables.
namespace mito::cli {

/// Everything about one worker, a line each.
std::string render_worker(const protocol::WorkerQueryInfo& worker, Timestamp now);

/// A row for each worker.
Table worker_table(const std::vector<protocol::WorkerQueryInfo>& workers, Timestamp now);

}  // namespace mito::cli
