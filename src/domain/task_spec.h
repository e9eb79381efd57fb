#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "domain/ids.h"
#include "domain/states.h"

namespace mito {

/// An input file of a task that another task made.
struct ArtifactReference {
  TaskUuid uuid;
  ArtifactContentType content_type = ArtifactContentType::kResult;
  friend bool operator==(const ArtifactReference&, const ArtifactReference&) = default;
};
/// An input file of a task that stands in the task's group.
struct AttachmentReference {
  std::string key;
  friend bool operator==(const AttachmentReference&, const AttachmentReference&) = default;
};

/// One input file: where it comes from and where it goes, relative to the resource directory of the task.
struct Resource {
  std::variant<ArtifactReference, AttachmentReference> remote_file;
  std::string local_path;
  friend bool operator==(const Resource&, const Resource&) = default;
};

/// The task waits until the other task has reached this state.
struct Watch {
  TaskUuid task;
  TaskExecState state = TaskExecState::kUnknown;
  friend bool operator==(const Watch&, const Watch&) = default;
};

/// What a worker needs to run a task (reference/server.md 1.3).
struct TaskSpec {
  std::vector<std::string> args;
  std::map<std::string, std::string> envs;
  std::vector<Resource> resources;
  bool terminal_output = false;
  std::optional<Watch> watch;
  friend bool operator==(const TaskSpec&, const TaskSpec&) = default;
};

/// How a task ended. `exit_status` is the raw wait status: exit code 1 is 256, SIGKILL is 9.
struct TaskResult {
  std::int32_t exit_status = 0;
  std::optional<TaskResultMessage> message;
  friend bool operator==(const TaskResult&, const TaskResult&) = default;
};

/// Whether every resource's local path stays inside the resource directory: not absolute, no `..` component.
bool local_paths_are_safe(const TaskSpec& spec);

}  // namespace mito
