#include "protocol/error_docs.h"

#include <string>
#include <utility>

namespace mito::protocol {
namespace {

Failure empty(unsigned status) {
  return {.status = status, .content_type = {}, .body = {}};
}

/// With the place left open that a decoding error names.
Failure misread(DecodeError::Kind kind) {
  Failure failure =
      bad_body({.kind = kind, .at_root = false, .path = "<field>", .message = "<reason>", .line = 1, .column = 0});
  constexpr std::string_view kPlace = " at line 1 column 0";
  if (failure.body.ends_with(kPlace))
    failure.body.replace(failure.body.size() - kPlace.size(), kPlace.size(), " at line <n> column <n>");
  return failure;
}

Failure sent(ErrorCode code, std::string text = {}) {
  return failure_of(Error(code, std::move(text)));
}

/// Before an operation is reached.
std::vector<AnswerDoc> transport_docs() {
  return {
      {empty(400), "The request is not HTTP/1.1, or its lengths contradict each other.",
       "Look at the program or proxy that sent it; the connection is closed."},
      {empty(414), "The address is longer than 65,534 bytes.",
       "Send filters and lists in the body: every query has a form with `POST`."},
      {empty(431), "More than 100 headers, or a head over 480 KB.", "Look at the proxy in front of the coordinator."},
      {empty(404), "There is no such path.",
       "Compare it with the list of operations at `/docs`; a slash at the end makes another one."},
      {missing_authorization(), "The operation needs a token and none was sent.",
       "Log in (`mito client login`), or send `Authorization: Bearer <token>`."},
      {bad_authorization(), "The header is there and is no bearer token.", "Send `Authorization: Bearer <token>`."},
      {sent(ErrorCode::kInvalidToken),
       "The token was made with another key, has been changed, has ended, or is of another kind (user, worker).",
       "Log in again. When it happens to everybody, the coordinator runs with another key than before: see its "
       "`private.pem`."},
      {sent(ErrorCode::kWrongCredentials),
       "Unknown user, wrong password, or a token that was ended by a login with `--logout-others` or a new password.",
       "Log in again; an admin can set a new password (`mito client admin users change-password`)."},
      {sent(ErrorCode::kPermissionDenied),
       "Who the caller is does not suffice: not an admin, not a member of the group, or Read where Write is needed. A "
       "locked or deleted user gets it, too.",
       "`mito client users groups` shows the roles one has; an Admin of the group gives others."},
      {empty(405), "The path has no such method; the header `Allow` names those that it has.", "Use one of those."},
  };
}

/// While the request is read.
std::vector<AnswerDoc> request_docs() {
  return {
      {bad_path("<reason>"), "A value in the path is not what it should be, for instance no UUID.",
       "The reason names the parameter."},
      {bad_query("<reason>"), "A parameter behind `?` is missing or not what it should be.",
       "The reason names the parameter."},
      {bad_content_type(), "A JSON body was sent as something else.", "Send `Content-Type: application/json`."},
      {body_too_large(), "The body is larger than 2 MiB.",
       "Send fewer tasks, filters or names at once. Files go to object URLs, which have no such limit."},
      {body_unreadable(), "The connection ended before the body did.", "Send it again."},
      {misread(DecodeError::Kind::kSyntax), "The body is not JSON.", "The reason says where."},
      {misread(DecodeError::Kind::kShape),
       "The body is JSON, but a field is missing, has the wrong type or a value that does not exist.",
       "The reason names the field and what is expected; the schemas are at `/docs`."},
  };
}

/// What operations answer.
std::vector<AnswerDoc> operation_docs_of_errors() {
  return {
      {sent(ErrorCode::kInvalidRequest, "<reason>"), "The request was understood and makes no sense.",
       "The reason says which part."},
      {sent(ErrorCode::kNotFound, "<what>"),
       "There is no such user, group, task, worker, artifact or attachment, or the task is no longer in a state in "
       "which it can be changed.",
       "Look for it with a query: `mito client tasks query`, `workers query`, `groups attachments query`."},
      {sent(ErrorCode::kNameTaken, "<name>"), "Names of users and groups are unique together; deleted ones stay taken.",
       "Choose another name, or set the old one to Active again."},
      {sent(ErrorCode::kQuotaExceeded), "The group's storage or the user's number of groups is used up.",
       "Delete artifacts or attachments, or have an admin raise the quota (`mito client admin groups storage-quota`)."},
      {sent(ErrorCode::kUploadRefused, "<reason>"), "The object cannot be stored as announced.",
       "The reason says why; announce and send the exact length."},
      {sent(ErrorCode::kPayloadTooLarge, ""), "A part of the request is larger than it may be.", "Send less at once."},
      {sent(ErrorCode::kTooManyRequests, ""), "Too many of the kind wait, or too many wrong passwords came.",
       "Wait as long as the header `Retry-After` says and send it again."},
      {sent(ErrorCode::kTimeout, ""), "The answer was not ready in time.", "Send it again."},
      {sent(ErrorCode::kUnavailable, ""),
       "The database or the object store is away, the coordinator stops, or its queue is full.",
       "Send it again. On the coordinator: `mito coordinator --check`, its log, "
       "`mito_database_away`."},
      {sent(ErrorCode::kStorageFull, ""), "The coordinator's disk is full but for the reserve (`min_free`).",
       "Make room there: a `retention`, fewer artifacts, a larger volume. Nothing of the upload was kept."},
      {sent(ErrorCode::kInternal), "A bug, or a part of the coordinator failed.",
       "The coordinator's log has the reason, with the time of the request."},
      {service_panicked(), "A bug.", "The coordinator's log has the reason; please report it."},
  };
}

}  // namespace

std::vector<AnswerDoc> answer_docs() {
  std::vector<AnswerDoc> all = transport_docs();
  for (auto& part : {request_docs(), operation_docs_of_errors()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace mito::protocol
