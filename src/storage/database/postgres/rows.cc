#include "storage/database/postgres/rows.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace mito::storage::postgres {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();

}  // namespace

// The members stand in the order of the columns; a braced list reads them from left to right.

User read_user(Columns& c) {
  return {.id = c.id<UserId>(),
          .username = c.text(),
          .encrypted_password = c.text(),
          .auth_signature = c.optional_integer(),
          .admin = c.flag(),
          .state = c.state<UserState>(),
          .group_quota = c.small(),
          .group_count = c.small(),
          .created_at = c.time(),
          .updated_at = c.time(),
          .current_sign_in_at = c.optional_time(),
          .last_sign_in_at = c.optional_time(),
          .current_sign_in_ip = c.optional_text(),
          .last_sign_in_ip = c.optional_text()};
}

Group read_group(Columns& c) {
  return {.id = c.id<GroupId>(),
          .name = c.text(),
          .creator = c.id<UserId>(),
          .created_at = c.time(),
          .updated_at = c.time(),
          .state = c.state<GroupState>(),
          .task_count = c.integer(),
          .storage_quota = c.integer(),
          .storage_used = c.integer()};
}

Membership read_membership(Columns& c) {
  return {.user = c.id<UserId>(), .group = c.id<GroupId>(), .role = c.state<Role>()};
}

Worker read_worker(Columns& c) {
  Worker worker{.id = c.id<WorkerId>(),
                .uuid = c.uuid<WorkerUuid>(),
                .creator = c.id<UserId>(),
                .tags = c.set(),
                .labels = c.set(),
                .created_at = c.time(),
                .updated_at = c.time(),
                .state = c.state<WorkerState>(),
                .last_heartbeat = c.time(),
                .assigned_task = c.optional_id<TaskId>(),
                .lease = {},
                .features = {},
                .info = {}};
  if (const auto lease = c.optional_integer()) worker.lease = std::chrono::milliseconds(*lease);
  worker.features = c.list();
  worker.info = c.text();
  return worker;
}

WorkerAccess read_access(Columns& c) {
  return {.worker = c.id<WorkerId>(), .group = c.id<GroupId>(), .role = c.state<Role>()};
}

Task read_task(Columns& c) {
  return {.id = c.id<TaskId>(),
          .uuid = c.uuid<TaskUuid>(),
          .creator = c.id<UserId>(),
          .group = c.id<GroupId>(),
          .number = c.integer(),
          .tags = c.set(),
          .labels = c.set(),
          .created_at = c.time(),
          .updated_at = c.time(),
          .state = c.state<TaskState>(),
          .archived = c.flag(),
          .assigned_worker = c.optional_id<WorkerId>(),
          .timeout_seconds = c.integer(),
          .priority = c.small(),
          .spec = c.text(),
          .result = c.optional_text(),
          .upstream = c.optional_uuid<TaskUuid>(),
          .downstream = c.optional_uuid<TaskUuid>(),
          .reporter = c.optional_uuid<WorkerUuid>(),
          .losses = c.small(),
          .watch_reached = c.flag(),
          .detail = {}};
}

Attachment read_attachment(Columns& c) {
  return {
      .group = c.id<GroupId>(), .key = c.text(), .size = c.integer(), .created_at = c.time(), .updated_at = c.time()};
}

Artifact read_artifact(Columns& c) {
  return {.task = c.uuid<TaskUuid>(),
          .content_type = c.state<ArtifactContentType>(),
          .size = c.integer(),
          .created_at = c.time(),
          .updated_at = c.time()};
}

Result<std::int64_t> number(Result<Rows> answer) {
  if (!answer) return fail(std::move(answer).error());
  if (answer->count() == 0) return 0;
  Columns columns = answer->row(0);
  const std::int64_t value = columns.integer();
  MITO_TRY(columns.status());
  return value;
}

std::optional<std::int64_t> limit_of(const Page& page) {
  if (!page.limit) return std::nullopt;
  return static_cast<std::int64_t>(std::min(*page.limit, kMost));
}

std::int64_t offset_of(const Page& page) {
  return static_cast<std::int64_t>(std::min(page.offset, kMost));
}

}  // namespace mito::storage::postgres
