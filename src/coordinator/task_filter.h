#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "coordinator/context.h"
#include "storage/database/rows.h"

namespace mito::coordinator {

/// Whether an empty list of states is an error: it is everywhere but in cancellations.
enum class EmptyStates { kRefused, kAllowed };

/// A filter that passed the checks, with the name of its group.
struct CheckedFilter {
  storage::TaskFilter filter;
  std::string group_name;
};

/// The fields every filter request has.
struct FilterFields {
  std::optional<std::vector<std::string>> creator_usernames;
  std::optional<std::string> group_name;
  std::optional<std::vector<std::string>> tags;
  std::optional<std::vector<std::string>> labels;
  std::optional<std::vector<TaskState>> states;
  std::optional<std::string> exit_status;
  std::optional<std::string> priority;
  std::optional<WorkerUuid> reporter_uuid;
};

/// The "filter checks" of reference/server.md 1.3, in that order.
Result<CheckedFilter> check_filter(const Context& context, FilterFields fields, Role needed, EmptyStates empty_states);

/// The filter fields of a request message.
template <class Request>
FilterFields filter_fields(const Request& request) {
  FilterFields fields{.creator_usernames = request.creator_usernames,
                      .group_name = request.group_name,
                      .tags = request.tags,
                      .labels = request.labels,
                      .states = request.states,
                      .exit_status = request.exit_status,
                      .priority = request.priority,
                      .reporter_uuid = std::nullopt};
  if constexpr (requires { request.reporter_uuid; }) fields.reporter_uuid = request.reporter_uuid;
  return fields;
}

}  // namespace mito::coordinator
