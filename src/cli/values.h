#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration.h"
#include "base/result.h"
#include "cli/arguments.h"
#include "domain/task_spec.h"
#include "protocol/values.h"

// The values of arguments, as reference/client-and-worker.md 3.2 writes them. Failures are kUsage and name the value,
// where it stood and why it is none.
namespace mito::cli {

/// `1h 30m`
Result<Duration> duration_value(std::string_view name, const std::string& text);
/// A 32-bit number, as priorities are.
Result<std::int32_t> number_value(std::string_view name, const std::string& text);
/// A count from `least` on: limits, offsets, transfers side by side.
Result<std::uint64_t> count_value(std::string_view name, const std::string& text, std::uint64_t least = 0);
Result<TaskUuid> task_uuid(std::string_view name, const std::string& text);
Result<WorkerUuid> worker_uuid(std::string_view name, const std::string& text);
/// Each may hold several, separated by commas.
Result<std::vector<TaskUuid>> task_uuids(std::string_view name, const std::vector<std::string>& texts);
Result<std::vector<WorkerUuid>> worker_uuids(std::string_view name, const std::vector<std::string>& texts);

/// `KEY=VALUE` each.
Result<std::map<std::string, std::string>> environment_value(std::string_view name,
                                                             const std::vector<std::string>& texts);
/// `artifact=UUID:TYPE:LOCAL_PATH` or `attachment=KEY:LOCAL_PATH` each. Keys are cleaned.
Result<std::vector<Resource>> resources_value(std::string_view name, const std::vector<std::string>& texts);
/// `UUID,STATE`; the state must be one that exists.
Result<Watch> watch_value(std::string_view name, const std::string& text);
/// `name:role` each; `what` is the kind of role in the error text (`UserGroupRole`).
Result<protocol::Roles> roles_value(std::string_view name, const std::vector<std::string>& texts,
                                    std::string_view what);
/// Lower-case names, checked by the declaration's choices.
std::vector<TaskState> task_states(const std::vector<std::string>& texts);
std::vector<Role> roles(const std::vector<std::string>& texts);
/// `result`, `exec-log`, `std-log`, and the aliases of the protocol.
Result<ArtifactContentType> content_type_value(std::string_view name, const std::string& text);
/// A comparison such as `>=5`, checked and handed on as it is.
Result<std::string> comparison_value(std::string_view name, const std::string& text);
/// A comparison of exit codes (`1`, `!=0`, `raw:9`), as the comparison of raw wait statuses that the protocol has.
/// Numbers over 255 and those behind `raw:` are raw statuses already.
Result<std::string> exit_status_value(std::string_view name, const std::string& text);

/// The error with the names it may be about, where it says that some of those that were sent do not exist.
Error with_names(const Error& error, const std::vector<std::string>& names);
/// The names in front of the roles.
std::vector<std::string> names_of(const protocol::Roles& roles);

}  // namespace mito::cli
