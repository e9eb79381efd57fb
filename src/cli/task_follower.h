#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/session.h"
#include "domain/ids.h"
#include "protocol/messages.h"

namespace mito::cli {

/// One task on its way to its result: asks the coordinator again and again, held back by those that can tell when
/// something changes, with growing pauses where they cannot. A coordinator that is away for less than a minute is
/// waited for. One thread at a time.
class TaskFollower {
 public:
  explicit TaskFollower(TaskUuid uuid) : uuid_(uuid) {}

  enum class Hold { kNo, kYes };
  struct News {
    std::optional<protocol::TaskQueryResp> task;  ///< Its state when that changed, or when it is over.
    bool over = false;                            ///< The result is recorded: artifacts can be downloaded.
    std::chrono::milliseconds pause{0};           ///< Before the next question.
    std::string note;                             ///< That the coordinator went away, or came back.
  };
  /// Asks once; may wait up to 25 s for a change with `kYes`. Errors of get_task, once patience is over.
  Result<News> ask(const client::Client& client, Hold hold, const std::stop_token& stop);
  [[nodiscard]] TaskUuid uuid() const { return uuid_; }

 private:
  News take(protocol::TaskQueryResp task, std::chrono::steady_clock::duration waited);

  TaskUuid uuid_;
  TaskState state_ = TaskState::kUnknown;
  std::optional<TaskExecState> exec_state_;
  std::chrono::milliseconds rest_{0};
  std::chrono::steady_clock::time_point heard_ = std::chrono::steady_clock::now();
  bool away_ = false;
};

/// Called with each change of a task, its end included; one call at a time.
using OnChange = std::function<void(const protocol::TaskQueryResp& task, bool over)>;

/// Follows all tasks side by side until the result of each is recorded; their last states in the order of `uuids`. Ends
/// with the first failure; Ctrl-C is kCancelled.
Result<std::vector<protocol::TaskQueryResp>> follow_tasks(Session& session, std::span<const TaskUuid> uuids,
                                                          const OnChange& on_change);

}  // namespace mito::cli
