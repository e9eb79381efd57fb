#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/task_filter.h"
#include "cli/task_search.h"
#include "cli/text.h"
#include "cli/transfers.h"
#include "cli/values.h"
#include "protocol/codec.h"

namespace mito::cli {

namespace {

constexpr Argument kUuid = word("UUID", "The UUID of the task").of(Argument::Values::kTask);
constexpr Argument kUuids = words("UUIDS", "The UUIDs of the tasks").of(Argument::Values::kTask);
constexpr std::array<std::string_view, 3> kTypes{"result", "exec-log", "std-log"};
constexpr Argument kType =
    word("CONTENT_TYPE",
         "result: what the command put into $MITO_RESULT_DIR; exec-log: $MITO_EXEC_DIR; std-log: what it wrote")
        .among(kTypes);
constexpr Argument kOutput = option("output", 'o', "PATH", "Where to download to: a file, or a directory that exists")
                                 .of(Argument::Values::kFile);

constexpr std::array kUpload{word("LOCAL_FILE", "The file to upload").of(Argument::Values::kFile), kUuid, kType,
                             kProgress};
constexpr std::array kDownload{kUuid, kType, kOutput, kExtract, kNoDownload, kProgress};
constexpr std::array kOne{kUuid, kType};
constexpr std::array kDownloadMany{kType,         kCreators,     kFilterGroup,    kFilterTags,     kFilterLabels,
                                   kFilterStates, kFilterExit,   kFilterPriority, kFilterReporter, kFilterFailed,
                                   kBatchOutput,  kBatchExtract, kNoDownload,     kProgress,       kConcurrent};
constexpr std::array kDownloadList{kType, kUuids, kBatchOutput, kBatchExtract, kNoDownload, kProgress, kConcurrent};
constexpr std::array kDeleteMany{kType,         kCreators,   kFilterGroup,    kFilterTags,    kFilterLabels,
                                 kFilterStates, kFilterExit, kFilterPriority, kFilterReporter};
constexpr std::array kDeleteList{kType, kUuids};

/// One artifact of one task.
struct Place {
  TaskUuid uuid;
  ArtifactContentType type = ArtifactContentType::kResult;
};

Result<Place> place_of(const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto uuid, task_uuid("<UUID>", arguments.at("UUID")));
  MITO_TRY_ASSIGN(const auto type, content_type_value("<CONTENT_TYPE>", arguments.at("CONTENT_TYPE")));
  return Place{.uuid = uuid, .type = type};
}

Result<int> upload(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto place, place_of(arguments));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  const std::filesystem::path file = arguments.at("LOCAL_FILE");
  Result<client::Upload> uploaded = fail(ErrorCode::kInternal);
  {
    ProgressBar bar(session.out(), wants_progress(arguments), fmt::format("Uploading from {}", file.string()));
    uploaded = client->upload_artifact(place.uuid, place.type, file, bar.callback(), session.stop());
  }
  if (!uploaded) return fail(std::move(uploaded).error());
  session.out().done(*uploaded == client::Upload::kNew ? "Artifact uploaded successfully"
                                                       : "Artifact already exists on server, replaced it");
  return 0;
}

Result<int> download(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto place, place_of(arguments));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto located, client->locate_artifact(place.uuid, place.type, session.stop()));
  return download_one(session, arguments, located.url, "Artifact", file_name(place.type));
}

Result<int> remove(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto place, place_of(arguments));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY(client->delete_artifact(place.uuid, place.type, client::As::kUser, session.stop()));
  session.out().done("Successfully deleted artifact");
  return 0;
}

Result<int> download_found(Session& session, const Arguments& arguments, ArtifactContentType type,
                           const protocol::ArtifactsDownloadListResp& found) {
  std::vector<BatchItem> items;
  items.reserve(found.downloads.size());
  for (const auto& item : found.downloads) {
    const std::string uuid = item.uuid.to_string();
    items.push_back({.label = fmt::format("Task {}", uuid),
                     .name = uuid + ".tar.gz",
                     .alternative = fmt::format("{}.{}", uuid, file_name(type)),
                     .url = item.url,
                     .directory = uuid});
  }
  return download_batch(session, arguments, items, "artifacts");
}

Result<int> download_many(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto request, task_filter<protocol::ArtifactsDownloadByFilterReq>(arguments));
  MITO_TRY_ASSIGN(request.content_type, content_type_value("<CONTENT_TYPE>", arguments.at("CONTENT_TYPE")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  if (arguments.has("failed")) {
    MITO_TRY_ASSIGN(const auto tasks, task_filter<protocol::TasksQueryReq>(arguments));
    MITO_TRY_ASSIGN(const auto failed, find_tasks(session, tasks, Outcome::kFailed));
    protocol::ArtifactsDownloadByUuidsReq by_uuids{.uuids = {}, .content_type = request.content_type};
    for (const auto& task : failed.tasks)
      by_uuids.uuids.push_back(task.uuid);
    if (by_uuids.uuids.empty()) return download_found(session, arguments, request.content_type, {});
    MITO_TRY_ASSIGN(const auto found, client->locate_artifacts(by_uuids, session.stop()));
    return download_found(session, arguments, request.content_type, found);
  }
  MITO_TRY_ASSIGN(const auto found, client->locate_artifacts(request, session.stop()));
  return download_found(session, arguments, request.content_type, found);
}

Result<int> download_list(Session& session, const Arguments& arguments) {
  protocol::ArtifactsDownloadByUuidsReq request;
  MITO_TRY_ASSIGN(request.uuids, task_uuids("<UUIDS>", arguments.list("UUIDS")));
  MITO_TRY_ASSIGN(request.content_type, content_type_value("<CONTENT_TYPE>", arguments.at("CONTENT_TYPE")));
  if (request.uuids.empty()) return fail(ErrorCode::kUsage, "UUIDs list cannot be empty: name at least one task");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto found, client->locate_artifacts(request, session.stop()));
  if (found.downloads.size() < request.uuids.size())
    session.out().warn(fmt::format("{} of {} tasks have no such artifact",
                                   request.uuids.size() - found.downloads.size(), request.uuids.size()));
  return download_found(session, arguments, request.content_type, found);
}

Result<int> delete_many(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto request, task_filter<protocol::ArtifactsDeleteByFilterReq>(arguments));
  MITO_TRY_ASSIGN(request.content_type, content_type_value("<CONTENT_TYPE>", arguments.at("CONTENT_TYPE")));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, client->delete_artifacts(request, session.stop()));
  auto& out = session.out();
  if (out.structured()) out.print_object(protocol::encode(answer));
  out.say(fmt::format("Deleted {} artifacts", answer.deleted_count));
  return 0;
}

Result<int> delete_list(Session& session, const Arguments& arguments) {
  protocol::ArtifactsDeleteByUuidsReq request;
  MITO_TRY_ASSIGN(request.uuids, task_uuids("<UUIDS>", arguments.list("UUIDS")));
  MITO_TRY_ASSIGN(request.content_type, content_type_value("<CONTENT_TYPE>", arguments.at("CONTENT_TYPE")));
  if (request.uuids.empty()) return fail(ErrorCode::kUsage, "UUIDs list cannot be empty: name at least one task");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer, client->delete_artifacts(request, session.stop()));
  auto& out = session.out();
  if (out.structured()) out.print_object(protocol::encode(answer));
  out.say(fmt::format("Deleted {} artifacts", answer.deleted_count));
  if (answer.failed_uuids.empty()) return 0;
  out.warn(fmt::format(
      "Failed to delete {} artifacts: [{}]; unknown ones, and ones updated within the last hour, cannot be deleted",
      answer.failed_uuids.size(), join_uuids(answer.failed_uuids)));
  return static_cast<int>(ExitCode::kFailed);
}

constexpr std::array kCommands{
    Command{.name = "upload", .help = "Upload a file as artifact of a task", .arguments = kUpload, .run = upload},
    Command{.name = "download", .help = "Download an artifact of a task", .arguments = kDownload, .run = download},
    Command{.name = "delete", .help = "Delete an artifact of a task", .arguments = kOne, .run = remove},
    Command{.name = "download-many",
            .help = "Download artifacts of all tasks that fit a filter",
            .arguments = kDownloadMany,
            .run = download_many},
    Command{.name = "download-list",
            .help = "Download artifacts of tasks by their UUIDs",
            .arguments = kDownloadList,
            .run = download_list},
    Command{.name = "delete-many",
            .help = "Delete artifacts of all tasks that fit a filter",
            .arguments = kDeleteMany,
            .run = delete_many},
    Command{.name = "delete-list",
            .help = "Delete artifacts of tasks by their UUIDs",
            .arguments = kDeleteList,
            .run = delete_list},
};

}  // namespace

std::span<const Command> artifact_commands() {
  return kCommands;
}

}  // namespace mito::cli
