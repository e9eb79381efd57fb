#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "domain/states.h"
#include "redis/reply.h"

// What the original's workers and ours tell about tasks in Redis (reference/server.md section 7): the key and the
// channel `task:<uuid>` carry the number of the execution state.
namespace mito::redis {

/// Names of the users that the coordinator makes for workers and for clients.
inline constexpr std::string_view kWorkerUser = "mitosis_worker";
inline constexpr std::string_view kClientUser = "mitosis_client";
/// The channels of all tasks.
inline constexpr std::string_view kAllTasks = "task:*";

/// `task:<uuid>`, key and channel.
std::string task_key(const TaskUuid& task);
/// The task of a key or channel; nothing when it is another's.
std::optional<TaskUuid> task_of_key(std::string_view key);
/// The state of a value or payload; kUnknown for numbers without one, nothing for what is no number.
std::optional<TaskExecState> parse_state(std::string_view text);

/// How long a state is kept; nothing: until the next one. `timeout`: the task's, for kExecPending.
std::optional<std::chrono::seconds> state_life(TaskExecState state, std::chrono::seconds timeout);
/// The commands that keep a state and tell it. Send them together.
std::vector<Command> announcement(const TaskUuid& task, TaskExecState state, std::optional<std::chrono::seconds> life);
/// Lets what is kept of a task go after the time of a last state.
Command farewell(const TaskUuid& task);

/// The commands that make (or renew) the user of workers and that of clients. Each changes its user in one step, so
/// that connections of that user stay.
std::vector<Command> user_rules(std::string_view worker_password, std::string_view client_password);

}  // namespace mito::redis
