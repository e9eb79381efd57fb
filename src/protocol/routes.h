#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "domain/ids.h"
#include "domain/states.h"

namespace mito::protocol {

/// Every operation of the API: one method on one path.
enum class Endpoint : std::uint8_t {
  // Root
  kHealth,
  kLogin,
  kAuth,
  kRedis,
  // Users
  kChangePassword,
  kUserGroups,
  // Administration
  kAdminCreateUser,
  kAdminDeleteUser,
  kAdminChangeUserState,
  kAdminChangePassword,
  kAdminChangeGroupQuota,
  kAdminChangeStorageQuota,
  kAdminShutdownWorker,
  kAdminDeleteAttachment,
  kAdminDeleteArtifact,
  kAdminShutdown,
  // Groups
  kCreateGroup,
  kGetGroup,
  kUpdateGroupUsers,
  kRemoveGroupUsers,
  kRemoveGroupUsersByBody,
  kUploadAttachment,
  kGetAttachment,
  kDeleteAttachment,
  kDownloadAttachment,
  kQueryAttachments,
  kDownloadAttachmentsByFilter,
  kDownloadAttachmentsByKeys,
  kDeleteAttachmentsByFilter,
  kDeleteAttachmentsByKeys,
  // Workers, called by workers
  kFetchTask,
  kReportTask,
  kHeartbeat,
  kUnregisterWorker,
  kWorkerGetTask,
  kWorkerDownloadArtifact,
  kWorkerDownloadAttachment,
  // Workers, called by users
  kRegisterWorker,
  kGetWorker,
  kShutdownWorker,
  kReplaceWorkerTags,
  kReplaceWorkerLabels,
  kUpdateWorkerGroups,
  kRemoveWorkerGroups,
  kRemoveWorkerGroupsByBody,
  kQueryWorkers,
  kShutdownWorkersByFilter,
  kShutdownWorkersByUuids,
  // Tasks
  kSubmitTask,
  kSubmitTasks,
  kGetTask,
  kChangeTask,
  kCancelTask,
  kUpdateTaskLabels,
  kDownloadArtifact,
  kUploadArtifact,
  kDeleteArtifact,
  kQueryTasks,
  kCancelTasksByFilter,
  kCancelTasksByUuids,
  kDownloadArtifactsByFilter,
  kDownloadArtifactsByUuids,
  kDeleteArtifactsByFilter,
  kDeleteArtifactsByUuids,
  // Ours (architecture section 9)
  kOpenApi,
  kDocs,
  kGuide,
  kGuideIndex,
  kGuidePage,
  kMetrics,
  kPutObject,
  kGetObject,
  kReportState,
  kReportTasks,
  kEvents,
  kAdminQueryUsers,
  kAdminQueryGroups,
  kAdminQueryWorkers,
  kAdminChangeGroupState,
};
inline constexpr std::size_t kEndpointCount = static_cast<std::size_t>(Endpoint::kAdminChangeGroupState) + 1;

/// Who may call, as the middleware in front of a path checks it (reference/server.md 2.4). kNone: the handler checks,
/// if anything. kEntries: the handler checks the worker's token that each entry of the body bears.
enum class Auth : std::uint8_t { kNone, kUser, kAdmin, kWorker, kEntries };

/// What a successful answer is.
enum class AnswerKind : std::uint8_t {
  kJson,
  kEmpty,   ///< 200 without body and content type.
  kNull,    ///< The JSON text `null`.
  kText,    ///< text/plain; charset=utf-8
  kStream,  ///< Something else; the handler says what.
};

inline constexpr std::size_t kBodyLimit = std::size_t{2} << 20U;

/// One line of the route table.
struct Route {
  Endpoint endpoint = Endpoint::kHealth;
  std::string_view method;  ///< HEAD is answered where GET is.
  std::string_view path;    ///< `/tasks/{uuid}/artifacts/{content_type}`, `{*key}` for a rest with slashes.
  std::string_view name;    ///< Stable, for logs, metrics and operation ids: `get_task`.
  Auth auth = Auth::kNone;
  AnswerKind answer = AnswerKind::kJson;
  std::string_view query = {};          ///< Message of query.h, or empty.
  std::string_view request = {};        ///< Message of the JSON body, or empty: the body is not read.
  std::string_view response = {};       ///< Message of the answer, or empty.
  std::size_t body_limit = kBodyLimit;  ///< 0: streamed, the handler bounds it.
};

/// The whole table, in the order of Endpoint.
std::span<const Route> routes();
const Route& route(Endpoint endpoint);
inline std::string_view name_of(Endpoint endpoint) {
  return route(endpoint).name;
}

/// What a request line leads to. Views point into the path that was given.
struct Match {
  enum class Kind : std::uint8_t {
    kUnknownPath,  ///< 404 without any check.
    kWrongMethod,  ///< 405 after the path's authentication; OPTIONS lands here, too.
    kEndpoint,
  };
  Kind kind = Kind::kUnknownPath;
  Endpoint endpoint = Endpoint::kHealth;       ///< kEndpoint only.
  Auth auth = Auth::kNone;                     ///< Of the endpoint, or of the path for a wrong method.
  std::string_view allow;                      ///< Value of the Allow header, for known paths: `GET,HEAD,DELETE`.
  std::array<std::string_view, 2> parameters;  ///< Percent-encoded still, in the order of the path.
  std::size_t parameter_count = 0;
};

/// Finds the route of a path without query (`/tasks/x`). Any thread.
Match match(std::string_view method, std::string_view path);

/// The decoded parameters of a path. Which of them are set follows from the path of the route.
struct PathArguments {
  Uuid uuid;
  ArtifactContentType content_type = ArtifactContentType::kResult;
  std::string username;
  std::string group_name;
  std::string bucket;
  std::string key;

  [[nodiscard]] TaskUuid task() const { return {uuid}; }
  [[nodiscard]] WorkerUuid worker() const { return {uuid}; }
};

/// Decodes the parameters of a match of kind kEndpoint. The error is the reason of a 400 (errors.h, bad_path).
std::expected<PathArguments, std::string> parse_path(const Match& match);

/// The path of an endpoint with its parameters filled in and percent-encoded, for clients. Slashes of a `{*key}` stay.
std::string make_path(Endpoint endpoint, std::span<const std::string_view> parameters);

}  // namespace mito::protocol
