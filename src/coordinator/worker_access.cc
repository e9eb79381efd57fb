#include "coordinator/worker_access.h"

#include <utility>

namespace mito::coordinator {

Result<core::Directory::WorkerEntry> manageable_worker(const Context& context, Role needed) {
  auto worker = context.directory().worker(context.path.worker());
  if (!worker) return fail(ErrorCode::kNotFound, "Worker " + context.path.worker().to_string() + " not found");
  for (const auto& [group, role] : worker->access)
    if (role >= needed && at_least(context.directory().role(context.user.id, group), needed)) return std::move(*worker);
  return fail(ErrorCode::kPermissionDenied);
}

Result<QueriedGroup> queried_group(const Context& context, const std::optional<std::string>& name, Role needed) {
  std::string chosen = name.value_or(context.user.username);
  MITO_TRY(check_storable(chosen));
  const auto found = group_role(context, chosen);
  if (!found || !at_least(found->role, needed)) return fail(ErrorCode::kPermissionDenied);
  return QueriedGroup{found->group, std::move(chosen)};
}

}  // namespace mito::coordinator
