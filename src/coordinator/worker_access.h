#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "coordinator/context.h"
#include "storage/database/rows.h"

// Which workers a user may see and change (reference/server.md 3.2).
namespace mito::coordinator {

/// The worker of the path, when the caller has at least `needed` in a group that has at least `needed` on it.
Result<core::Directory::WorkerEntry> manageable_worker(const Context& context, Role needed);

/// The group a worker query is about: the one named or the caller's own.
struct QueriedGroup {
  GroupId id;
  std::string name;
};
/// kPermissionDenied when there is no such group or the caller has less than `needed` in it.
Result<QueriedGroup> queried_group(const Context& context, const std::optional<std::string>& name, Role needed);

/// Empty tag and label lists do not restrict.
template <class Request>
storage::WorkerFilter filter_of(const Request& request, GroupId group) {
  const auto restricting = [](const std::optional<std::vector<std::string>>& list) {
    return list && !list->empty() ? list : std::nullopt;
  };
  return {.group = group,
          .roles = request.role,
          .tags = restricting(request.tags),
          .labels = restricting(request.labels),
          .creator = request.creator_username};
}

}  // namespace mito::coordinator
