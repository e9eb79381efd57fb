#include "protocol/api_docs.h"

namespace mito::protocol {
namespace {

constexpr FailureDoc kNoSuchTask{ErrorCode::kNotFound, "Task with uuid <uuid>", "No such task."};
constexpr FailureDoc kNotReady{ErrorCode::kNotFound, "Task with uuid <uuid>", "No such task, or it is not `Ready`."};
constexpr FailureDoc kNotInGroup{ErrorCode::kInvalidRequest, "User is not in the group",
                                 "The caller is no member of the task's group."};
constexpr FailureDoc kOnlyReads{ErrorCode::kPermissionDenied, "", "The caller has Read only."};
constexpr FailureDoc kNotReader{ErrorCode::kPermissionDenied, "",
                                "The caller is neither a member of the task's group nor an admin."};
constexpr FailureDoc kNotWriter{ErrorCode::kPermissionDenied, "", "The caller is no member, or has Read only."};
constexpr FailureDoc kUnsafePath{ErrorCode::kInvalidRequest, "Resource local path is absolute or contains `..`",
                                 "A resource would lie outside of the task's directory."};
constexpr FailureDoc kNoUuids{ErrorCode::kInvalidRequest, "UUIDs list cannot be empty", "The list is empty."};
constexpr FailureDoc kNoSuchArtifact{ErrorCode::kNotFound, "Artifact with uuid <uuid> and content type <result.tar.gz>",
                                     "The task has no such artifact."};

enum class Needed { kRead, kWrite };
enum class EmptyStates { kAllowed, kRefused };

std::vector<FailureDoc> filter_failures(Needed needed, EmptyStates states) {
  std::vector<FailureDoc> failures{
      {ErrorCode::kInvalidRequest, "Tags cannot be empty if specified", "`tags` is an empty list."},
      {ErrorCode::kInvalidRequest, "Labels cannot be empty if specified", "`labels` is an empty list."},
      {ErrorCode::kInvalidRequest, "Creator username cannot be empty if specified",
       "`creator_usernames` is an empty list."}};
  if (states == EmptyStates::kRefused)
    failures.push_back(
        {ErrorCode::kInvalidRequest, "State cannot be empty if specified", "`states` is an empty list."});
  failures.push_back({ErrorCode::kInvalidRequest, "Group with name <group_name> not found or user is not in the group",
                      "No such group, or the caller is no member."});
  if (needed == Needed::kWrite) failures.push_back(kOnlyReads);
  failures.push_back(
      {ErrorCode::kInvalidRequest, "Failed to parse number from <text>: <reason>", "A number filter cannot be read."});
  return failures;
}

}  // namespace

OperationGroup task_docs() {
  using enum Endpoint;
  return {"Tasks",
          "A task is a command that a worker of its group runs. Pending (waits for the task that submitted it) → Ready "
          "→ Running → "
          "Finished or Cancelled.",
          {
              {kSubmitTask,
               "Submit a task",
               "Write in the group (with `open_groups` any active user).",
               "",
               {{ErrorCode::kNotFound, "User or group with name <group_name>", "No such group."},
                {ErrorCode::kPermissionDenied, "", "The caller may not submit into the group."},
                kUnsafePath}},
              {kSubmitTasks,
               "Submit many tasks",
               "As for one task, judged for each.",
               "One outcome for each submission, in their order; what is refused does not hinder the others.",
               {{ErrorCode::kInvalidRequest, "Tasks list cannot be empty", "The list is empty."}}},
              {kGetTask,
               "Look at a task",
               "Members of its group, and admins.",
               "With `wait` the answer comes when the task's state is another one.",
               {kNoSuchTask, kNotReader}},
              {kChangeTask,
               "Change a task that is Ready",
               "Write in the task's group.",
               "What is null stays as it is; `timeout` must be there all the same.",
               {{ErrorCode::kInvalidRequest, "No change specified", "Everything is null."},
                kNotReady,
                kNotInGroup,
                kOnlyReads,
                kUnsafePath}},
              {kCancelTask,
               "Cancel a task that is Ready",
               "Write in the task's group.",
               "`POST /tasks/cancel/list` cancels Pending tasks, too.",
               {kNotReady, kNotInGroup, kOnlyReads}},
              {kUpdateTaskLabels,
               "Replace a task's labels",
               "Write in the task's group.",
               "In any state, also when the task is over.",
               {kNoSuchTask, kNotInGroup, kOnlyReads}},
              {kQueryTasks, "Query tasks", "Members of the group.",
               "Filters are combined with AND; `tags` and `labels` must all be there, of `states` and "
               "`creator_usernames` one. In the "
               "order of submission, so that pages fit together.",
               filter_failures(Needed::kRead, EmptyStates::kRefused)},
              {kCancelTasksByFilter, "Cancel tasks, by filter", "Write in the group.",
               "Cancels what is Ready or Pending. States that cannot be cancelled cancel nothing.",
               filter_failures(Needed::kWrite, EmptyStates::kAllowed)},
              {kCancelTasksByUuids,
               "Cancel tasks, by UUID",
               "Write in the group of each.",
               "What could not be cancelled is named in the answer.",
               {kNoUuids}},
              {kEvents,
               "Follow the tasks of groups",
               "Members of the group, and admins; without `group` each hears of his own groups.",
               "Server-sent events: one line `data:` with a TaskEvent for each change of a task's state or exec state. "
               "Comment lines keep "
               "the connection alive. `event: end` says why the stream ends: the coordinator stops, the caller may no "
               "longer read, or "
               "events came faster than they were read.",
               {{ErrorCode::kInvalidRequest, "Group with name <group_name> not found or user is not in the group",
                 "No such group, or the caller is no member."},
                {ErrorCode::kTooManyRequests, "", "Too many follow already."}}},
          }};
}

OperationGroup artifact_docs() {
  using enum Endpoint;
  return {
      "Artifacts",
      "Files of a task: its result directory, the log of its run, its terminal output. They stay when the task is "
      "over.",
      {
          {kDownloadArtifact,
           "Ask where to download an artifact",
           "Members of the task's group, and admins.",
           "The URL is valid for an hour and longer for large files.",
           {kNoSuchArtifact, kNotReader}},
          {kUploadArtifact,
           "Ask where to upload an artifact",
           "Write in the task's group.",
           "Books the length and answers a URL for `PUT`, valid for one hour. An artifact of the same type is "
           "replaced.",
           {{ErrorCode::kNotFound, "Task <uuid> not found", "No such task."},
            kNotWriter,
            {ErrorCode::kInvalidRequest, "Group is not active", "The group is locked or deleted."},
            {ErrorCode::kQuotaExceeded, "", "The group's storage quota does not allow it."},
            {ErrorCode::kUploadRefused, "Invalid content length <length>", "The length is 2^63 or more."}}},
          {kDeleteArtifact,
           "Delete an artifact",
           "Write in the task's group.",
           "Not within one hour of its last upload URL, which may still be used.",
           {{ErrorCode::kNotFound, "Task <uuid> not found", "No such task."},
            kNotWriter,
            {ErrorCode::kNotFound, "Artifact with uuid <uuid> and content type <result.tar.gz> not found",
             "The task has no such artifact."},
            {ErrorCode::kInvalidRequest, "Cannot delete artifact that has been updated in the last hour",
             "An upload URL was given out less than an hour ago."}}},
          {kDownloadArtifactsByFilter, "Ask where to download artifacts, by filter", "Members of the group.",
           "Of the tasks of the filter, those that have the artifact. The URLs are valid for a day.",
           filter_failures(Needed::kRead, EmptyStates::kRefused)},
          {kDownloadArtifactsByUuids,
           "Ask where to download artifacts, by UUID",
           "Members of the group of each, and admins.",
           "Tasks without the artifact, and those the caller may not read, are left out. The URLs are valid for a day.",
           {kNoUuids}},
          {kDeleteArtifactsByFilter, "Delete artifacts, by filter", "Write in the group.",
           "With Read only, nothing is deleted. Those with an upload URL younger than an hour are skipped.",
           filter_failures(Needed::kRead, EmptyStates::kRefused)},
          {kDeleteArtifactsByUuids,
           "Delete artifacts, by UUID",
           "Write in the group of each.",
           "What could not be deleted is named in the answer.",
           {kNoUuids}},
      }};
}

}  // namespace mito::protocol
