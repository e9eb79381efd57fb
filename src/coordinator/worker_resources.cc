#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/artifacts.h"
#include "coordinator/handlers.h"
#include "coordinator/object_records.h"
#include "coordinator/task_views.h"
#include "protocol/task_messages.h"

// What a worker looks up for the task it runs: other tasks, artifacts, attachments.
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

Error no_such_task(TaskUuid task) {
  return {ErrorCode::kNotFound, "Task with uuid " + task.to_string()};
}

/// Whether a worker may read what belongs to `group`: the group has a role on it, and while it holds a task, that
/// task's creator may read it as well.
Result<bool> may_read(const Services& services, const core::Directory::WorkerEntry& worker, storage::Queries& queries,
                      GroupId group) {
  const bool serves = std::ranges::any_of(
      worker.access, [&](const auto& access) { return access.first == group && access.second >= Role::kWrite; });
  if (!serves) return false;
  MITO_TRY_ASSIGN(const auto row, queries.worker_by_id(worker.id));
  if (!row || !row->assigned_task) return true;
  MITO_TRY_ASSIGN(const auto held, queries.task_by_id(*row->assigned_task));
  if (!held) return true;
  if (services.settings.open_groups && held->group == group) return true;
  if (services.directory.role(held->creator, group)) return true;
  const auto name = services.directory.user_name(held->creator);
  const auto creator = name ? services.directory.user(*name) : std::nullopt;
  return creator && creator->admin;
}

/// A task that the worker may read; `missing` when it does not exist.
Result<storage::Task> readable_task(const Context& context, storage::Queries& queries, const Error& missing) {
  MITO_TRY_ASSIGN(auto task, queries.task_by_uuid(context.path.task()));
  if (!task) return fail(missing);
  MITO_TRY_ASSIGN(const bool allowed, may_read(context.services, context.worker, queries, task->group));
  if (!allowed) return fail(ErrorCode::kPermissionDenied);
  return std::move(*task);
}

struct TaskAndArtifacts {
  storage::Task task;
  std::vector<storage::Artifact> artifacts;
};

Awaitable<Result<protocol::TaskQueryResp>> get_task(Context& context) {
  MITO_CO_TRY_ASSIGN(TaskAndArtifacts found,
                     co_await read(
                         context.services,
                         [&](storage::Queries& queries) -> Result<TaskAndArtifacts> {
                           MITO_TRY_ASSIGN(auto task,
                                           readable_task(context, queries, no_such_task(context.path.task())));
                           MITO_TRY_ASSIGN(auto artifacts, queries.artifacts_of(task.uuid));
                           return TaskAndArtifacts{std::move(task), std::move(artifacts)};
                         },
                         Admission::kAlways));
  MITO_CO_TRY_ASSIGN(auto info, parsed_view(context.directory(), found.task));
  co_return protocol::TaskQueryResp{.info = std::move(info),
                                    .artifacts = views(found.artifacts),
                                    .exec_state = std::nullopt,
                                    .worker = std::nullopt,
                                    .detail = std::nullopt};
}

Awaitable<Result<protocol::RemoteResourceDownloadResp>> get_artifact(Context& context) {
  MITO_CO_TRY_ASSIGN(
      const storage::Artifact artifact,
      co_await read(
          context.services,
          [&](storage::Queries& queries) -> Result<storage::Artifact> {
            MITO_TRY(readable_task(context, queries, no_such_artifact(context.path.task(), context.path.content_type)));
            return find_artifact(context, queries);
          },
          Admission::kAlways));
  co_return artifact_link(context, artifact);
}

struct AttachmentPlace {
  std::string group_name;
  storage::Attachment attachment;
};

Awaitable<Result<protocol::RemoteResourceDownloadResp>> get_attachment(Context& context) {
  MITO_CO_TRY_ASSIGN(
      const AttachmentPlace place,
      co_await read(
          context.services,
          [&](storage::Queries& queries) -> Result<AttachmentPlace> {
            MITO_TRY_ASSIGN(const auto task, readable_task(context, queries, no_such_task(context.path.task())));
            const std::string group = context.directory().group_name(task.group).value_or(std::string());
            MITO_TRY_ASSIGN(auto attachment, queries.attachment(task.group, context.path.key));
            if (!attachment)
              return fail(ErrorCode::kNotFound, "Attachment of group " + group + " and key " + context.path.key);
            return AttachmentPlace{group, std::move(*attachment)};
          },
          Admission::kAlways));
  MITO_CO_TRY_ASSIGN(std::string url,
                     download_link(context.services, attachment_key(place.group_name, place.attachment.key),
                                   place.attachment.size, LinkUse::kSingle, base_url(context)));
  co_return protocol::RemoteResourceDownloadResp{.url = std::move(url), .size = place.attachment.size};
}

}  // namespace

void add_worker_resources(Handlers& handlers) {
  handlers.add(Endpoint::kWorkerGetTask, handler(get_task));
  handlers.add(Endpoint::kWorkerDownloadArtifact, handler(get_artifact));
  handlers.add(Endpoint::kWorkerDownloadAttachment, handler(get_attachment));
}

}  // namespace mito::coordinator
