#include "protocol/api_docs.h"

namespace mito::protocol {
namespace {

constexpr FailureDoc kBusy{ErrorCode::kTooManyRequests, "",
                           "Too many passwords wait to be checked, or too many wrong ones came."};
constexpr FailureDoc kNoSuchName{ErrorCode::kNotFound, "User or group with name <username>", "No such user."};

}  // namespace

OperationGroup session_docs() {
  using enum Endpoint;
  return {
      "Sessions",
      "Logging in, and what belongs to the caller.",
      {
          {kLogin,
           "Log in",
           "Anybody.",
           "Answers a bearer token that is valid for `access_token_expires_in` (7 days). Unless `retain` is set, all "
           "tokens of the user that were issued before stop being valid.",
           {{ErrorCode::kWrongCredentials, "", "Unknown user or wrong password."},
            {ErrorCode::kPermissionDenied, "", "The user is locked or deleted."},
            kBusy}},
          {kAuth, "Who am I", "Any active user.",
           "The name of the user the token belongs to, as plain text. Programs check a stored token with it."},
          {kRedis, "Where task states are announced", "Any active user.",
           "The Redis address for clients, where one is configured; `GET /events` needs none."},
          {kChangePassword,
           "Change one's password",
           "The user himself; admins use `/admin/users/{username}/password`.",
           "All tokens issued before stop being valid; the answer holds a new one.",
           {{ErrorCode::kWrongCredentials, "", "Another user's name, or the old password is wrong."}, kBusy}},
          {kUserGroups, "List one's groups", "Any active user.",
           "All memberships of the caller, whatever the state of the group."},
      }};
}

OperationGroup admin_docs() {
  using enum Endpoint;
  return {
      "Administration",
      "For users with the mark `admin`, which gives no rights outside of `/admin` but to read tasks and to register "
      "workers.",
      {
          {kAdminCreateUser,
           "Create a user",
           "Admins.",
           "Creates the user, a group of the same name, and the membership `Admin` in it.",
           {{ErrorCode::kInvalidRequest, "Invalid username", "The name breaks the rule for names."},
            {ErrorCode::kNameTaken, "<username>", "A user or group of that name exists."},
            kBusy}},
          {kAdminDeleteUser,
           "Mark a user as deleted",
           "Admins.",
           "Sets the state `Deleted`: the user is refused from now on. Nothing of what he owns is removed, and the "
           "name "
           "stays taken; the state may be set back.",
           {kNoSuchName}},
          {kAdminChangeUserState,
           "Lock or unlock a user",
           "Admins.",
           "Takes effect with the next request of the user. His workers and tasks stay.",
           {kNoSuchName}},
          {kAdminChangePassword,
           "Set a user's password",
           "Admins.",
           "All tokens of the user stop being valid.",
           {{ErrorCode::kNotFound, "User not found", "No such user."}, kBusy}},
          {kAdminChangeGroupQuota,
           "Change how many groups a user may create",
           "Admins.",
           "",
           {kNoSuchName,
            {ErrorCode::kInvalidRequest, "<what is wrong with the change>", "The change cannot be read."}}},
          {kAdminChangeStorageQuota,
           "Change how much a group may store",
           "Admins.",
           "",
           {{ErrorCode::kInvalidRequest, "<what is wrong with the change>", "The change cannot be read."},
            {ErrorCode::kNotFound, "Group <group_name>", "No such group."}}},
          {kAdminShutdownWorker,
           "Shut a worker down",
           "Admins.",
           "A worker without a task is removed at once; else gracefully (after its task) or, with `op=Force`, at once: "
           "the "
           "task goes back to the queue.",
           {{ErrorCode::kNotFound, "Worker <uuid> not found", "No such worker."}}},
          {kAdminDeleteAttachment,
           "Delete an attachment of any age",
           "Admins.",
           "",
           {{ErrorCode::kNotFound, "Attachment of group <group_name> and key <key>", "No such group or attachment."}}},
          {kAdminDeleteArtifact,
           "Delete an artifact of any age",
           "Admins.",
           "",
           {{ErrorCode::kNotFound, "Task <uuid> not found", "No such task."},
            {ErrorCode::kNotFound, "Artifact with uuid <uuid> and content type <result.tar.gz> not found",
             "The task has no such artifact."}}},
          {kAdminShutdown,
           "Stop the coordinator",
           "Admins who know the shutdown secret.",
           "Answers, then stops gracefully: requests that wait for a task are answered `null`, those in flight are "
           "finished.",
           {{ErrorCode::kPermissionDenied, "", "The secret is wrong."}}},
          {kAdminQueryUsers, "Query users", "Admins.", "Filters are combined with AND. Ordered by name."},
          {kAdminQueryGroups, "Query groups", "Admins.", "Filters are combined with AND. Ordered by name."},
          {kAdminQueryWorkers,
           "Query workers of all groups",
           "Admins.",
           "Filters are combined with AND. With features, lease and host.",
           {{ErrorCode::kNotFound, "Group <group_name>", "The group asked for does not exist."}}},
          {kAdminChangeGroupState,
           "Lock or unlock a group",
           "Admins.",
           "Into a group that is not `Active` nothing can be uploaded.",
           {{ErrorCode::kNotFound, "Group <group_name>", "No such group."}}},
      }};
}

OperationGroup service_docs() {
  using enum Endpoint;
  constexpr FailureDoc kBadUrl{
      ErrorCode::kPermissionDenied,
      "The signature of this object URL is missing or wrong; ask the coordinator for a new one",
      "The signature is missing or wrong, or the URL has ended; the text says which.", 403};
  return {
      "Service",
      "The coordinator itself, and the bytes of objects when it keeps them on its own disk.",
      {
          {kHealth, "Is the coordinator there", "Anybody.", "Does not touch database or object store."},
          {kOpenApi, "This document", "Anybody.", "Made from the route table and the messages of the program."},
          {kDocs, "This document as a page", "Anybody.", "Self-contained; needs no network beyond this answer."},
          {kGuide, "The guide", "Anybody.", "The same page as `/docs/guide/`."},
          {kGuideIndex, "The guide", "Anybody.", "Its first page, with links to the others and a search."},
          {kGuidePage,
           "A page of the guide",
           "Anybody.",
           "As it was when the program was built; needs nothing but this coordinator.",
           {{ErrorCode::kNotFound, "Page <page> of the guide", "No such page."}}},
          {kMetrics,
           "Metrics for Prometheus",
           "With `metrics_token` set whoever sends it as bearer token, else this machine only.",
           "Prometheus text format 0.0.4.",
           {{ErrorCode::kPermissionDenied, "", "Another machine, or not the token."}}},
          {kPutObject,
           "Upload the bytes of an object",
           "Whoever has the URL.",
           "The URL comes from an upload answer and is sent unchanged, with exactly the announced length. Only where "
           "objects are kept on the coordinator's disk; with S3 the URLs lead there.",
           {kBadUrl,
            {ErrorCode::kNotFound, "Object", "The URL names no object, or objects are not kept here."},
            {ErrorCode::kUploadRefused, "The body has 5 bytes, 1024 were announced", "Another length."},
            {ErrorCode::kStorageFull, "", "The disk is full; nothing is left behind."}}},
          {kGetObject,
           "Download the bytes of an object",
           "Whoever has the URL.",
           "The URL comes from a download answer and is sent unchanged. One `Range` of bytes is understood.",
           {kBadUrl, {ErrorCode::kNotFound, "Object", "Nothing was uploaded, or objects are not kept here."}}},
      }};
}

std::span<const OperationGroup> operation_docs() {
  static const OperationGroup kAll[] = {session_docs(),  group_docs(),  attachment_docs(),      task_docs(),
                                        artifact_docs(), worker_docs(), worker_protocol_docs(), admin_docs(),
                                        service_docs()};
  return kAll;
}

const OperationDoc* find_operation_doc(Endpoint endpoint) {
  for (const OperationGroup& group : operation_docs())
    for (const OperationDoc& doc : group.operations)
      if (doc.endpoint == endpoint) return &doc;
  return nullptr;
}

}  // namespace mito::protocol
