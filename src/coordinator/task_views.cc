#include "coordinator/task_views.h"

#include <algorithm>
#include <utility>

#include "protocol/codec.h"

namespace mito::coordinator {

namespace {

std::string name_of(const core::Directory& directory, UserId user) {
  return directory.user_name(user).value_or(std::string());
}
std::string name_of(const core::Directory& directory, GroupId group) {
  return directory.group_name(group).value_or(std::string());
}

std::unexpected<Error> unreadable(const char* what, TaskUuid task, const protocol::DecodeError& error) {
  return fail(ErrorCode::kInternal, {},
              std::string("the stored ") + what + " of task " + task.to_string() + ": " + error.text());
}

}  // namespace

Result<protocol::ParsedTaskQueryInfo> parsed_view(const core::Directory& directory, const storage::Task& task) {
  auto spec = protocol::decode<TaskSpec>(task.spec);
  if (!spec) return unreadable("spec", task.uuid, spec.error());
  std::optional<TaskResult> result;
  if (task.result) {
    auto decoded = protocol::decode<TaskResult>(*task.result);
    if (!decoded) return unreadable("result", task.uuid, decoded.error());
    result = *decoded;
  }
  return protocol::ParsedTaskQueryInfo{.uuid = task.uuid,
                                       .creator_username = name_of(directory, task.creator),
                                       .group_name = name_of(directory, task.group),
                                       .task_id = task.number,
                                       .tags = task.tags,
                                       .labels = task.labels,
                                       .created_at = task.created_at,
                                       .updated_at = task.updated_at,
                                       .state = task.state,
                                       .timeout = task.timeout_seconds,
                                       .priority = task.priority,
                                       .spec = std::move(*spec),
                                       .result = result,
                                       .upstream_task_uuid = task.upstream,
                                       .downstream_task_uuid = task.downstream,
                                       .reporter_uuid = task.reporter};
}

protocol::TaskQueryInfo list_view(const core::Directory& directory, storage::Task task) {
  protocol::TaskQueryInfo info{.uuid = task.uuid,
                               .creator_username = name_of(directory, task.creator),
                               .group_name = name_of(directory, task.group),
                               .task_id = task.number,
                               .tags = std::move(task.tags),
                               .labels = std::move(task.labels),
                               .created_at = task.created_at,
                               .updated_at = task.updated_at,
                               .state = task.state,
                               .timeout = task.timeout_seconds,
                               .priority = task.priority,
                               .spec = {std::move(task.spec)},
                               .result = std::nullopt,
                               .upstream_task_uuid = task.upstream,
                               .downstream_task_uuid = task.downstream,
                               .reporter_uuid = task.reporter,
                               .exec_state = std::nullopt,
                               .worker = std::nullopt,
                               .detail = std::nullopt};
  if (task.result) info.result = protocol::RawJson{std::move(*task.result)};
  return info;
}

std::vector<protocol::ArtifactQueryResp> views(const std::vector<storage::Artifact>& artifacts) {
  std::vector<protocol::ArtifactQueryResp> out;
  out.reserve(artifacts.size());
  for (const storage::Artifact& artifact : artifacts)
    out.push_back({.content_type = artifact.content_type,
                   .size = artifact.size,
                   .created_at = artifact.created_at,
                   .updated_at = artifact.updated_at});
  return out;
}

Result<protocol::WorkerTaskText> worker_view(const core::AssignedTask& task) {
  auto spec = protocol::sent_form(task.spec);
  if (!spec) return unreadable("spec", task.uuid, spec.error());
  return protocol::WorkerTaskText{
      .id = task.id.value,
      .uuid = task.uuid,
      .timeout = {.seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(task.timeout_seconds, 0))},
      .upstream_task_uuid = task.upstream,
      .spec = std::move(*spec)};
}

}  // namespace mito::coordinator
