#include "protocol/api_docs.h"

namespace mito::protocol {
namespace {

constexpr FailureDoc kNoSuchWorker{ErrorCode::kNotFound, "Worker <uuid> not found", "No such worker."};
constexpr FailureDoc kNoGroups{ErrorCode::kInvalidRequest, "Empty group names", "No group is named."};
constexpr FailureDoc kNoSuchGroups{ErrorCode::kInvalidRequest, "Some groups do not exist",
                                   "A name is unknown; nothing is changed."};
constexpr FailureDoc kMayNotManage{ErrorCode::kPermissionDenied, "",
                                   "In no group the caller has Admin, and the group on the worker."};
constexpr FailureDoc kMayNotEdit{ErrorCode::kPermissionDenied, "",
                                 "In no group the caller has Write, and the group on the worker."};
constexpr FailureDoc kNoSuchTask{ErrorCode::kNotFound, "Task with uuid <uuid>", "No such task."};
constexpr FailureDoc kMayNotRead{
    ErrorCode::kPermissionDenied, "",
    "The group has no Write on the worker, or the creator of the task that the worker holds may not "
    "read it."};

}  // namespace

OperationGroup worker_docs() {
  using enum Endpoint;
  return {"Workers",
          "Workers run the tasks of the groups that have Write on them. Users whose group has Admin on a worker, and "
          "who are Admins "
          "of it, manage the worker.",
          {
              {kRegisterWorker,
               "Register a worker",
               "Members of the named groups, and admins (with `open_groups` any active user).",
               "Answers the worker's own token. Unknown groups are ignored.",
               {{ErrorCode::kInvalidRequest, "Invalid lifetime <lifetime>", "The token would end after the year 9999."},
                {ErrorCode::kPermissionDenied, "", "The caller is no member of a named group."},
                {ErrorCode::kInvalidRequest, "lease is 0s: it must be between 1s and 1day", "A senseless lease."},
                {ErrorCode::kInvalidRequest, "info is larger than 16 KiB", "Too much about the host."}}},
              {kGetWorker,
               "Look at a worker",
               "Any active user.",
               "",
               {{ErrorCode::kNotFound, "Worker <uuid>", "No such worker."}}},
              {kShutdownWorker,
               "Shut a worker down",
               "Admins of a group that has Admin on the worker.",
               "A worker without a task is removed at once; else gracefully (after its task) or, with `op=Force`, at "
               "once: the "
               "task goes back to the queue.",
               {kNoSuchWorker, kMayNotManage}},
              {kReplaceWorkerTags,
               "Replace a worker's tags",
               "Write in a group that has Write on the worker.",
               "Takes effect at once, for tasks that already wait, too.",
               {{ErrorCode::kInvalidRequest, "Empty tags", "The list is empty."}, kNoSuchWorker, kMayNotEdit}},
              {kReplaceWorkerLabels,
               "Replace a worker's labels",
               "Write in a group that has Write on the worker.",
               "",
               {{ErrorCode::kInvalidRequest, "Empty labels", "The list is empty."}, kNoSuchWorker, kMayNotEdit}},
              {kUpdateWorkerGroups,
               "Add groups to a worker or change their roles",
               "Admins of a group that has Admin on the worker, who are members of each group they add.",
               "Takes effect at once.",
               {{ErrorCode::kInvalidRequest, "Empty group relations", "No group is named."},
                kNoSuchWorker,
                kMayNotManage,
                kNoSuchGroups,
                {ErrorCode::kPermissionDenied, "", "The caller is no member of a group to be added."}}},
              {kRemoveWorkerGroups,
               "Remove groups from a worker, named in the query",
               "Admins of a group that has Admin on the worker.",
               "The parameter is repeated: `?groups=a&groups=b`. Groups without a role on the worker may be named.",
               {kNoGroups, kNoSuchWorker, kMayNotManage, kNoSuchGroups}},
              {kRemoveWorkerGroupsByBody,
               "Remove groups from a worker, named in the body",
               "Admins of a group that has Admin on the worker.",
               "As with `DELETE /workers/{uuid}/groups`.",
               {kNoGroups, kNoSuchWorker, kMayNotManage, kNoSuchGroups}},
              {kQueryWorkers,
               "Query the workers of a group",
               "Members of the group.",
               "Filters are combined with AND.",
               {{ErrorCode::kPermissionDenied, "", "No such group, or the caller is no member."}}},
              {kShutdownWorkersByFilter,
               "Shut workers down, by filter",
               "Admins of the group.",
               "Only workers on which the group has Admin.",
               {{ErrorCode::kPermissionDenied, "", "No such group, or the caller is no Admin of it."}}},
              {kShutdownWorkersByUuids,
               "Shut workers down, by UUID",
               "Admins of a group that has Admin on each.",
               "Those that could not be shut down are named in the answer.",
               {{ErrorCode::kInvalidRequest, "UUIDs list cannot be empty", "The list is empty."}}},
          }};
}

OperationGroup worker_protocol_docs() {
  using enum Endpoint;
  return {
      "Worker protocol",
      "What workers call with their own token. 401 means that the worker was removed.",
      {
          {kFetchTask, "Fetch a task", "The worker.",
           "A task, or null. With `wait` the answer is held back until there is one. A worker that holds a running "
           "task gets the "
           "same one again."},
          {kReportTask,
           "Report about the task",
           "The worker that holds the task.",
           "`Finish` or `Cancel` says how the command ended, then come `Upload` for each file, `Submit` for a task "
           "that is to run "
           "after this one, and `Commit` with the result. `Complete` is the first and the last in one.",
           {{ErrorCode::kNotFound, "Task <id> not found", "The worker does not hold this task."},
            {ErrorCode::kInvalidRequest, "Task can not spawn new tasks", "`Submit` before `Finish` or `Cancel`."},
            {ErrorCode::kPermissionDenied, "",
             "`Submit`: the task's creator is not active or may not submit, or the group has no Write on the worker."},
            {ErrorCode::kInvalidRequest, "Group name mismatch: expected '<group>', got '<other>'",
             "`Submit` into another group."},
            {ErrorCode::kInvalidRequest, "Resource local path is absolute or contains `..`",
             "`Submit`: a resource would lie outside of the task's directory."},
            {ErrorCode::kInvalidRequest, "Task can not be marked as done", "`Commit` before `Finish` or `Cancel`."},
            {ErrorCode::kInvalidRequest, "Group is not active", "`Upload`: the group is locked or deleted."},
            {ErrorCode::kQuotaExceeded, "", "`Upload`: the group's storage quota does not allow it."},
            {ErrorCode::kUploadRefused, "Invalid content length <length>", "`Upload`: the length is 2^63 or more."}}},
          {kHeartbeat, "Give a sign of life", "The worker.",
           "Without one for the worker's lease (else `heartbeat_timeout`) the worker is removed and its task goes back "
           "to the "
           "queue."},
          {kUnregisterWorker,
           "Leave",
           "The worker.",
           "A task it holds goes back to the queue.",
           {{ErrorCode::kNotFound, "Worker <id> not found", "The worker was removed meanwhile."}}},
          {kWorkerGetTask,
           "Look at a task",
           "Workers of its group; while holding a task, what its creator may read.",
           "Workers wait for watched tasks with it.",
           {kNoSuchTask, kMayNotRead}},
          {kWorkerDownloadArtifact,
           "Ask where to download a task's artifact",
           "Workers of its group; while holding a task, what its creator may read.",
           "",
           {{ErrorCode::kNotFound, "Artifact with uuid <uuid> and content type <result.tar.gz>",
             "No such task or artifact."},
            kMayNotRead}},
          {kWorkerDownloadAttachment,
           "Ask where to download an attachment of a task's group",
           "Workers of its group; while holding a task, what its creator may read.",
           "",
           {kNoSuchTask,
            kMayNotRead,
            {ErrorCode::kNotFound, "Attachment of group <group> and key <key>", "No such attachment."}}},
          {kReportTasks,
           "Report for several workers at once",
           "Each worker that reports: every entry bears its token.",
           "For the slots of one worker process. Each report is answered as `POST /workers/tasks` with its token would "
           "answer it, whatever becomes of the others. `Upload` and `Submit` are not taken here.",
           {{ErrorCode::kInvalidRequest, "The list of reports cannot be empty", "There is no report."},
            {ErrorCode::kInvalidRequest,
             "There are <n> reports in one request: at most 64 are taken, send the others in another",
             "There are too many."}}},
          {kReportState,
           "Report how far the task is",
           "The worker that holds the task.",
           "The latest state is kept and announced.",
           {{ErrorCode::kNotFound, "Task with uuid <uuid>", "The worker does not hold this task."}}},
      }};
}

}  // namespace mito::protocol
