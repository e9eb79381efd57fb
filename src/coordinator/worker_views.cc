#include "coordinator/worker_views.h"

#include <string>
#include <utility>

namespace mito::coordinator {

Result<protocol::WorkerQueryInfo> worker_view(const core::Directory& directory, storage::Queries& queries,
                                              storage::Worker worker, WorkerDetail detail) {
  protocol::WorkerQueryInfo info{.worker_id = worker.uuid,
                                 .creator_username = directory.user_name(worker.creator).value_or(std::string()),
                                 .tags = std::move(worker.tags),
                                 .labels = std::move(worker.labels),
                                 .created_at = worker.created_at,
                                 .updated_at = worker.updated_at,
                                 .state = worker.state,
                                 .last_heartbeat = worker.last_heartbeat,
                                 .assigned_task_id = std::nullopt,
                                 .features = std::nullopt,
                                 .lease = std::nullopt,
                                 .info = std::nullopt};
  if (worker.assigned_task) {
    MITO_TRY_ASSIGN(const auto task, queries.task_by_id(*worker.assigned_task));
    if (task && !task->archived) info.assigned_task_id = task->uuid;
  }
  if (detail == WorkerDetail::kOurs) {
    info.features = std::move(worker.features);
    if (worker.lease) info.lease = Duration::from(*worker.lease);
    if (!worker.info.empty()) info.info = protocol::RawObject{std::move(worker.info)};
  }
  return info;
}

}  // namespace mito::coordinator
