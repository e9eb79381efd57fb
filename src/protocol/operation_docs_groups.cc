#include "protocol/api_docs.h"

namespace mito::protocol {
namespace {

constexpr FailureDoc kNoSuchGroup{ErrorCode::kNotFound, "Group <group_name>", "No such group."};
constexpr FailureDoc kNoRelations{ErrorCode::kInvalidRequest, "Empty group relations", "Nobody is named."};
constexpr FailureDoc kNotAdmin{ErrorCode::kPermissionDenied, "", "The caller is no Admin of the group."};
constexpr FailureDoc kNoSuchUsers{ErrorCode::kInvalidRequest, "Some users do not exist",
                                  "A name is unknown; nothing is changed."};
constexpr FailureDoc kNoSuchAttachment{ErrorCode::kNotFound, "Attachment of group <group_name> and key <key>",
                                       "No such group or attachment."};
constexpr FailureDoc kNotMember{ErrorCode::kPermissionDenied, "", "The caller is no member of the group."};
constexpr FailureDoc kNotWriter{ErrorCode::kPermissionDenied, "", "The caller is no member, or has Read only."};
constexpr FailureDoc kNotInGroup{ErrorCode::kInvalidRequest,
                                 "Group with name <group_name> not found or user is not in the group",
                                 "No such group, or the caller is no member."};
constexpr FailureDoc kNoKeys{ErrorCode::kInvalidRequest, "Keys list cannot be empty", "The list is empty."};

}  // namespace

OperationGroup group_docs() {
  using enum Endpoint;
  return {"Groups",
          "Groups own tasks and files; users are members with a role: Read sees, Write changes, Admin manages members. "
          "Every user "
          "is Admin of the group of his name.",
          {
              {kCreateGroup,
               "Create a group",
               "Any active user within his `group_quota`.",
               "The caller becomes its Admin.",
               {{ErrorCode::kInvalidRequest, "Invalid group name", "The name breaks the rule for names."},
                {ErrorCode::kNameTaken, "<group_name>", "A user or group of that name exists."},
                {ErrorCode::kQuotaExceeded, "", "The caller has created as many groups as he may."}}},
              {kGetGroup,
               "Look at a group",
               "Members.",
               "Only Admins of the group see the members.",
               {kNoSuchGroup, kNotMember}},
              {kUpdateGroupUsers,
               "Add members or change their roles",
               "Admins of the group.",
               "All of the named, or none.",
               {kNoRelations, kNoSuchGroup, kNotAdmin, kNoSuchUsers}},
              {kRemoveGroupUsers,
               "Remove members, named in the query",
               "Admins of the group.",
               "The parameter is repeated: `?users=a&users=b`. Who is no member may be named. The last Admin can be "
               "removed, too.",
               {kNoRelations, kNoSuchGroup, kNotAdmin, kNoSuchUsers}},
              {kRemoveGroupUsersByBody,
               "Remove members, named in the body",
               "Admins of the group.",
               "As with `DELETE /groups/{group_name}/users`.",
               {kNoRelations, kNoSuchGroup, kNotAdmin, kNoSuchUsers}},
          }};
}

OperationGroup attachment_docs() {
  using enum Endpoint;
  return {"Attachments",
          "Files of a group, which its tasks may fetch. Uploads and downloads go to signed URLs; the size counts "
          "against the group's "
          "`storage_quota` from the moment the upload URL is given out.",
          {
              {kUploadAttachment,
               "Ask where to upload an attachment",
               "Write in the group.",
               "Books the length and answers a URL for `PUT`, valid for one hour. An attachment of the same key is "
               "replaced; its "
               "recorded size never shrinks.",
               {{ErrorCode::kInvalidRequest,
                 "Invalid attachment key. Should be a relative path pointing to a single location without \"./\" or "
                 "\"../\"",
                 "The key breaks the rule for keys."},
                kNoSuchGroup,
                {ErrorCode::kInvalidRequest, "Group is not active", "The group is locked or deleted."},
                kNotWriter,
                {ErrorCode::kQuotaExceeded, "", "The group's storage quota does not allow it."},
                {ErrorCode::kUploadRefused, "Invalid content length <length>", "The length is 2^63 or more."}}},
              {kGetAttachment, "Look at an attachment", "Members.", "", {kNoSuchAttachment, kNotMember}},
              {kDeleteAttachment,
               "Delete an attachment",
               "Write in the group.",
               "Not within one hour of its last upload URL, which may still be used.",
               {kNoSuchAttachment,
                kNotWriter,
                {ErrorCode::kInvalidRequest, "Cannot delete attachment that has been updated in the last hour",
                 "An upload URL was given out less than an hour ago."}}},
              {kDownloadAttachment,
               "Ask where to download an attachment",
               "Members.",
               "The URL is valid for an hour and longer for large files.",
               {kNoSuchAttachment, kNotMember}},
              {kQueryAttachments, "Query attachments", "Members.", "Ordered by key.", {kNotInGroup}},
              {kDownloadAttachmentsByFilter,
               "Ask where to download attachments, by filter",
               "Members.",
               "The URLs are valid for a day.",
               {kNotInGroup}},
              {kDownloadAttachmentsByKeys,
               "Ask where to download attachments, by key",
               "Members.",
               "Unknown keys are left out. The URLs are valid for a day.",
               {kNotInGroup, kNoKeys}},
              {kDeleteAttachmentsByFilter,
               "Delete attachments, by filter",
               "Write in the group.",
               "Those with an upload URL younger than an hour are skipped.",
               {kNotInGroup, kNotWriter}},
              {kDeleteAttachmentsByKeys,
               "Delete attachments, by key",
               "Write in the group.",
               "What could not be deleted is named in the answer.",
               {kNotInGroup, kNoKeys, kNotWriter}},
          }};
}

}  // namespace mito::protocol
