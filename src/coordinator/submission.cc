#include "coordinator/submission.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <utility>

#include "base/logging.h"
#include "domain/task_spec.h"
#include "protocol/codec.h"

namespace mito::coordinator {

namespace {

constexpr log::Source kLog{"netmito::coordinator"};

/// Says once which setting restores what the original allows.
void hint_at_open_groups(const std::string& user, const std::string& group) {
  static std::atomic<bool> said{false};
  if (!said.exchange(true))
    kLog.warn(
        "{} was not allowed to submit into {} without the role Write; open_groups = true allows it to everybody, as "
        "the original does",
        user, group);
}

}  // namespace

Result<void> check_spec(const TaskSpec& spec) {
  if (!local_paths_are_safe(spec))
    return fail(ErrorCode::kInvalidRequest, "Resource local path is absolute or contains `..`");
  return {};
}

std::int64_t whole_seconds(const Duration& timeout) {
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(timeout.seconds, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
}

Result<core::SubmitTask> to_command(protocol::SubmitTaskReq request) {
  MITO_TRY(check_spec(request.task_spec));
  MITO_TRY(check_storable(request.tags));
  MITO_TRY(check_storable(request.labels));
  return core::SubmitTask{.creator = {},
                          .group = {},
                          .tags = std::move(request.tags),
                          .labels = std::move(request.labels),
                          .timeout_seconds = whole_seconds(request.timeout),
                          .priority = request.priority,
                          .spec = protocol::stored_form(request.task_spec),
                          .watch = request.task_spec.watch,
                          .uuid = request.uuid};
}

Result<core::SubmitTask> checked_submission(const Context& context, protocol::SubmitTaskReq request) {
  MITO_TRY(check_storable(request.group_name));
  const auto found = group_role(context, request.group_name);
  if (!found) return fail(ErrorCode::kNotFound, "User or group with name " + request.group_name);
  if (!context.services.settings.open_groups && !at_least(found->role, Role::kWrite)) {
    hint_at_open_groups(context.user.username, request.group_name);
    return fail(ErrorCode::kPermissionDenied);
  }
  MITO_TRY_ASSIGN(core::SubmitTask task, to_command(std::move(request)));
  task.creator = context.user.id;
  task.group = found->group;
  return task;
}

}  // namespace mito::coordinator
