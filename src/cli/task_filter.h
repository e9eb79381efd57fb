#pragma once

#include <array>
#include <string_view>

#include "cli/arguments.h"
#include "cli/values.h"

// The options by which many tasks are chosen, alike in queries, cancellations and batch commands for artifacts.
namespace mito::cli {

inline constexpr std::array<std::string_view, 6> kTaskStateNames{"pending",  "ready",     "running",
                                                                 "finished", "cancelled", "unknown"};

inline constexpr Argument kCreators =
    list("creators", 'c', "USER", "Only tasks of these users").of(Argument::Values::kUser);
inline constexpr Argument kFilterGroup =
    option("group", 'g', "GROUP_NAME", "The group to search (default: your own)").of(Argument::Values::kGroup);
inline constexpr Argument kFilterTags = list("tags", 't', "TAG", "Only tasks with all of these tags");
inline constexpr Argument kFilterLabels = list("labels", 'l', "LABEL", "Only tasks with all of these labels");
inline constexpr Argument kFilterStates =
    list("state", 's', "STATE", "Only tasks in one of these states").among(kTaskStateNames);
inline constexpr Argument kFilterExit = option(
    "exit-status", 'e', "N", "Only ended tasks with this exit code: N, !=N, <N, >=N …; raw:N compares the wait status");
inline constexpr Argument kFilterPriority =
    option("priority", 'p', "N", "Only tasks of this priority: N, !=N, <N, >=N …");
inline constexpr Argument kFilterReporter =
    option("reporter-uuid", 0, "UUID", "Only tasks that this worker ran").of(Argument::Values::kWorker);

inline constexpr Argument kFilterFailed =
    flag("failed", 0, "Only tasks that ended badly: exit code not 0, killed, timed out, inputs missing");

/// Fills the filter of any request that has one from the options above (those the command declares).
template <class Request>
Result<Request> task_filter(const Arguments& arguments) {
  Request request;
  request.creator_usernames = arguments.maybe_list("creators");
  request.group_name = arguments.value("group");
  request.tags = arguments.maybe_list("tags");
  request.labels = arguments.maybe_list("labels");
  if (arguments.has("state")) request.states = task_states(arguments.list("state"));
  if (const auto status = arguments.value("exit-status")) {
    MITO_TRY_ASSIGN(request.exit_status, exit_status_value("--exit-status", *status));
  }
  if (const auto priority = arguments.value("priority")) {
    MITO_TRY_ASSIGN(request.priority, comparison_value("--priority", *priority));
  }
  if constexpr (requires { request.reporter_uuid; }) {
    if (const auto reporter = arguments.value("reporter-uuid")) {
      MITO_TRY_ASSIGN(request.reporter_uuid, worker_uuid("--reporter-uuid", *reporter));
    }
  }
  return request;
}

}  // namespace mito::cli
