#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/task_messages.h"
#include "protocol/values.h"

// Workers: what they say, and what users ask and tell about them.
namespace mito::protocol {

/// Facts a worker of ours tells about itself: `info` of its registration (ours).
struct WorkerHostInfo {
  std::optional<std::string> host;
  std::optional<std::string> name;
  std::optional<std::string> kernel;
  std::optional<std::uint32_t> cores;
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::string> version;  ///< Of the worker program.
};

/// POST /workers
struct RegisterWorkerReq {
  std::vector<std::string> tags;    ///< Set.
  std::vector<std::string> labels;  ///< Set.
  std::vector<std::string> groups;  ///< Set of `name` or `name:role`.
  std::optional<Duration> lifetime;
  // Ours; left out when empty.
  std::optional<std::vector<std::string>> features;
  std::optional<Duration> lease;  ///< Lost after this long without a sign of life.
  std::optional<RawObject> info;  ///< WorkerHostInfo.
};
struct RegisterWorkerResp {
  WorkerUuid worker_id;
  std::string token;
  std::optional<std::string> redis_url;
  std::optional<std::vector<std::string>> features;  ///< Ours: only for workers that named theirs.
};

/// What a worker is to run: the answer of GET /workers/tasks is this or `null` (`std::optional<WorkerTaskResp>`).
struct WorkerTaskResp {
  std::int64_t id = 0;  ///< Row id, named in reports.
  TaskUuid uuid;
  Duration timeout;
  std::optional<TaskUuid> upstream_task_uuid;
  TaskSpec spec;
};

/// Same on the wire; the spec is the stored text, whatever the order of its keys.
struct WorkerTaskText {
  std::int64_t id = 0;
  TaskUuid uuid;
  Duration timeout;
  std::optional<TaskUuid> upstream_task_uuid;
  RawJson spec;
};

// The operations of POST /workers/tasks.
struct FinishOp {};
struct CancelOp {};
struct SubmitOp {
  SubmitTaskReq task;
};
struct CommitOp {
  std::int32_t exit_status = 0;
  std::optional<TaskResultMessage> msg;
  // Ours; left out when empty.
  bool next = false;                ///< Answer with the next task.
  std::optional<RawObject> detail;  ///< TaskDetail.
};
struct UploadOp {
  ArtifactContentType content_type = ArtifactContentType::kResult;
  std::uint64_t content_length = 0;
};
/// Finish or Cancel, and Commit, in one (ours).
struct CompleteOp {
  std::int32_t exit_status = 0;
  std::optional<TaskResultMessage> msg;
  TaskState state = TaskState::kFinished;  ///< kFinished or kCancelled; nothing else decodes.
  bool next = false;
  std::optional<RawObject> detail;
};
using ReportTaskOp = std::variant<FinishOp, CancelOp, SubmitOp, CommitOp, UploadOp, CompleteOp>;

/// POST /workers/tasks
struct ReportTaskReq {
  std::int64_t id = 0;
  ReportTaskOp op;
};
/// `url` for UploadOp, else null.
struct ReportTaskResp {
  std::optional<std::string> url;
};
/// Answer to a report that asked for the next task (ours): `next` is always there.
struct ReportTaskNextResp {
  std::optional<std::string> url;
  std::optional<WorkerTaskResp> next;
};
/// The same with the stored text of the spec.
struct ReportTaskNextText {
  std::optional<std::string> url;
  std::optional<WorkerTaskText> next;
};

/// What one of several workers reports, with the token that a request of its own would bear.
struct WorkerReport {
  std::string token;
  RawJson report;  ///< ReportTaskReq; read entry by entry, so that a bad one harms no other.
};
/// POST /workers/tasks/report/list (ours): 1 to kMaxReports of them.
struct ReportTasksReq {
  std::vector<WorkerReport> reports;
};
/// Status and body that the same report would have got by itself. A body that is plain text there is the `msg` of an
/// ErrorMsg here.
struct WorkerReportAnswer {
  std::uint32_t status = 0;
  RawJson body;
};
/// In the order of the reports.
struct ReportTasksResp {
  std::vector<WorkerReportAnswer> answers;
};

/// POST /workers/tasks/{uuid}/state (ours)
struct TaskStateReq {
  TaskExecState state = TaskExecState::kUnknown;
};

struct WorkerQueryInfo {
  WorkerUuid worker_id;
  std::string creator_username;
  std::vector<std::string> tags;
  std::vector<std::string> labels;
  Timestamp created_at;
  Timestamp updated_at;
  WorkerState state = WorkerState::kNormal;
  Timestamp last_heartbeat;
  std::optional<TaskUuid> assigned_task_id;
  // Ours: only in answers to requests with `detail`; left out when empty.
  std::optional<std::vector<std::string>> features;
  std::optional<Duration> lease;
  std::optional<RawObject> info;  ///< WorkerHostInfo.
};
/// GET /workers/{uuid}
struct WorkerQueryResp {
  WorkerQueryInfo info;
  Roles groups;
};

/// PUT /workers/{uuid}/tags
struct ReplaceWorkerTagsReq {
  std::vector<std::string> tags;  ///< Set.
};
/// PUT /workers/{uuid}/labels
struct ReplaceWorkerLabelsReq {
  std::vector<std::string> labels;  ///< Set.
};
/// PUT /workers/{uuid}/groups
struct UpdateGroupWorkerRoleReq {
  Roles relations;
};
/// DELETE /workers/{uuid}/groups/remove, and as query (`groups=a&groups=b`) DELETE /workers/{uuid}/groups
struct RemoveGroupWorkerRoleReq {
  std::vector<std::string> groups;  ///< Set.
};

/// POST /workers/query
struct WorkersQueryReq {
  std::optional<std::string> group_name;
  std::optional<std::vector<Role>> role;           ///< Set.
  std::optional<std::vector<std::string>> tags;    ///< Set.
  std::optional<std::vector<std::string>> labels;  ///< Set.
  std::optional<std::string> creator_username;
  bool count = false;
  bool detail = false;  ///< Ours: with features, lease and info.
};
struct WorkersQueryResp {
  std::uint64_t count = 0;
  std::vector<WorkerQueryInfo> workers;
  std::string group_name;
};

/// POST /workers/shutdown
struct WorkersShutdownByFilterReq {
  std::optional<std::string> group_name;
  std::optional<std::vector<Role>> role;           ///< Set.
  std::optional<std::vector<std::string>> tags;    ///< Set.
  std::optional<std::vector<std::string>> labels;  ///< Set.
  std::optional<std::string> creator_username;
  ShutdownOp op = ShutdownOp::kGraceful;
};
struct WorkersShutdownByFilterResp {
  std::uint64_t shutdown_count = 0;
  std::string group_name;
};
/// POST /workers/shutdown/list
struct WorkersShutdownByUuidsReq {
  std::vector<WorkerUuid> uuids;
  ShutdownOp op = ShutdownOp::kGraceful;
};
struct WorkersShutdownByUuidsResp {
  std::uint64_t shutdown_count = 0;
  std::vector<WorkerUuid> failed_uuids;
};

/// POST /admin/query/workers (ours): over all groups, with features, lease and info.
struct AdminWorkersQueryReq {
  std::optional<std::string> group_name;
  std::optional<std::vector<std::string>> tags;    ///< Set.
  std::optional<std::vector<std::string>> labels;  ///< Set.
  std::optional<std::string> creator_username;
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> offset;
  bool count = false;
};
struct AdminWorkersQueryResp {
  std::uint64_t count = 0;
  std::vector<WorkerQueryInfo> workers;
};

}  // namespace mito::protocol
