#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/sync.h"
#include "domain/ids.h"
#include "domain/states.h"
#include "redis/client.h"
#include "worker/heartbeats.h"

namespace mito::worker {

/// The Redis that a coordinator named: execution states are announced there, and those of other tasks looked up, as the
/// original's workers do (reference/server.md section 7). A Redis that is away is no error: what is announced meanwhile
/// is lost, and whoever waits for a state asks the coordinator as well. Any thread.
class RedisBoard {
 public:
  /// kUsage when the URL is none.
  static Result<std::shared_ptr<RedisBoard>> open(const std::string& url);

  /// Keeps and tells a state. `timeout`: of the task. Never blocks.
  void announce(const TaskUuid& task, TaskExecState state, std::chrono::seconds timeout);

  /// Calls back when the state of `task` may have changed: with the state that was announced, or with nothing when some
  /// may have been missed. On a thread of the client; must not block.
  using OnChange = std::function<void(std::optional<TaskExecState>)>;
  Result<redis::Listening> listen(const TaskUuid& task, OnChange on_change);
  /// The state that was announced last; nothing when there is none or Redis does not answer within a second.
  std::optional<TaskExecState> state_of(const TaskUuid& task);

 private:
  explicit RedisBoard(redis::ClientSettings settings) : client_(std::move(settings)) {}
  redis::Client client_;
};

/// Gives the board of a URL; all registrations of a process that were given the same share one. Any thread.
class RedisBoards {
 public:
  /// Null without a URL, or with one that cannot be used (which is logged).
  std::shared_ptr<RedisBoard> get(const std::optional<std::string>& url);

 private:
  struct Current {
    std::string url;
    std::weak_ptr<RedisBoard> board;
  };
  Sync<Current> current_;
};

/// Announces on a board besides `next`. One thread.
class BoardSink : public StateSink {
 public:
  BoardSink(std::unique_ptr<StateSink> next, std::shared_ptr<RedisBoard> board)
      : next_(std::move(next)), board_(std::move(board)) {}
  void begin(std::chrono::seconds timeout) override { timeout_ = timeout; }
  void announce(TaskUuid task, TaskExecState state) override {
    next_->announce(task, state);
    board_->announce(task, state, timeout_);
  }
  void clear() override { next_->clear(); }

 private:
  std::unique_ptr<StateSink> next_;
  std::shared_ptr<RedisBoard> board_;
  std::chrono::seconds timeout_{0};
};

}  // namespace mito::worker
