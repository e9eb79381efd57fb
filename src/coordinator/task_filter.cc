#include "coordinator/task_filter.h"

#include <utility>

#include "domain/rules.h"

namespace mito::coordinator {

Result<CheckedFilter> check_filter(const Context& context, FilterFields fields, Role needed, EmptyStates empty_states) {
  const auto empty = [](const auto& list) { return list && list->empty(); };
  if (empty(fields.tags)) return fail(ErrorCode::kInvalidRequest, "Tags cannot be empty if specified");
  if (empty(fields.labels)) return fail(ErrorCode::kInvalidRequest, "Labels cannot be empty if specified");
  if (empty(fields.creator_usernames))
    return fail(ErrorCode::kInvalidRequest, "Creator username cannot be empty if specified");
  if (empty(fields.states) && empty_states == EmptyStates::kRefused)
    return fail(ErrorCode::kInvalidRequest, "State cannot be empty if specified");
  CheckedFilter out;
  out.group_name = fields.group_name.value_or(context.user.username);
  MITO_TRY(check_storable(out.group_name));
  const auto found = group_role(context, out.group_name);
  if (!found || !found->role)
    return fail(ErrorCode::kInvalidRequest,
                "Group with name " + out.group_name + " not found or user is not in the group");
  if (*found->role < needed) return fail(ErrorCode::kPermissionDenied);
  out.filter.group = found->group;
  if (fields.exit_status) {
    MITO_TRY_ASSIGN(out.filter.exit_status, NumberFilter::parse(*fields.exit_status));
  }
  if (fields.priority) {
    MITO_TRY_ASSIGN(out.filter.priority, NumberFilter::parse(*fields.priority));
  }
  for (const auto* texts : {&fields.creator_usernames, &fields.tags, &fields.labels})
    if (*texts) MITO_TRY(check_storable(**texts));
  out.filter.creators = std::move(fields.creator_usernames);
  out.filter.tags = std::move(fields.tags);
  out.filter.labels = std::move(fields.labels);
  out.filter.states = std::move(fields.states);
  out.filter.reporter = fields.reporter_uuid;
  return out;
}

}  // namespace mito::coordinator
