#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/loop.h"
#include "simulation/fake_clock.h"
#include "simulation/faulty_writer.h"
#include "storage/database/memory/memory.h"

namespace mito::core {

/// A reply that is kept until a test looks at it.
template <class T>
class Pending {
 public:
  Reply<T> reply() {
    return [slot = slot_](Result<T> result) { slot->emplace(std::move(result)); };
  }
  [[nodiscard]] bool answered() const { return slot_->has_value(); }
  Result<T>& result() {
    EXPECT_TRUE(answered()) << "there is no answer yet";
    if (!answered()) slot_->emplace(fail(ErrorCode::kInternal, "no answer"));
    return **slot_;
  }
  decltype(auto) value() { return result().value(); }
  const Error& error() { return result().error(); }

 private:
  std::shared_ptr<std::optional<Result<T>>> slot_ = std::make_shared<std::optional<Result<T>>>();
};

struct TaskOptions {
  std::vector<std::string> tags = {};
  std::int32_t priority = 0;
  std::optional<Watch> watch = {};
  std::optional<TaskUuid> uuid = {};
  std::int64_t timeout_seconds = 60;
  std::optional<GroupId> group = {};
};
struct WorkerOptions {
  std::vector<std::string> tags = {};
  std::vector<std::string> features = {};
  std::optional<std::chrono::milliseconds> lease = {};
  std::vector<GroupId> groups = {};
  Role role = Role::kWrite;
};

/// The loop on the memory database, with a clock that is turned by hand and faults that are injected. One user,
/// `alice`, with her group; another group, `lab`.
class LoopTest : public testing::Test {
 protected:
  LoopTest();

  /// A new coordinator on the same database.
  void restart(Settings settings = {});
  /// Runs until nothing is left to do now.
  void run();
  void advance(std::chrono::nanoseconds by);

  SubmitTask make_task(const TaskOptions& options) const;
  Pending<std::vector<Result<Submitted>>> submit_later(std::vector<SubmitTask> tasks);
  Submitted submit(const TaskOptions& options = {});
  Pending<WorkerId> register_later(const WorkerOptions& options);
  WorkerId add_worker(const WorkerOptions& options = {});
  Pending<std::optional<AssignedTask>> fetch_later(WorkerId worker, std::chrono::milliseconds wait,
                                                   Core::Ticket ticket = 0);
  std::optional<AssignedTask> fetch(WorkerId worker);
  Pending<ReportAnswer> report_later(WorkerId worker, TaskId task, ReportOp op);
  Result<ReportAnswer> report(WorkerId worker, TaskId task, ReportOp op);
  Result<ReportAnswer> complete(WorkerId worker, TaskId task, bool next, TaskState state = TaskState::kFinished);
  Pending<bool> remove_later(WorkerId worker, Removal removal);
  bool remove(WorkerId worker, Removal removal);
  bool heartbeat(WorkerId worker);
  std::vector<bool> cancel(std::vector<TaskUuid> tasks, bool also_pending = false);
  Pending<bool> change_later(ChangeTask change);
  Pending<void> write_later(Write work, Caller caller = Caller::kUser);
  bool set_exec_state(WorkerId worker, TaskUuid task, TaskExecState state);
  template <class Asked>
  void accept(Asked request, Caller caller = Caller::kUser, std::size_t members = 1) {
    auto command = std::make_shared<Command>();
    command->request = std::move(request);
    command->caller = caller;
    command->members = members;
    command->accepted = clock_.monotonic();
    loop_->accept(std::move(command));
  }

  storage::Task row(TaskUuid uuid);
  std::optional<storage::Task> find_row(TaskUuid uuid);
  std::optional<storage::Worker> worker_row(WorkerId id);
  std::int64_t task_count(GroupId group);

  simulation::FakeClock clock_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::Queries> reader_;
  std::unique_ptr<simulation::FaultyWriter> writer_;
  Directory directory_;
  std::unique_ptr<Loop> loop_;
  UserId alice_;
  GroupId home_;
  GroupId lab_;
};

}  // namespace mito::core
