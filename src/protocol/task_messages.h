#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/values.h"

// Tasks and their artifacts, as users see them.
namespace mito::protocol {

/// POST /tasks, an element of POST /tasks/submit, and the worker's SubmitOp.
struct SubmitTaskReq {
  std::string group_name;
  std::vector<std::string> tags;    ///< Set.
  std::vector<std::string> labels;  ///< Set.
  Duration timeout;
  std::int32_t priority = 0;
  TaskSpec task_spec;
  std::optional<TaskUuid> uuid;  ///< Ours: the client names the task, so that a repeated request adds nothing.
};
struct SubmitTaskResp {
  std::int64_t task_id = 0;  ///< Running number within the group.
  TaskUuid uuid;
};

/// POST /tasks/submit
struct TasksSubmitReq {
  std::vector<SubmitTaskReq> tasks;
};
/// `{"Ok":{…}}` or `{"Err":{"msg":…}}`
using SubmitTaskOutcome = std::variant<SubmitTaskResp, ErrorMsg>;
struct TasksSubmitResp {
  std::vector<SubmitTaskOutcome> results;
};

/// PUT /tasks/{uuid}. The key `timeout` must be there.
struct ChangeTaskReq {
  std::optional<std::vector<std::string>> tags;  ///< Set.
  std::optional<Duration> timeout;
  std::optional<std::int32_t> priority;
  std::optional<TaskSpec> task_spec;
};
/// PUT /tasks/{uuid}/labels
struct UpdateTaskLabelsReq {
  std::vector<std::string> labels;  ///< Set.
};

/// Resources a task used (ours).
struct TaskUsage {
  std::optional<double> cpu_seconds;  ///< User and system time of the command and its descendants.
  std::optional<std::uint64_t> peak_memory_bytes;
  std::optional<double> wall_seconds;
};
/// What a worker of ours says about a run beside its result: `detail` of CommitOp and CompleteOp (ours).
struct TaskDetail {
  std::optional<std::string> reason;  ///< Why it failed, for people.
  std::vector<std::string> notes;     ///< What was skipped, cut or refused.
  std::optional<TaskUsage> usage;
  std::optional<Timestamp> started_at;  ///< Of the command.
  std::optional<Timestamp> finished_at;
};
/// Which worker ran a task (ours); kept also after the worker left.
struct TaskWorker {
  WorkerUuid worker_id;
  std::optional<std::string> host;
  std::optional<std::string> name;
};

/// A task with its typed spec: the single query, and what workers see of other tasks.
struct ParsedTaskQueryInfo {
  TaskUuid uuid;
  std::string creator_username;
  std::string group_name;
  std::int64_t task_id = 0;
  std::vector<std::string> tags;
  std::vector<std::string> labels;
  Timestamp created_at;
  Timestamp updated_at;
  TaskState state = TaskState::kPending;
  std::int64_t timeout = 0;  ///< Seconds.
  std::int32_t priority = 0;
  TaskSpec spec;
  std::optional<TaskResult> result;
  std::optional<TaskUuid> upstream_task_uuid;
  std::optional<TaskUuid> downstream_task_uuid;
  std::optional<WorkerUuid> reporter_uuid;
};
/// A task in a list: spec and result are the stored texts.
struct TaskQueryInfo {
  TaskUuid uuid;
  std::string creator_username;
  std::string group_name;
  std::int64_t task_id = 0;
  std::vector<std::string> tags;
  std::vector<std::string> labels;
  Timestamp created_at;
  Timestamp updated_at;
  TaskState state = TaskState::kPending;
  std::int64_t timeout = 0;  ///< Seconds.
  std::int32_t priority = 0;
  RawJson spec;
  std::optional<RawJson> result;
  std::optional<TaskUuid> upstream_task_uuid;
  std::optional<TaskUuid> downstream_task_uuid;
  std::optional<WorkerUuid> reporter_uuid;
  // Ours: only in answers to requests with `detail`; left out when empty.
  std::optional<TaskExecState> exec_state;
  std::optional<TaskWorker> worker;
  std::optional<RawObject> detail;  ///< TaskDetail.
};
struct ArtifactQueryResp {
  ArtifactContentType content_type = ArtifactContentType::kResult;
  std::int64_t size = 0;
  Timestamp created_at;
  Timestamp updated_at;
};
/// GET /tasks/{uuid}, GET /workers/tasks/{uuid}
struct TaskQueryResp {
  ParsedTaskQueryInfo info;
  std::vector<ArtifactQueryResp> artifacts;
  // Ours: only in answers to requests with `detail`, `wait` or `after`; left out when empty.
  std::optional<TaskExecState> exec_state;
  std::optional<TaskWorker> worker;
  std::optional<RawObject> detail;  ///< TaskDetail.
};

/// POST /tasks/query
struct TasksQueryReq {
  std::optional<std::vector<std::string>> creator_usernames;  ///< Set.
  std::optional<std::string> group_name;
  std::optional<std::vector<std::string>> tags;    ///< Set.
  std::optional<std::vector<std::string>> labels;  ///< Set.
  std::optional<std::vector<TaskState>> states;    ///< Set.
  std::optional<std::string> exit_status;          ///< Number filter, `>=1`.
  std::optional<std::string> priority;             ///< Number filter.
  std::optional<WorkerUuid> reporter_uuid;
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> offset;
  bool count = false;
  bool detail = false;  ///< Ours: with exec state, worker and detail.
};
struct TasksQueryResp {
  std::uint64_t count = 0;
  std::vector<TaskQueryInfo> tasks;
  std::string group_name;
};

/// POST /tasks/cancel
struct TasksCancelByFilterReq {
  std::optional<std::vector<std::string>> creator_usernames;  ///< Set.
  std::optional<std::string> group_name;
  std::optional<std::vector<std::string>> tags;    ///< Set.
  std::optional<std::vector<std::string>> labels;  ///< Set.
  std::optional<std::vector<TaskState>> states;    ///< Set.
  std::optional<std::string> exit_status;
  std::optional<std::string> priority;
};
struct TasksCancelByFilterResp {
  std::uint64_t cancelled_count = 0;
  std::string group_name;
};
/// POST /tasks/cancel/list
struct TasksCancelByUuidsReq {
  std::vector<TaskUuid> uuids;
};
struct TasksCancelByUuidsResp {
  std::uint64_t cancelled_count = 0;
  std::vector<TaskUuid> failed_uuids;
};

/// POST /tasks/{uuid}/artifacts, and the worker's UploadOp.
struct UploadArtifactReq {
  ArtifactContentType content_type = ArtifactContentType::kResult;
  std::uint64_t content_length = 0;
};
struct UploadArtifactResp {
  bool exist = false;
  std::string url;
};

/// POST /tasks/download/artifacts
struct ArtifactsDownloadByFilterReq {
  std::optional<std::vector<std::string>> creator_usernames;  ///< Set.
  std::optional<std::string> group_name;
  std::optional<std::vector<std::string>> tags;    ///< Set.
  std::optional<std::vector<std::string>> labels;  ///< Set.
  std::optional<std::vector<TaskState>> states;    ///< Set.
  std::optional<std::string> exit_status;
  std::optional<std::string> priority;
  std::optional<WorkerUuid> reporter_uuid;
  ArtifactContentType content_type = ArtifactContentType::kResult;
};
/// POST /tasks/download/artifacts/list
struct ArtifactsDownloadByUuidsReq {
  std::vector<TaskUuid> uuids;
  ArtifactContentType content_type = ArtifactContentType::kResult;
};
struct ArtifactDownloadItem {
  TaskUuid uuid;
  std::string url;
  std::int64_t size = 0;
};
struct ArtifactsDownloadListResp {
  std::vector<ArtifactDownloadItem> downloads;
};

/// POST /tasks/delete/artifacts
struct ArtifactsDeleteByFilterReq {
  std::optional<std::vector<std::string>> creator_usernames;  ///< Set.
  std::optional<std::string> group_name;
  std::optional<std::vector<std::string>> tags;    ///< Set.
  std::optional<std::vector<std::string>> labels;  ///< Set.
  std::optional<std::vector<TaskState>> states;    ///< Set.
  std::optional<std::string> exit_status;
  std::optional<std::string> priority;
  std::optional<WorkerUuid> reporter_uuid;
  ArtifactContentType content_type = ArtifactContentType::kResult;
};
struct ArtifactsDeleteByFilterResp {
  std::uint64_t deleted_count = 0;
};
/// POST /tasks/delete/artifacts/list
struct ArtifactsDeleteByUuidsReq {
  std::vector<TaskUuid> uuids;
  ArtifactContentType content_type = ArtifactContentType::kResult;
};
struct ArtifactsDeleteByUuidsResp {
  std::uint64_t deleted_count = 0;
  std::vector<TaskUuid> failed_uuids;
};

/// One line of `GET /events` (ours): the task's states after a change. `exec_state` is left out until a worker reported
/// one.
struct TaskEvent {
  TaskUuid uuid;
  std::string group_name;
  std::int64_t task_id = 0;
  TaskState state = TaskState::kPending;
  Timestamp at;
  std::optional<TaskExecState> exec_state;
  std::optional<TaskResult> result;
};

}  // namespace mito::protocol
