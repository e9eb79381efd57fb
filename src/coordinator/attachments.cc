#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "coordinator/handlers.h"
#include "coordinator/object_records.h"
#include "domain/rules.h"
#include "protocol/group_messages.h"

// Attachments: the files of a group (reference/server.md 1.4, Groups; 6.3, 6.5).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using protocol::Nothing;

Error no_such_attachment(std::string_view group, std::string_view key) {
  return {ErrorCode::kNotFound, "Attachment of group " + std::string(group) + " and key " + std::string(key)};
}
Error no_such_attachment(const Context& context) {
  return no_such_attachment(context.path.group_name, context.path.key);
}

struct Announcement {
  bool exist = false;
  std::string url;
};

Awaitable<Result<protocol::UploadAttachmentResp>> announce(Context& context, protocol::UploadAttachmentReq request) {
  const std::string& name = context.path.group_name;
  if (!is_valid_attachment_key(name, request.key))
    co_return fail(
        ErrorCode::kInvalidRequest,
        "Invalid attachment key. Should be a relative path pointing to a single location without \"./\" or \"../\"");
  MITO_CO_TRY(check_storable(name));
  const auto found = group_role(context, name);
  if (!found) co_return fail(ErrorCode::kNotFound, "Group " + name);
  MITO_CO_TRY(check_storable(request.key));
  Services& services = context.services;
  const GroupId group_id = found->group;
  const storage::ObjectKey object = attachment_key(name, request.key);
  const std::string base = base_url(context);
  const Timestamp now = context.now();
  MITO_CO_TRY_ASSIGN(
      Announcement announcement,
      co_await write<Announcement>(services, [&](storage::Writer& writer) -> Result<Written<Announcement>> {
        MITO_TRY_ASSIGN(auto group, active_group(writer, group_id, {ErrorCode::kNotFound, "Group " + name}));
        // The state of the group comes before the right to upload.
        if (!at_least(found->role, Role::kWrite)) return fail(ErrorCode::kPermissionDenied);
        MITO_TRY_ASSIGN(auto known, writer.attachment(group_id, request.key));
        MITO_TRY_ASSIGN(const std::int64_t size,
                        book(writer, std::move(group), known ? std::optional(known->size) : std::nullopt,
                             request.content_length, now));
        MITO_TRY_ASSIGN(std::string url,
                        upload_link(services, object, static_cast<std::int64_t>(request.content_length), base));
        MITO_TRY(writer.upsert_attachment({.group = group_id,
                                           .key = request.key,
                                           .size = size,
                                           .created_at = known ? known->created_at : now,
                                           .updated_at = now}));
        return Written<Announcement>{{.exist = known.has_value(), .url = std::move(url)},
                                     [&services, object] { services.removals.withdraw(object); }};
      }));
  co_await removal_over(services, object);
  co_return protocol::UploadAttachmentResp{.exist = announcement.exist, .url = std::move(announcement.url)};
}

/// The attachment of the path, when the caller is a member of its group.
Awaitable<Result<storage::Attachment>> readable_attachment(Context& context) {
  MITO_CO_TRY(check_storable(context.path.group_name));
  const auto found = group_role(context, context.path.group_name);
  if (!found) co_return fail(no_such_attachment(context));
  if (!found->role) co_return fail(ErrorCode::kPermissionDenied);
  MITO_CO_TRY(check_storable(context.path.key));
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<storage::Attachment> {
    MITO_TRY_ASSIGN(auto attachment, queries.attachment(found->group, context.path.key));
    if (!attachment) return fail(no_such_attachment(context));
    return std::move(*attachment);
  });
}

Awaitable<Result<protocol::AttachmentMetadata>> metadata(Context& context) {
  MITO_CO_TRY_ASSIGN(const storage::Attachment found, co_await readable_attachment(context));
  co_return protocol::AttachmentMetadata{.content_type = AttachmentContentType::kNoSet,
                                         .size = found.size,
                                         .created_at = found.created_at,
                                         .updated_at = found.updated_at};
}

Awaitable<Result<protocol::RemoteResourceDownloadResp>> download(Context& context) {
  MITO_CO_TRY_ASSIGN(const storage::Attachment found, co_await readable_attachment(context));
  MITO_CO_TRY_ASSIGN(std::string url,
                     download_link(context.services, attachment_key(context.path.group_name, found.key), found.size,
                                   LinkUse::kSingle, base_url(context)));
  co_return protocol::RemoteResourceDownloadResp{.url = std::move(url), .size = found.size};
}

/// The group of the path, when the caller is a member; the batch requests' words when not.
Result<GroupRole> member_group(const Context& context) {
  MITO_TRY(check_storable(context.path.group_name));
  const auto found = group_role(context, context.path.group_name);
  if (!found || !found->role)
    return fail(ErrorCode::kInvalidRequest,
                "Group with name " + context.path.group_name + " not found or user is not in the group");
  return *found;
}

Awaitable<Result<protocol::AttachmentsQueryResp>> query(Context& context, protocol::AttachmentsQueryReq request) {
  MITO_CO_TRY_ASSIGN(const GroupRole found, member_group(context));
  MITO_CO_TRY(check_storable(request.key.value_or(std::string())));
  co_return co_await read(context.services, [&](storage::Queries& queries) -> Result<protocol::AttachmentsQueryResp> {
    protocol::AttachmentsQueryResp answer;
    answer.group_name = context.path.group_name;
    const std::string pattern = request.key.value_or(std::string());
    if (request.count) {
      MITO_TRY_ASSIGN(const std::int64_t count, queries.count_attachments(found.group, pattern));
      answer.count = static_cast<std::uint64_t>(count);
      return answer;
    }
    MITO_TRY_ASSIGN(auto rows, queries.attachments(found.group, pattern, {request.limit, request.offset.value_or(0)}));
    answer.count = rows.size();
    for (storage::Attachment& row : rows)
      answer.attachments.push_back({.key = std::move(row.key),
                                    .content_type = AttachmentContentType::kNoSet,
                                    .size = row.size,
                                    .created_at = row.created_at,
                                    .updated_at = row.updated_at});
    return answer;
  });
}

Result<protocol::AttachmentsDownloadListResp> links(Context& context, std::vector<storage::Attachment> rows) {
  const std::string base = base_url(context);
  protocol::AttachmentsDownloadListResp answer;
  answer.group_name = context.path.group_name;
  for (storage::Attachment& row : rows) {
    MITO_TRY_ASSIGN(std::string url, download_link(context.services, attachment_key(answer.group_name, row.key),
                                                   row.size, LinkUse::kBatch, base));
    answer.downloads.push_back({.key = std::move(row.key), .url = std::move(url), .size = row.size});
  }
  return answer;
}

Awaitable<Result<std::vector<storage::Attachment>>> rows_by_filter(Services& services, GroupId group,
                                                                   const std::optional<std::string>& key,
                                                                   storage::Page page) {
  return read(services,
              [group, pattern = key.value_or(std::string()),
               page](storage::Queries& queries) -> Result<std::vector<storage::Attachment>> {
                MITO_TRY(check_storable(pattern));
                return queries.attachments(group, pattern, page);
              });
}

Awaitable<Result<protocol::AttachmentsDownloadListResp>> download_by_filter(
    Context& context, protocol::AttachmentsDownloadByFilterReq request) {
  MITO_CO_TRY_ASSIGN(const GroupRole found, member_group(context));
  MITO_CO_TRY_ASSIGN(auto rows, co_await rows_by_filter(context.services, found.group, request.key,
                                                        {request.limit, request.offset.value_or(0)}));
  co_return links(context, std::move(rows));
}

Awaitable<Result<protocol::AttachmentsDownloadListResp>> download_by_keys(
    Context& context, protocol::AttachmentsDownloadByKeysReq request) {
  MITO_CO_TRY_ASSIGN(const GroupRole found, member_group(context));
  if (request.keys.empty()) co_return fail(ErrorCode::kInvalidRequest, "Keys list cannot be empty");
  MITO_CO_TRY(check_storable(request.keys));
  const std::vector<std::string> distinct = normalise_set(std::move(request.keys));
  MITO_CO_TRY_ASSIGN(auto rows, co_await read(context.services, [&](storage::Queries& queries) {
                       return queries.attachments_by_key(found.group, distinct);
                     }));
  co_return links(context, std::move(rows));
}

Awaitable<Result<Nothing>> remove_one(Context& context, GroupId group, Age age) {
  MITO_CO_TRY(check_storable(context.path.key));
  Services& services = context.services;
  const storage::ObjectKey object = attachment_key(context.path.group_name, context.path.key);
  const Timestamp now = context.now();
  MITO_CO_TRY(co_await write<Nothing>(services, [&](storage::Writer& writer) -> Result<Written<Nothing>> {
    MITO_TRY_ASSIGN(const auto row, writer.attachment(group, context.path.key));
    if (!row) return fail(no_such_attachment(context));
    MITO_TRY_ASSIGN(const bool removed, remove_row(writer, *row, age, now));
    if (!removed)
      return fail(ErrorCode::kInvalidRequest, "Cannot delete attachment that has been updated in the last hour");
    return Written<Nothing>{{}, [&services, object] { services.removals.begin(object); }};
  }));
  std::vector<storage::ObjectKey> objects;
  objects.push_back(object);
  co_await remove_objects(services, std::move(objects));
  co_return Nothing{};
}

Awaitable<Result<Nothing>> remove(Context& context) {
  MITO_CO_TRY(check_storable(context.path.group_name));
  const auto found = group_role(context, context.path.group_name);
  if (!found) co_return fail(no_such_attachment(context));
  if (!at_least(found->role, Role::kWrite)) co_return fail(ErrorCode::kPermissionDenied);
  co_return co_await remove_one(context, found->group, Age::kRespected);
}

Awaitable<Result<Nothing>> remove_as_admin(Context& context) {
  MITO_CO_TRY(check_storable(context.path.group_name));
  const auto group = context.directory().group(context.path.group_name);
  if (!group) co_return fail(no_such_attachment(context));
  co_return co_await remove_one(context, *group, Age::kIgnored);
}

/// Removes those of `keys` that exist and are old enough, in transactions of bounded size. Answers the removed keys.
Awaitable<Result<std::vector<std::string>>> remove_many(Context& context, GroupId group,
                                                        std::vector<std::string> keys) {
  constexpr std::size_t kPerTransaction = 256;
  Services& services = context.services;
  std::vector<std::string> removed;
  for (std::size_t start = 0; start < keys.size(); start += kPerTransaction) {
    const std::vector<std::string> part(
        keys.begin() + static_cast<std::ptrdiff_t>(start),
        keys.begin() + static_cast<std::ptrdiff_t>(std::min(keys.size(), start + kPerTransaction)));
    const std::string& name = context.path.group_name;
    const Timestamp now = context.now();
    MITO_CO_TRY_ASSIGN(std::vector<std::string> gone,
                       co_await write<std::vector<std::string>>(
                           services, [&](storage::Writer& writer) -> Result<Written<std::vector<std::string>>> {
                             MITO_TRY_ASSIGN(const auto rows, writer.attachments_by_key(group, part));
                             std::vector<std::string> deleted;
                             for (const storage::Attachment& row : rows) {
                               MITO_TRY_ASSIGN(const bool done, remove_row(writer, row, Age::kRespected, now));
                               if (done) deleted.push_back(row.key);
                             }
                             return Written<std::vector<std::string>>{
                                 deleted, [&services, name, deleted] {
                                   for (const std::string& key : deleted)
                                     services.removals.begin(attachment_key(name, key));
                                 }};
                           }));
    std::vector<storage::ObjectKey> objects;
    for (const std::string& key : gone)
      objects.push_back(attachment_key(context.path.group_name, key));
    co_await remove_objects(services, std::move(objects));
    removed.insert(removed.end(), std::make_move_iterator(gone.begin()), std::make_move_iterator(gone.end()));
  }
  co_return removed;
}

Awaitable<Result<protocol::AttachmentsDeleteByFilterResp>> delete_by_filter(
    Context& context, protocol::AttachmentsDeleteByFilterReq request) {
  MITO_CO_TRY_ASSIGN(const GroupRole found, member_group(context));
  if (!at_least(found.role, Role::kWrite)) co_return fail(ErrorCode::kPermissionDenied);
  MITO_CO_TRY_ASSIGN(auto rows, co_await rows_by_filter(context.services, found.group, request.key,
                                                        {request.limit, request.offset.value_or(0)}));
  std::vector<std::string> keys;
  for (storage::Attachment& row : rows)
    keys.push_back(std::move(row.key));
  MITO_CO_TRY_ASSIGN(const auto removed, co_await remove_many(context, found.group, std::move(keys)));
  co_return protocol::AttachmentsDeleteByFilterResp{.deleted_count = removed.size(),
                                                    .group_name = context.path.group_name};
}

Awaitable<Result<protocol::AttachmentsDeleteByKeysResp>> delete_by_keys(Context& context,
                                                                        protocol::AttachmentsDeleteByKeysReq request) {
  MITO_CO_TRY_ASSIGN(const GroupRole found, member_group(context));
  if (request.keys.empty()) co_return fail(ErrorCode::kInvalidRequest, "Keys list cannot be empty");
  if (!at_least(found.role, Role::kWrite)) co_return fail(ErrorCode::kPermissionDenied);
  MITO_CO_TRY(check_storable(request.keys));
  std::vector<std::string> distinct = normalise_set(request.keys);
  MITO_CO_TRY_ASSIGN(auto removed, co_await remove_many(context, found.group, std::move(distinct)));
  const std::unordered_set<std::string> gone(removed.begin(), removed.end());
  protocol::AttachmentsDeleteByKeysResp answer{
      .deleted_count = removed.size(), .failed_keys = {}, .group_name = context.path.group_name};
  for (std::string& key : request.keys)
    if (!gone.contains(key)) answer.failed_keys.push_back(std::move(key));
  co_return answer;
}

}  // namespace

void add_attachments(Handlers& handlers) {
  handlers.add(Endpoint::kUploadAttachment, handler(announce));
  handlers.add(Endpoint::kGetAttachment, handler(metadata));
  handlers.add(Endpoint::kDownloadAttachment, handler(download));
  handlers.add(Endpoint::kDeleteAttachment, handler(remove));
  handlers.add(Endpoint::kQueryAttachments, handler(query));
  handlers.add(Endpoint::kDownloadAttachmentsByFilter, handler(download_by_filter));
  handlers.add(Endpoint::kDownloadAttachmentsByKeys, handler(download_by_keys));
  handlers.add(Endpoint::kDeleteAttachmentsByFilter, handler(delete_by_filter));
  handlers.add(Endpoint::kDeleteAttachmentsByKeys, handler(delete_by_keys));
  handlers.add(Endpoint::kAdminDeleteAttachment, handler(remove_as_admin));
}

}  // namespace mito::coordinator
