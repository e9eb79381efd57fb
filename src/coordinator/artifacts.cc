#include "coordinator/artifacts.h"

#include <utility>
#include <vector>

#include "coordinator/handlers.h"
#include "coordinator/object_records.h"

// Artifacts of one task (reference/server.md 1.4, Tasks; 6.3, 6.5).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using protocol::Nothing;

Error no_such_task(TaskUuid task) {
  return {ErrorCode::kNotFound, "Task " + task.to_string() + " not found"};
}

Awaitable<Result<protocol::UploadArtifactResp>> announce(Context& context, protocol::UploadArtifactReq request) {
  Services& services = context.services;
  const TaskUuid uuid = context.path.task();
  const std::string base = base_url(context);
  const Timestamp now = context.now();
  MITO_CO_TRY_ASSIGN(protocol::UploadArtifactResp announced,
                     co_await write<protocol::UploadArtifactResp>(
                         services, [&](storage::Writer& writer) -> Result<Written<protocol::UploadArtifactResp>> {
                           MITO_TRY_ASSIGN(const auto task, writer.task_by_uuid(uuid));
                           if (!task) return fail(no_such_task(uuid));
                           if (!at_least(services.directory.role(context.user.id, task->group), Role::kWrite))
                             return fail(ErrorCode::kPermissionDenied);
                           return announce_artifact(services, writer, *task, request, base, now);
                         }));
  co_await removal_over(services, artifact_key(uuid, request.content_type));
  co_return announced;
}

Awaitable<Result<protocol::RemoteResourceDownloadResp>> download(Context& context) {
  MITO_CO_TRY_ASSIGN(const storage::Artifact artifact,
                     co_await read(context.services, [&](storage::Queries& queries) -> Result<storage::Artifact> {
                       MITO_TRY_ASSIGN(const auto task, queries.task_by_uuid(context.path.task()));
                       if (!task) return fail(no_such_artifact(context.path.task(), context.path.content_type));
                       if (!may_read(context, task->group)) return fail(ErrorCode::kPermissionDenied);
                       return find_artifact(context, queries);
                     }));
  co_return artifact_link(context, artifact);
}

/// Removes the artifact of the path. `may` judges the task's group.
template <class May>
Awaitable<Result<Nothing>> remove_one(Context& context, Age age, May may) {
  Services& services = context.services;
  const TaskUuid uuid = context.path.task();
  const ArtifactContentType type = context.path.content_type;
  const storage::ObjectKey object = artifact_key(uuid, type);
  const Timestamp now = context.now();
  MITO_CO_TRY(co_await write<Nothing>(services, [&](storage::Writer& writer) -> Result<Written<Nothing>> {
    MITO_TRY_ASSIGN(const auto task, writer.task_by_uuid(uuid));
    if (!task) return fail(no_such_task(uuid));
    if (!may(task->group)) return fail(ErrorCode::kPermissionDenied);
    MITO_TRY_ASSIGN(const auto row, writer.artifact(uuid, type));
    if (!row) {
      const Error missing = no_such_artifact(uuid, type);
      return fail(missing.code(), missing.text() + " not found");
    }
    MITO_TRY_ASSIGN(const bool removed, remove_row(writer, *row, task->group, age, now));
    if (!removed)
      return fail(ErrorCode::kInvalidRequest, "Cannot delete artifact that has been updated in the last hour");
    return Written<Nothing>{{}, [&services, object] { services.removals.begin(object); }};
  }));
  std::vector<storage::ObjectKey> objects;
  objects.push_back(object);
  co_await remove_objects(services, std::move(objects));
  co_return Nothing{};
}

Awaitable<Result<Nothing>> remove(Context& context) {
  return remove_one(context, Age::kRespected,
                    [&directory = context.directory(), user = context.user.id](GroupId group) {
                      return at_least(directory.role(user, group), Role::kWrite);
                    });
}

Awaitable<Result<Nothing>> remove_as_admin(Context& context) {
  return remove_one(context, Age::kIgnored, [](GroupId) { return true; });
}

}  // namespace

Result<Written<protocol::UploadArtifactResp>> announce_artifact(Services& services, storage::Writer& writer,
                                                                const storage::Task& task,
                                                                const protocol::UploadArtifactReq& request,
                                                                std::string_view base, Timestamp now) {
  MITO_TRY_ASSIGN(auto group,
                  active_group(writer, task.group, {ErrorCode::kInvalidRequest, "Group for the task not found"}));
  MITO_TRY_ASSIGN(const auto known, writer.artifact(task.uuid, request.content_type));
  MITO_TRY_ASSIGN(
      const std::int64_t size,
      book(writer, std::move(group), known ? std::optional(known->size) : std::nullopt, request.content_length, now));
  const storage::ObjectKey object = artifact_key(task.uuid, request.content_type);
  MITO_TRY_ASSIGN(std::string url,
                  upload_link(services, object, static_cast<std::int64_t>(request.content_length), base));
  MITO_TRY(writer.upsert_artifact({.task = task.uuid,
                                   .content_type = request.content_type,
                                   .size = size,
                                   .created_at = known ? known->created_at : now,
                                   .updated_at = now}));
  MITO_TRY(writer.touch_task(task.id, now));
  return Written<protocol::UploadArtifactResp>{{.exist = known.has_value(), .url = std::move(url)},
                                               [&services, object] { services.removals.withdraw(object); }};
}

Error no_such_artifact(TaskUuid task, ArtifactContentType type) {
  return {ErrorCode::kNotFound,
          "Artifact with uuid " + task.to_string() + " and content type " + std::string(file_name(type))};
}

Result<storage::Artifact> find_artifact(const Context& context, storage::Queries& queries) {
  MITO_TRY_ASSIGN(const auto row, queries.artifact(context.path.task(), context.path.content_type));
  if (!row) return fail(no_such_artifact(context.path.task(), context.path.content_type));
  return *row;
}

Result<protocol::RemoteResourceDownloadResp> artifact_link(Context& context, const storage::Artifact& artifact) {
  MITO_TRY_ASSIGN(std::string url, download_link(context.services, artifact_key(artifact.task, artifact.content_type),
                                                 artifact.size, LinkUse::kSingle, base_url(context)));
  return protocol::RemoteResourceDownloadResp{.url = std::move(url), .size = artifact.size};
}

void add_artifacts(Handlers& handlers) {
  handlers.add(Endpoint::kUploadArtifact, handler(announce));
  handlers.add(Endpoint::kDownloadArtifact, handler(download));
  handlers.add(Endpoint::kDeleteArtifact, handler(remove));
  handlers.add(Endpoint::kAdminDeleteArtifact, handler(remove_as_admin));
}

}  // namespace mito::coordinator
