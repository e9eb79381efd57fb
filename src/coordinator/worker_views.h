#pragma once

#include <cstdint>

#include "base/result.h"
#include "core/directory.h"
#include "protocol/worker_messages.h"
#include "storage/database/database.h"

namespace mito::coordinator {

/// How much of a worker is shown: what the original shows, or also features, lease and info.
enum class WorkerDetail : std::uint8_t { kOriginal, kOurs };

/// A worker as the API shows it; asks for the UUID of its task.
Result<protocol::WorkerQueryInfo> worker_view(const core::Directory& directory, storage::Queries& queries,
                                              storage::Worker worker, WorkerDetail detail);

}  // namespace mito::coordinator
