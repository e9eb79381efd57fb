#include "redis/task_states.h"

#include <algorithm>
#include <charconv>

namespace mito::redis {

namespace {

constexpr std::string_view kPrefix = "task:";
constexpr std::chrono::seconds kLast{60};

}  // namespace

std::string task_key(const TaskUuid& task) {
  return std::string(kPrefix) + task.to_string();
}

std::optional<TaskUuid> task_of_key(std::string_view key) {
  constexpr std::size_t kUuidLength = 36;
  if (!key.starts_with(kPrefix) || key.size() != kPrefix.size() + kUuidLength) return std::nullopt;
  const auto uuid = Uuid::parse(key.substr(kPrefix.size()));
  if (!uuid) return std::nullopt;
  return TaskUuid{*uuid};
}

std::optional<TaskExecState> parse_state(std::string_view text) {
  std::int32_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return from_number<TaskExecState>(number);
}

std::optional<std::chrono::seconds> state_life(TaskExecState state, std::chrono::seconds timeout) {
  switch (state) {
    case TaskExecState::kFetchResource:
      return std::chrono::seconds(360);
    case TaskExecState::kExecPending:
      return timeout + kLast;
    case TaskExecState::kExecFinished:
    case TaskExecState::kUploadResult:
    case TaskExecState::kUploadFinishedResult:
    case TaskExecState::kUploadCancelledResult:
      return std::chrono::seconds(660);
    case TaskExecState::kWatch:
    case TaskExecState::kExecSpawned:
      return std::nullopt;
    default:
      return kLast;
  }
}

std::vector<Command> announcement(const TaskUuid& task, TaskExecState state, std::optional<std::chrono::seconds> life) {
  const std::string key = task_key(task);
  const std::string value = std::to_string(static_cast<std::int32_t>(state));
  std::vector<Command> out;
  if (life)
    out.push_back({"SETEX", key, std::to_string(std::max<std::int64_t>(1, life->count())), value});
  else
    out.push_back({"SET", key, value});
  out.push_back({"PUBLISH", key, value});
  return out;
}

Command farewell(const TaskUuid& task) {
  return {"EXPIRE", task_key(task), std::to_string(kLast.count())};
}

std::vector<Command> user_rules(std::string_view worker_password, std::string_view client_password) {
  const auto rule = [](std::string_view user, std::string_view password, std::vector<std::string> allowed) {
    Command out{"ACL", "SETUSER", std::string(user), "reset", "on", ">" + std::string(password), "~task:*", "&task:*"};
    out.insert(out.end(), allowed.begin(), allowed.end());
    out.emplace_back("-@dangerous");
    return out;
  };
  return {rule(kWorkerUser, worker_password, {"+@read", "+@write", "+@connection", "+@pubsub"}),
          rule(kClientUser, client_password, {"+@read", "+@pubsub", "+@connection"})};
}

}  // namespace mito::redis
