#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/duration.h"
#include "domain/states.h"
#include "protocol/group_messages.h"
#include "protocol/schema.h"
#include "protocol/worker_messages.h"

// Query strings. A parameter nobody asked for is ignored on every endpoint: clients of the original carry `op=force`
// along.
namespace mito::protocol {

/// DELETE /workers/{uuid}, DELETE /admin/workers/{uuid}
struct WorkerShutdownQuery {
  std::optional<ShutdownOp> op;
};

/// GET /workers/tasks, POST /workers/heartbeat (ours): how long the answer may be held back.
struct WaitQuery {
  std::optional<Duration> wait;
};

/// GET /tasks/{uuid} (ours)
struct TaskQuery {
  std::optional<Duration> wait;  ///< Answer when the state is no longer `after`, at most this much later.
  std::optional<std::variant<TaskState, TaskExecState>> after;  ///< Default: the state when the request came.
  bool detail = false;  ///< With exec state, worker and detail; `wait` and `after` imply it.
};

/// GET /workers/{uuid} (ours)
struct WorkerQuery {
  bool detail = false;  ///< With features, lease and info.
};

/// GET /events (ours)
struct EventsQuery {
  std::optional<std::string> group;  ///< Default: all groups of the user.
};

/// Decodes one of the structs above, RemoveUserGroupRoleReq (`users=a&users=b`) or RemoveGroupWorkerRoleReq
/// (`groups=…`) from the text behind the `?`. The error is the reason of a 400 (errors.h, bad_query).
template <class T>
std::expected<T, std::string> decode_query(std::string_view query);

/// The text to put behind the `?`, or nothing when there is nothing to say.
template <class T>
std::string encode_query(const T& query);

/// Name and value of each parameter, decoded (`+` is a blank), bad UTF-8 replaced.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

// Both are instantiated for the messages named above.

/// A parameter of one of them, for documents.
struct QueryParameter {
  std::string_view name;
  const TypeInfo* type = nullptr;  ///< Of one value.
  bool repeated = false;
};
/// The parameters of the query of that name, as the route table names it; none for an unknown name.
std::vector<QueryParameter> query_parameters(std::string_view query);

}  // namespace mito::protocol
