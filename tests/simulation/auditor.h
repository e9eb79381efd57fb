#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/loop.h"
#include "storage/database/database.h"

namespace mito::simulation {

/// Watches over what was promised to clients and workers. A broken promise throws Broken.
struct Broken {
  std::string what;
};

/// Compares what was acknowledged with what is committed. It reads the database as a user would, on a connection of its
/// own, and the loop's memory.
class Auditor {
 public:
  /// Reads from here from now on; what was told while there was nothing to read is looked up now.
  void attach(storage::Database& database);
  void detach() { reader_.reset(); }

  // What was answered.
  void submitted(const core::Submitted& task);
  void cancelled(TaskUuid task);
  /// A worker was told to run this.
  void assigned(WorkerId worker, const core::AssignedTask& task);
  /// A worker was told that its result is recorded.
  void completed(WorkerUuid worker, TaskUuid task);

  /// After every step. `loop` is null while the coordinator is down.
  void check(const core::Loop* loop);
  /// At the end, when everything had time to run.
  void check_all_over();

  [[nodiscard]] const std::map<TaskUuid, std::int64_t>& acknowledged() const { return acknowledged_; }

 private:
  struct Seen {
    TaskState state = TaskState::kReady;
    bool archived = false;
    std::optional<WorkerId> worker;
    std::optional<std::string> result;
    std::optional<WorkerUuid> reporter;
    std::int32_t losses = 0;
  };
  void check_rows();
  void check_step(const storage::Task& now, const Seen& before);
  void check_group_counters();
  void check_memory(const core::Loop& loop);
  storage::Task row(TaskUuid task, std::string_view promise);
  void remember(const storage::Task& row);

  std::unique_ptr<storage::Queries> reader_;
  std::map<TaskUuid, std::int64_t> acknowledged_;  ///< With their numbers.
  std::map<TaskUuid, Seen> seen_;
  std::vector<storage::Task> rows_;                      ///< All of them, as committed.
  std::vector<std::pair<WorkerUuid, TaskUuid>> unread_;  ///< Completions told while nothing could be read.
};

}  // namespace mito::simulation
