#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "coordinator/context.h"
#include "coordinator/services.h"
#include "protocol/task_messages.h"
#include "storage/database/database.h"

namespace mito::coordinator {

/// Books an artifact of `task` and makes its upload link, within a transaction. The link is handed out after
/// removal_over(). Errors in the original's order: group missing, group not active, quota, length.
Result<Written<protocol::UploadArtifactResp>> announce_artifact(Services& services, storage::Writer& writer,
                                                                const storage::Task& task,
                                                                const protocol::UploadArtifactReq& request,
                                                                std::string_view base, Timestamp now);

/// `Artifact with uuid <uuid> and content type <result.tar.gz>`
Error no_such_artifact(TaskUuid task, ArtifactContentType type);

/// The row of the artifact of the path; no_such_artifact when it is not there.
Result<storage::Artifact> find_artifact(const Context& context, storage::Queries& queries);
/// A link to it.
Result<protocol::RemoteResourceDownloadResp> artifact_link(Context& context, const storage::Artifact& artifact);

}  // namespace mito::coordinator
