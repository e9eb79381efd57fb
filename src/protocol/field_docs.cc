#include <algorithm>

#include "protocol/api_docs.h"

namespace mito::protocol {
namespace {

constexpr std::string_view kDigest = "[100,241,142,247,44,19,247,203,127,198,251,93,189,131,226,114]";
constexpr std::string_view kTask = R"("01890a5d-ac96-474b-bcce-b302099a8057")";
constexpr std::string_view kWorker = R"("0190163d-8694-439b-aea5-966c26f8ad91")";
constexpr std::string_view kToken = R"("ZXlKMGVYQWlPaUpLVjFRaUxDSmhiR2NpT2lKRlpFUlRRU0o5LmV5Si4uLg==")";
constexpr std::string_view kPutUrl =
    R"("http://127.0.0.1:5000/objects/mitosis-artifacts/01890a5d-ac96-474b-bcce-b302099a8057/result.tar.gz?method=PUT&expires=1893456000&length=1024&signature=b64")";
constexpr std::string_view kGetUrl =
    R"("http://127.0.0.1:5000/objects/mitosis-attachments/physics/data/set.bin?method=GET&expires=1893456000&signature=b64")";
constexpr std::string_view kAt = R"("2025-11-21 23:24:00.123456 +00:00:00")";
constexpr std::string_view kEndState = R"({"type":"string","enum":["Finished","Cancelled"]})";

// Where several entries fit, the most specific one holds; see fit().
constexpr FieldDoc kFields[] = {
    // Sessions and users
    {"HealthResp", "status", "Always `ok`.", R"("ok")"},
    {"AdminUsersQueryReq", "username", "Only users with this text anywhere in their name.", R"("al")"},
    {"", "username", "Name of a user: 1 to 255 ASCII letters, digits, `-` or `_`.", R"("alice")"},
    {"", "md5_password", "MD5 digest of the UTF-8 password, as 16 numbers of 0 to 255.", kDigest},
    {"", "old_md5_password", "MD5 digest of the password until now.", kDigest},
    {"", "new_md5_password", "MD5 digest of the new password.", kDigest},
    {"UserLoginReq", "retain",
     "Keep the user's other sessions. Without it every token issued before stops being valid.", "true"},
    {"WorkerReport", "token", "The bearer token of the worker that reports.", kToken},
    {"RegisterWorkerResp", "token", "The worker's own bearer token.", kToken},
    {"", "token", "Bearer token for `Authorization: Bearer <token>`.", kToken},
    {"RedisConnectionInfo", "url", "Where clients may listen to task states; null when no Redis is configured.",
     R"("redis://mitosis_client:password@127.0.0.1:6379/?protocol=resp3")"},
    {"GroupsQueryResp", "groups", "Every group the caller is a member of, with the caller's role.",
     R"({"alice":"Admin","physics":"Write"})"},
    {"AdminUsersQueryReq", "admin", "Only admins, or only users who are not.", "false"},
    {"", "admin", "Whether the user may call the operations below `/admin`.", "false"},
    {"ChangeUserStateReq", "state", "The new state. Users who are not `Active` are refused everywhere.", R"("Locked")"},
    {"UserStateResp", "state", "The state the user is in now.", R"("Locked")"},
    {"UserQueryInfo", "state", "Whether the user may log in and call.", R"("Active")"},
    {"ChangeUserGroupQuotaReq", "group_quota",
     "How many groups the user may create, his own one included: `+5` and `-1` are relative, `=3` and `3` absolute. "
     "The result is at least 0.",
     R"("+5")", "groups"},
    {"", "group_quota", "How many groups the user may create, his own one included.", "8", "groups"},
    {"UserQueryInfo", "group_count", "Groups the user has created, his own one included.", "2", "groups"},
    {"", "current_sign_in_at", "When the newest session began.", kAt},
    {"", "current_sign_in_ip", "Address from which the newest session began.", R"("192.0.2.7")"},
    {"", "last_sign_in_at", "When the session before the newest began.", kAt},
    {"", "last_sign_in_ip", "Address from which the session before the newest began.", R"("192.0.2.7")"},
    {"AdminUsersQueryResp", "users", "The users found, ordered by name; empty when only counting.", {}},
    {"", "secret",
     "The shutdown secret: the setting `shutdown_secret`, else the file of that name in the data "
     "directory.",
     R"("q1w2e3r4t5y6u7i8o9p0aA")"},

    // Groups
    {"AdminGroupsQueryReq", "group_name", "Only groups with this text anywhere in their name.", R"("phys")"},
    {"AdminWorkersQueryReq", "group_name", "Only workers on which this group has a role.", R"("physics")"},
    {"TasksQueryReq", "group_name", "The group to look in. Null: the caller's own group.", R"("physics")"},
    {"TasksCancelByFilterReq", "group_name", "The group to look in. Null: the caller's own group.", R"("physics")"},
    {"*ByFilterReq", "group_name", "The group to look in. Null: the caller's own group.", R"("physics")"},
    {"WorkersQueryReq", "group_name", "The group whose workers are meant. Null: the caller's own group.",
     R"("physics")"},
    {"SubmitTaskReq", "group_name", "The group the task belongs to; its workers run it.", R"("physics")"},
    {"*Resp", "group_name", "The group the request was about.", R"("physics")"},
    {"", "group_name", "Name of a group: 1 to 255 ASCII letters, digits, `-` or `_`.", R"("physics")"},
    {"GroupQueryInfo", "state", "Uploads into a group need `Active`.", R"("Active")"},
    {"ChangeGroupStateReq", "state", "The new state.", R"("Locked")"},
    {"GroupStateResp", "state", "The state the group is in now.", R"("Locked")"},
    {"", "task_count", "Tasks ever submitted into the group; the newest one's number.", "17", "tasks"},
    {"ChangeGroupStorageQuotaReq", "storage_quota",
     "Bytes the group's objects may take: a size (`5GB`, `1.5GiB`, `2000000`), with `+` or `-` relative, with `=` or "
     "nothing absolute.",
     R"("+1GB")", "bytes"},
    {"", "storage_quota", "Bytes the group's objects may take.", "16000000000", "bytes"},
    {"", "storage_used", "Bytes announced for the group's attachments and artifacts.", "1024", "bytes"},
    {"", "worker_count", "Workers on which the group has a role.", "2", "workers"},
    {"", "users_in_group", "Members with their roles; null unless the caller is an Admin of the group.",
     R"({"alice":"Admin","bob":"Read"})"},
    {"UpdateUserGroupRoleReq", "relations", "Users with the role each is to have. Members keep no other role.",
     R"({"bob":"Write"})"},
    {"UpdateGroupWorkerRoleReq", "relations",
     "Groups with the role each is to have on the worker: `Write` lets its tasks run there, `Admin` lets its Admins "
     "manage the worker, too.",
     R"({"physics":"Write"})"},
    {"RemoveUserGroupRoleReq", "users", "Names of the members to remove.", R"(["bob"])"},
    {"AdminGroupsQueryResp", "groups", "The groups found, ordered by name; empty when only counting.", {}},

    // Attachments
    {"UploadAttachmentReq", "key",
     "Name of the attachment within the group, with slashes as it likes. Together with the group's name under 1,024 "
     "bytes, without `//`, `/./`, `/../`.",
     R"("data/set.bin")"},
    {"AttachmentReference", "key", "Key of the attachment in the task's group.", R"("data/set.bin")"},
    {"*Req", "key",
     "Only attachments with this text anywhere in their key; `%` and `_` stand for any text and any "
     "character, `\\` takes the next character as it is.",
     R"("data/")"},
    {"Path", "key", "Key of the attachment: the rest of the path, slashes included.", R"("data/set.bin")"},
    {"", "key", "Key of the attachment.", R"("data/set.bin")"},
    {"", "keys", "Keys of attachments.", R"(["data/set.bin"])"},
    {"", "content_length", "Exact length of what will be uploaded. It is booked at once.", "1024", "bytes"},
    {"", "exist", "Whether an object of that name was known before.", "false"},
    {"UploadAttachmentResp", "url",
     "Send the bytes here with `PUT` within one hour, with exactly the announced "
     "`Content-Length`.",
     kPutUrl},
    {"UploadArtifactResp", "url",
     "Send the bytes here with `PUT` within one hour, with exactly the announced "
     "`Content-Length`.",
     kPutUrl},
    {"*Resp", "attachments", "The attachments found, ordered by key; empty when only counting.", {}},
    {"AttachmentMetadata", "content_type", "Always `NoSet`.", R"("NoSet")"},
    {"AttachmentQueryInfo", "content_type", "Always `NoSet`.", R"("NoSet")"},
    {"", "downloads", "What was found, with where to fetch it. What does not exist is left out.", {}},
    {"", "deleted_count", "How many were deleted.", "1", "objects"},
    {"", "failed_keys", "The given keys that were not deleted: unknown, or updated within the last hour.", R"(["a"])"},

    // Tasks
    {"TaskSpec", "args", "The command and its arguments.", R"(["python3","run.py"])"},
    {"TaskSpec", "envs", "Environment variables of the command, beside those of the worker.", R"({"SEED":"1"})"},
    {"TaskSpec", "resources", "Files that are fetched before the command starts.", {}},
    {"TaskSpec", "terminal_output", "Keep standard output and error as the artifact `std-log`.", "true"},
    {"TaskSpec", "watch", "Begin only when this task has reached this state.",
     R"(["01890a5d-ac96-474b-bcce-b302099a8057","ExecFinished"])"},
    {"TaskResult", "exit_status", "The raw wait status: exit code 1 is 256, a kill by signal 9 is 9.", "0"},
    {"CommitOp", "exit_status", "The raw wait status: exit code 1 is 256, a kill by signal 9 is 9.", "0"},
    {"CompleteOp", "exit_status", "The raw wait status: exit code 1 is 256, a kill by signal 9 is 9.", "0"},
    {"", "exit_status",
     "Number filter on the raw wait status of finished tasks: a number with `=`, `!=`, `<`, `<=`, `>` or `>=` in "
     "front, or alone.",
     R"("!=0")"},
    {"ErrorMsg", "msg", "What was wrong.", R"("Task with uuid 01890a5d-ac96-474b-bcce-b302099a8057 not found")"},
    {"", "msg", "Why the task ended without, or besides, its command's status.", "null"},
    {"Resource", "remote_file", "Where the file comes from.",
     R"({"Artifact":{"uuid":"01890a5d-ac96-474b-bcce-b302099a8057","content_type":"result"}})"},
    {"Resource", "local_path", "Where the file goes, below the task's resource directory: not absolute, without `..`.",
     R"("in/data.tar.gz")"},
    {"SubmitTaskReq", "uuid",
     "Names the task (UUID version 7 is best), so that repeating the request adds nothing and answers the same.",
     kTask},
    {"WorkerPath", "uuid", "UUID of the worker; hyphenated, simple, braced or `urn:uuid:` form, any case.", kWorker},
    {"TaskPath", "uuid", "UUID of the task; hyphenated, simple, braced or `urn:uuid:` form, any case.", kTask},
    {"", "uuid", "UUID of the task.", kTask},
    {"SubmitTaskReq", "tags", "Which workers may run the task: those that have all of its tags.", R"(["linux"])"},
    {"ChangeTaskReq", "tags", "The new tags; null keeps them.", R"(["linux"])"},
    {"RegisterWorkerReq", "tags", "What the worker offers; tasks ask for tags.", R"(["linux","gpu"])"},
    {"ReplaceWorkerTagsReq", "tags", "All tags the worker is to have; at least one.", R"(["linux","gpu"])"},
    {"*Req", "tags", "Only what has all of these tags.", R"(["linux"])"},
    {"WorkerQueryInfo", "tags", "What the worker offers.", R"(["linux","gpu"])"},
    {"", "tags", "Which workers may run the task.", R"(["linux"])"},
    {"SubmitTaskReq", "labels", "For finding the task again; scheduling does not look at them.", R"(["run-7"])"},
    {"UpdateTaskLabelsReq", "labels", "All labels the task is to have; may be empty.", R"(["run-8"])"},
    {"RegisterWorkerReq", "labels", "For finding the worker again; scheduling does not look at them.", R"(["rack-1"])"},
    {"ReplaceWorkerLabelsReq", "labels", "All labels the worker is to have; at least one.", R"(["rack-1"])"},
    {"*Req", "labels", "Only what has all of these labels.", R"(["run-7"])"},
    {"", "labels", "For finding it again; scheduling does not look at them.", R"(["run-7"])"},
    {"SubmitTaskReq", "timeout", "How long the command may run; kept in whole seconds.", R"("1h 30m")"},
    {"ChangeTaskReq", "timeout", "The new time limit; null keeps it. The member must be there.", R"("2h")"},
    {"WorkerTaskResp", "timeout", "How long the command may run.", R"("1h 30m")"},
    {"", "timeout", "How long the command may run.", "5400", "seconds"},
    {"SubmitTaskReq", "priority", "Higher numbers run first, equal ones in the order of their submission.", "0"},
    {"ChangeTaskReq", "priority", "The new priority; null keeps it.", "5"},
    {"*Req", "priority", "Number filter on the priority, written like that on `exit_status`.", R"(">=5")"},
    {"", "priority", "Higher numbers run first.", "0"},
    {"SubmitTaskReq", "task_spec", "What to run.", {}},
    {"ChangeTaskReq", "task_spec", "What to run instead; null keeps it.", {}},
    {"", "task_id", "Running number of the task within its group.", "17"},
    {"TasksSubmitReq", "tasks", "The submissions, at least one.", {}},
    {"TasksQueryResp", "tasks", "The tasks found, in the order of their submission; empty when only counting.", {}},
    {"TasksSubmitResp", "results", "One outcome for each submission, in their order.",
     R"([{"Ok":{"task_id":17,"uuid":"01890a5d-ac96-474b-bcce-b302099a8057"}},{"Err":{"msg":"User or group with name x not found"}}])"},
    {"CompleteOp", "state", "How the task ended.", R"("Finished")", {}, kEndState},
    {"TaskStateReq", "state", "What the worker has come to.", R"("ExecSpawned")"},
    {"ParsedTaskQueryInfo", "state", "Where the task stands.", R"("Finished")"},
    {"TaskQueryInfo", "state", "Where the task stands.", R"("Finished")"},
    {"TaskEvent", "state", "Where the task stands after the change.", R"("Running")"},
    {"AdminUsersQueryReq", "states", "Only users in one of these states.", R"(["Active"])"},
    {"AdminGroupsQueryReq", "states", "Only groups in one of these states.", R"(["Active"])"},
    {"TasksCancelByFilterReq", "states",
     "Only tasks in one of these states; of those only `Ready` and `Pending` can be cancelled. Null: both.",
     R"(["Ready"])"},
    {"", "states", "Only tasks in one of these states.", R"(["Ready","Running"])"},
    {"WorkersQueryReq", "creator_username", "Only workers registered by this user.", R"("alice")"},
    {"*Req", "creator_username", "Only what this user made.", R"("alice")"},
    {"", "creator_username", "Who made it.", R"("alice")"},
    {"", "creator_usernames", "Only tasks submitted by one of these users.", R"(["alice"])"},
    {"AdminWorkersQueryReq", "count", "Only count.", "false"},
    {"*Req", "count", "Only count: the list in the answer stays empty.", "false"},
    {"Admin*Resp", "count", "How many match, whatever `limit` and `offset`.", "1"},
    {"*Resp", "count", "How many are listed; when only counting, how many match.", "1"},
    {"", "limit", "At most this many. Null: all.", "50"},
    {"", "offset", "Skip this many first.", "0"},
    {"", "spec", "What to run.", {}, {}, R"({"$ref":"#/components/schemas/TaskSpec"})"},
    {"",
     "result",
     "How the task ended; null until then.",
     R"({"exit_status":0,"msg":null})",
     {},
     R"({"anyOf":[{"$ref":"#/components/schemas/TaskResult"},{"type":"null"}]})"},
    {"", "upstream_task_uuid", "The task whose worker submitted this one.", "null"},
    {"", "downstream_task_uuid", "The task that this one's worker submitted; it becomes Ready when this one is over.",
     "null"},
    {"", "reporter_uuid", "The worker that reported the result.", kWorker},
    {"", "exec_state", "What the worker that runs the task has come to.", R"("ExecFinished")"},
    {"", "worker", "The worker that ran the task, also after it has left.", {}},
    {"TaskQueryInfo",
     "detail",
     "What the worker said about the run.",
     {},
     {},
     R"({"$ref":"#/components/schemas/TaskDetail"})"},
    {"TaskQueryResp",
     "detail",
     "What the worker said about the run.",
     {},
     {},
     R"({"$ref":"#/components/schemas/TaskDetail"})"},
    {"CommitOp",
     "detail",
     "What there is to say about the run; at most 64 KiB.",
     {},
     {},
     R"({"$ref":"#/components/schemas/TaskDetail"})"},
    {"CompleteOp",
     "detail",
     "What there is to say about the run; at most 64 KiB.",
     {},
     {},
     R"({"$ref":"#/components/schemas/TaskDetail"})"},
    {"TaskQuery", "detail", "Answer with the exec state, the worker and what it said, too.", "true"},
    {"TasksQueryReq", "detail", "Answer with the exec state, the worker and what it said, too.", "true"},
    {"", "detail", "Answer with the worker's features, lease and host, too.", "true"},
    {"TaskQueryResp", "info", "The task.", {}},
    {"WorkerQueryResp", "info", "The worker.", {}},
    {"", "info", "What the worker says about its host.", {}, {}, R"({"$ref":"#/components/schemas/WorkerHostInfo"})"},
    {"TaskQueryResp", "artifacts", "The task's files.", {}},
    {"", "cancelled_count", "How many were cancelled.", "3", "tasks"},
    {"WorkersShutdownByUuidsReq", "uuids", "UUIDs of workers, at least one.",
     R"(["0190163d-8694-439b-aea5-966c26f8ad91"])"},
    {"", "uuids", "UUIDs of tasks, at least one.", R"(["01890a5d-ac96-474b-bcce-b302099a8057"])"},
    {"", "failed_uuids", "The given UUIDs for which nothing was done; repetitions stay.", "[]"},
    {"TaskEvent", "at", "When it changed.", kAt},
    {"TaskUsage", "cpu_seconds", "User and system time of the command and its descendants.", "12.5", "seconds"},
    {"TaskUsage", "peak_memory_bytes", "Most memory the command took at once.", "104857600", "bytes"},
    {"TaskUsage", "wall_seconds", "From the start of the command to its end.", "13.2", "seconds"},
    {"TaskDetail", "reason", "Why the task failed, for people.", R"("The file data/set.bin is larger than the disk")"},
    {"TaskDetail", "notes", "What was skipped, cut or refused.", R"(["std-log was cut at 10 MB"])"},
    {"TaskDetail", "usage", "What the run took.", {}},
    {"TaskDetail", "started_at", "When the command began.", kAt},
    {"TaskDetail", "finished_at", "When the command ended.", kAt},
    {"TaskQuery", "wait",
     "Answer only when the state is another one, at most this much later (the setting `max_wait` bounds it).",
     R"("25s")"},
    {"TaskQuery", "after", "The state that the caller knows. Default: the one when the request came.", R"("Running")"},
    {"EventsQuery", "group", "Only this group. Default: all groups of the caller.", R"("physics")"},

    // Artifacts
    {"", "content_type", "Which of a task's files: `result`, `exec-log` or `std-log`.", R"("result")"},
    {"", "size", "Recorded size: the largest that was announced.", "1024", "bytes"},
    {"", "url", "Fetch the bytes here with `GET`; `Range` is understood.", kGetUrl},

    // Workers
    {"RegisterWorkerReq", "groups",
     "Groups whose tasks the worker runs, each `name` or `name:role`; without a role `Write`. The caller's own group "
     "is added as `Admin`.",
     R"(["physics","chemistry:Admin"])"},
    {"RegisterWorkerReq", "lifetime",
     "How long the worker's token is valid. Default: the setting "
     "`access_token_expires_in`.",
     R"("7days")"},
    {"RegisterWorkerReq", "features", "Additions to the original's protocol the worker can use.", R"(["wait"])"},
    {"", "features", "Additions to the original's protocol the answering side can use.", R"(["wait"])"},
    {"", "lease", "Without a sign of life for this long the worker is lost; 1s to 1day.", R"("30s")"},
    {"WorkerQueryResp", "groups", "Groups with a role on the worker.", R"({"alice":"Admin","physics":"Write"})"},
    {"RemoveGroupWorkerRoleReq", "groups", "Names of the groups to remove.", R"(["physics"])"},
    {"", "worker_id", "UUID of the worker.", kWorker},
    {"", "redis_url", "Where the worker announces task states; null when no Redis is configured.", "null"},
    {"", "host", "Host name.", R"("node-7")"},
    {"", "name", "Name the worker was started with.", R"("node-7-a")"},
    {"", "kernel", "Kernel and its version.", R"("Linux 6.1.0")"},
    {"", "cores", "Processors.", "8", "cores"},
    {"", "memory_bytes", "Memory.", "16777216000", "bytes"},
    {"", "version", "Of the worker program.", R"("0.1.0")"},
    {"", "id", "Number of the task in reports; not the number within the group.", "42"},
    {"ReportTaskReq", "op", "What is reported.", R"({"Commit":{"exit_status":0,"msg":null}})"},
    {"ReportTasksReq", "reports", "1 to 64 of them; each is read, checked and answered by itself.", {}},
    {"WorkerReport",
     "report",
     "What would be the body of `POST /workers/tasks`.",
     R"({"id":42,"op":{"Complete":{"exit_status":0,"msg":null,"state":"Finished","next":true}}})",
     {},
     R"({"$ref":"#/components/schemas/ReportTaskReq"})"},
    {"ReportTasksResp", "answers", "One for each report, in their order.", {}},
    {"WorkerReportAnswer", "status", "The status that the report would have been answered with by itself.", "200"},
    {"WorkerReportAnswer",
     "body",
     "The body likewise; a body of plain text is the `msg` of an object.",
     R"({"url":null,"next":null})",
     {},
     R"({"anyOf":[{"$ref":"#/components/schemas/ReportTaskResp"},{"$ref":"#/components/schemas/ReportTaskNextResp"},{"$ref":"#/components/schemas/ErrorMsg"}]})"},
    {"WorkerShutdownQuery", "op", "`Graceful` (default) lets the worker finish its task, `Force` removes it at once.",
     R"("Graceful")"},
    {"", "op", "`Graceful` lets workers finish their tasks, `Force` removes them at once.", R"("Graceful")"},
    {"CommitOp", "next", "Answer with the next task.", "true"},
    {"CompleteOp", "next", "Answer with the next task.", "true"},
    {"", "next", "The next task; null when there is none, or the worker or the coordinator is stopping.", "null"},
    {"ReportTaskResp", "url", "For `Upload`: send the bytes here with `PUT` within one hour. Else null.", kPutUrl},
    {"WorkerQueryInfo", "state", "`GracefulShutdown`: the worker leaves when its task is done.", R"("Normal")"},
    {"", "last_heartbeat", "When the worker last gave a sign of life.", kAt},
    {"", "assigned_task_id", "UUID of the task the worker runs.", kTask},
    {"", "role", "Only workers on which the group has one of these roles.", R"(["Write","Admin"])"},
    {"", "workers", "The workers found; empty when only counting.", {}},
    {"", "shutdown_count", "How many workers were told to stop or removed.", "2", "workers"},
    {"WaitQuery", "wait",
     "Hold the answer back until there is a task, at most this long (the setting `max_wait` bounds it). Without it "
     "the answer is immediate.",
     R"("25s")"},

    // Everywhere
    {"", "created_at", "When it was made.", kAt},
    {"", "updated_at", "When it was last changed.", kAt},

    // Signed URLs
    {"Path", "page", "Name of the page, with or without the ending of a file (`worker`, `worker.md`, `worker.html`).",
     R"("worker")"},
    {"Path", "bucket", "`mitosis-artifacts` or `mitosis-attachments`, unless configured otherwise.",
     R"("mitosis-attachments")"},
    {"SignedUrl", "method", "The method the URL was signed for.", R"("GET")"},
    {"SignedUrl", "expires", "When the URL ends.", R"("1893456000")", "Unix seconds"},
    {"SignedUrl", "length", "Length that was announced for an upload.", R"("1024")", "bytes"},
    {"SignedUrl", "signature", "HMAC-SHA-256 over all of it, Base64url.", R"("b64")"},
};

/// How well words for `owner` fit `wanted`: 0 not at all.
int fit(std::string_view owner, std::string_view wanted) {
  if (owner == wanted) return 4;
  if (owner.empty()) return 1;
  const std::size_t star = owner.find('*');
  if (star == std::string_view::npos) return 0;
  if (!wanted.starts_with(owner.substr(0, star)) || !wanted.ends_with(owner.substr(star + 1))) return 0;
  return star == 0 ? 2 : 3;
}

struct MessageDoc {
  std::string_view message;
  std::string_view text;
};
constexpr MessageDoc kMessages[] = {
    {"ErrorMsg", "Body of every failure that the coordinator itself found."},
    {"RemoteResourceDownloadResp", "Where an object can be fetched."},
    {"TaskSpec", "What a worker needs to run a task."},
    {"TaskResult", "How a task ended."},
    {"Resource", "One input file of a task."},
    {"ArtifactReference", "A file that another task made."},
    {"AttachmentReference", "A file of the task's group."},
    {"TaskUsage", "What a run took."},
    {"TaskDetail", "What a worker says about a run beside its result."},
    {"TaskWorker", "Which worker ran a task."},
    {"WorkerHostInfo", "What a worker says about its host."},
    {"TaskEvent", "States of a task after a change; one server-sent event."},
    {"CommitOp", "The task is over; its result is recorded."},
    {"CompleteOp", "`Finish` or `Cancel`, and `Commit`, in one; also while the task is running."},
    {"UploadOp", "Announces a file of the task."},
    {"WorkerTaskResp", "A task for the worker that asked."},
    {"ReportTaskNextResp", "The answer to a report that asked for the next task, and to `Complete`."},
    {"WorkerReport", "What one of several workers reports."},
    {"WorkerReportAnswer", "The answer to one of several reports."},
    {"TaskQueryInfo", "A task in a list."},
    {"ParsedTaskQueryInfo", "A task."},
    {"WorkerQueryInfo", "A worker."},
    {"UserQueryInfo", "A user, as admins see him."},
    {"GroupQueryInfo", "A group."},
    {"ArtifactQueryResp", "A file of a task."},
    {"AttachmentMetadata", "A file of a group."},
    {"AttachmentQueryInfo", "A file of a group, in a list."},
    {"AttachmentDownloadItem", "A file of a group and where to fetch it."},
    {"ArtifactDownloadItem", "A file of a task and where to fetch it."},
};

}  // namespace

const FieldDoc* find_field_doc(std::string_view owner, std::string_view field) {
  const FieldDoc* best = nullptr;
  int best_fit = 0;
  for (const FieldDoc& doc : kFields) {
    if (doc.field != field) continue;
    if (const int how = fit(doc.owner, owner); how > best_fit) {
      best = &doc;
      best_fit = how;
    }
  }
  return best;
}

std::string_view message_doc(std::string_view message) {
  const auto* const found = std::ranges::find(kMessages, message, &MessageDoc::message);
  return found == std::end(kMessages) ? std::string_view() : found->text;
}

}  // namespace mito::protocol
