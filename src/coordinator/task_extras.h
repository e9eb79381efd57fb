#pragma once

#include <optional>
#include <string>

#include "coordinator/services.h"
#include "protocol/task_messages.h"
#include "storage/database/rows.h"

namespace mito::coordinator {

/// What is told of a task only where it was asked for: how far it is, who runs or ran it, and what its worker said.
struct TaskExtras {
  std::optional<TaskExecState> exec_state;
  std::optional<protocol::TaskWorker> worker;
  std::optional<protocol::RawObject> detail;
};
/// `stored_detail` is the task's: as detail_with_worker() made it, or any JSON object, or empty.
TaskExtras extras_of(const Services& services, const storage::Task& task, const std::string& stored_detail);

/// The detail to be stored with a result: what the worker sent (a JSON object or empty), and, as its member `worker`,
/// the host and the name of its registration, which are forgotten when it leaves. `info` is what it told then. Without
/// either there is nothing to add.
std::string detail_with_worker(std::string detail, const std::string& info);

}  // namespace mito::coordinator
