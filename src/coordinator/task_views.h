#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/commands.h"
#include "core/directory.h"
#include "protocol/task_messages.h"
#include "protocol/worker_messages.h"
#include "storage/database/rows.h"

// Rows as the API shows them.
namespace mito::coordinator {

/// A task with its typed spec. kInternal when what is stored cannot be read.
Result<protocol::ParsedTaskQueryInfo> parsed_view(const core::Directory& directory, const storage::Task& task);
/// A task in a list: spec and result as stored.
protocol::TaskQueryInfo list_view(const core::Directory& directory, storage::Task task);
std::vector<protocol::ArtifactQueryResp> views(const std::vector<storage::Artifact>& artifacts);
/// What a worker gets to run. kInternal when the stored spec cannot be read.
Result<protocol::WorkerTaskText> worker_view(const core::AssignedTask& task);

}  // namespace mito::coordinator
