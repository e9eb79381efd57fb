#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "coordinator/handlers.h"
#include "coordinator/object_records.h"
#include "coordinator/task_filter.h"
#include "protocol/task_messages.h"

// Artifacts of many tasks at once (reference/server.md 1.4, Tasks).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

constexpr std::size_t kTasksPerQuery = 1024;
constexpr std::size_t kPerTransaction = 256;

template <class T>
std::vector<T> slice(const std::vector<T>& all, std::size_t start, std::size_t count) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(start);
  return {first, first + static_cast<std::ptrdiff_t>(std::min(count, all.size() - start))};
}

/// Artifacts of the given type, of the tasks of a filter.
Awaitable<Result<std::vector<storage::Artifact>>> artifacts_of_filter(Services& services, storage::TaskFilter filter,
                                                                      ArtifactContentType type) {
  return read(services,
              [filter = std::move(filter), type](storage::Queries& queries) -> Result<std::vector<storage::Artifact>> {
                std::vector<storage::Artifact> all;
                for (std::uint64_t offset = 0;; offset += kTasksPerQuery) {
                  MITO_TRY_ASSIGN(const auto tasks, queries.tasks(filter, {.limit = kTasksPerQuery, .offset = offset}));
                  std::vector<TaskUuid> uuids;
                  uuids.reserve(tasks.size());
                  for (const storage::Task& task : tasks)
                    uuids.push_back(task.uuid);
                  MITO_TRY_ASSIGN(const auto some, queries.artifacts_of(uuids, type));
                  all.insert(all.end(), some.begin(), some.end());
                  if (tasks.size() < kTasksPerQuery) return all;
                }
              });
}

/// Artifacts of the given type of those of the tasks whose group `may` accepts, in the order of `uuids`.
template <class May>
Awaitable<Result<std::vector<storage::Artifact>>> artifacts_of_list(Services& services, std::vector<TaskUuid> uuids,
                                                                    ArtifactContentType type, May may) {
  return read(
      services,
      [uuids = std::move(uuids), type, may](storage::Queries& queries) -> Result<std::vector<storage::Artifact>> {
        std::vector<storage::Artifact> all;
        for (std::size_t start = 0; start < uuids.size(); start += kTasksPerQuery) {
          std::vector<TaskUuid> part = slice(uuids, start, kTasksPerQuery);
          MITO_TRY_ASSIGN(const auto tasks, queries.tasks_by_uuid(part));
          std::unordered_set<TaskUuid> allowed;
          for (const storage::Task& task : tasks)
            if (may(task.group)) allowed.insert(task.uuid);
          std::erase_if(part, [&](const TaskUuid& uuid) { return !allowed.contains(uuid); });
          MITO_TRY_ASSIGN(const auto some, queries.artifacts_of(part, type));
          all.insert(all.end(), some.begin(), some.end());
        }
        return all;
      });
}

/// In the order given, each once.
std::vector<TaskUuid> distinct(const std::vector<TaskUuid>& uuids) {
  std::unordered_set<TaskUuid> seen;
  std::vector<TaskUuid> out;
  for (const TaskUuid& uuid : uuids)
    if (seen.insert(uuid).second) out.push_back(uuid);
  return out;
}

Result<protocol::ArtifactsDownloadListResp> links(Context& context, const std::vector<storage::Artifact>& rows) {
  const std::string base = base_url(context);
  protocol::ArtifactsDownloadListResp answer;
  for (const storage::Artifact& row : rows) {
    MITO_TRY_ASSIGN(std::string url, download_link(context.services, artifact_key(row.task, row.content_type), row.size,
                                                   LinkUse::kBatch, base));
    answer.downloads.push_back({.uuid = row.task, .url = std::move(url), .size = row.size});
  }
  return answer;
}

Awaitable<Result<protocol::ArtifactsDownloadListResp>> download_by_filter(
    Context& context, protocol::ArtifactsDownloadByFilterReq request) {
  MITO_CO_TRY_ASSIGN(CheckedFilter checked,
                     check_filter(context, filter_fields(request), Role::kRead, EmptyStates::kRefused));
  MITO_CO_TRY_ASSIGN(const auto rows,
                     co_await artifacts_of_filter(context.services, std::move(checked.filter), request.content_type));
  co_return links(context, rows);
}

Awaitable<Result<protocol::ArtifactsDownloadListResp>> download_by_uuids(
    Context& context, protocol::ArtifactsDownloadByUuidsReq request) {
  if (request.uuids.empty()) co_return fail(ErrorCode::kInvalidRequest, "UUIDs list cannot be empty");
  MITO_CO_TRY_ASSIGN(const auto rows,
                     co_await artifacts_of_list(context.services, distinct(request.uuids), request.content_type,
                                                [&context](GroupId group) { return may_read(context, group); }));
  co_return links(context, rows);
}

/// Removes those of `rows` that are still there, old enough, and in a group that the caller may write. Answers the
/// tasks.
Awaitable<Result<std::vector<TaskUuid>>> remove_all(Context& context, std::vector<storage::Artifact> rows) {
  Services& services = context.services;
  std::vector<TaskUuid> removed;
  for (std::size_t start = 0; start < rows.size(); start += kPerTransaction) {
    const auto part = slice(rows, start, kPerTransaction);
    const std::size_t before = removed.size();
    const Timestamp now = context.now();
    MITO_CO_TRY_ASSIGN(
        const std::vector<storage::ObjectKey> gone,
        co_await write<std::vector<storage::ObjectKey>>(
            services, [&](storage::Writer& writer) -> Result<Written<std::vector<storage::ObjectKey>>> {
              removed.resize(before);
              std::vector<storage::ObjectKey> objects;
              for (const storage::Artifact& candidate : part) {
                MITO_TRY_ASSIGN(const auto task, writer.task_by_uuid(candidate.task));
                if (!task || !at_least(services.directory.role(context.user.id, task->group), Role::kWrite)) continue;
                MITO_TRY_ASSIGN(const auto row, writer.artifact(candidate.task, candidate.content_type));
                if (!row) continue;
                MITO_TRY_ASSIGN(const bool done, remove_row(writer, *row, task->group, Age::kRespected, now));
                if (!done) continue;
                objects.push_back(artifact_key(row->task, row->content_type));
                removed.push_back(row->task);
              }
              return Written<std::vector<storage::ObjectKey>>{objects, [&services, objects] {
                                                                for (const storage::ObjectKey& key : objects)
                                                                  services.removals.begin(key);
                                                              }};
            }));
    co_await remove_objects(services, gone);
  }
  co_return removed;
}

Awaitable<Result<protocol::ArtifactsDeleteByFilterResp>> delete_by_filter(
    Context& context, protocol::ArtifactsDeleteByFilterReq request) {
  MITO_CO_TRY_ASSIGN(CheckedFilter checked,
                     check_filter(context, filter_fields(request), Role::kRead, EmptyStates::kRefused));
  MITO_CO_TRY_ASSIGN(auto rows,
                     co_await artifacts_of_filter(context.services, std::move(checked.filter), request.content_type));
  MITO_CO_TRY_ASSIGN(const auto removed, co_await remove_all(context, std::move(rows)));
  co_return protocol::ArtifactsDeleteByFilterResp{.deleted_count = removed.size()};
}

Awaitable<Result<protocol::ArtifactsDeleteByUuidsResp>> delete_by_uuids(Context& context,
                                                                        protocol::ArtifactsDeleteByUuidsReq request) {
  if (request.uuids.empty()) co_return fail(ErrorCode::kInvalidRequest, "UUIDs list cannot be empty");
  MITO_CO_TRY_ASSIGN(auto rows, co_await artifacts_of_list(context.services, distinct(request.uuids),
                                                           request.content_type, [](GroupId) { return true; }));
  MITO_CO_TRY_ASSIGN(const auto removed, co_await remove_all(context, std::move(rows)));
  const std::unordered_set<TaskUuid> gone(removed.begin(), removed.end());
  protocol::ArtifactsDeleteByUuidsResp answer{.deleted_count = removed.size(), .failed_uuids = {}};
  for (const TaskUuid& uuid : request.uuids)
    if (!gone.contains(uuid)) answer.failed_uuids.push_back(uuid);
  co_return answer;
}

}  // namespace

void add_artifact_lists(Handlers& handlers) {
  handlers.add(Endpoint::kDownloadArtifactsByFilter, handler(download_by_filter));
  handlers.add(Endpoint::kDownloadArtifactsByUuids, handler(download_by_uuids));
  handlers.add(Endpoint::kDeleteArtifactsByFilter, handler(delete_by_filter));
  handlers.add(Endpoint::kDeleteArtifactsByUuids, handler(delete_by_uuids));
}

}  // namespace mito::coordinator
