#include <gmock/gmock.h>

#include "unit/core/loop_fixture.h"

namespace mito::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

using Leaving = LoopTest;

TEST_F(Leaving, AnUnregisteredWorkersTaskIsReadyAgain) {
  const WorkerId worker = add_worker();
  const Submitted task = submit();
  const auto got = fetch(worker);
  EXPECT_TRUE(remove(worker, Removal::kUnregister));
  EXPECT_EQ(row(task.uuid).state, TaskState::kReady);
  EXPECT_EQ(row(task.uuid).losses, 0);
  EXPECT_FALSE(worker_row(worker));
  EXPECT_FALSE(directory_.worker(worker));
  EXPECT_FALSE(heartbeat(worker));
  EXPECT_FALSE(remove(worker, Removal::kUnregister));
  EXPECT_EQ(complete(worker, got->id, false).error().code(), ErrorCode::kNotFound);
}

TEST_F(Leaving, TheTaskGoesToAWorkerThatWaits) {
  const WorkerId worker = add_worker();
  const Submitted task = submit();
  fetch(worker);
  const WorkerId other = add_worker();
  auto waiting = fetch_later(other, seconds(25));
  run();
  EXPECT_TRUE(remove(worker, Removal::kForced));
  ASSERT_TRUE(waiting.value());
  EXPECT_EQ(waiting.value()->uuid, task.uuid);
}

TEST_F(Leaving, AFinishedTaskIsRunAnewWithoutItsChild) {
  const WorkerId worker = add_worker();
  const Submitted task = submit();
  const auto got = fetch(worker);
  ASSERT_TRUE(report(worker, got->id, Finish{}));
  ASSERT_TRUE(report(worker, got->id, SubmitChild{.task = make_task({}), .group_name = "alice"}));
  const TaskUuid child = *row(task.uuid).downstream;
  EXPECT_TRUE(remove(worker, Removal::kForced));
  EXPECT_EQ(row(task.uuid).state, TaskState::kReady);
  EXPECT_FALSE(row(task.uuid).downstream);
  EXPECT_FALSE(find_row(child));
  EXPECT_EQ(loop_->state().scheduler.tasks(), 1U);
}

TEST_F(Leaving, AGracefulOneEndsItsTaskFirst) {
  const WorkerId worker = add_worker();
  submit();
  submit();
  const auto got = fetch(worker);
  EXPECT_TRUE(remove(worker, Removal::kGraceful));
  EXPECT_TRUE(remove(worker, Removal::kGraceful)) << "asked twice";
  EXPECT_EQ(worker_row(worker)->state, WorkerState::kGracefulShutdown);
  EXPECT_TRUE(heartbeat(worker));
  EXPECT_EQ(fetch(worker)->id, got->id) << "its task, once more";
  const auto answer = complete(worker, got->id, true);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->next);
  EXPECT_FALSE(worker_row(worker));
  EXPECT_FALSE(heartbeat(worker));
}

TEST_F(Leaving, AnIdleOneGoesAtOnceAndItsWaitingFetchIsToldSo) {
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25));
  run();
  EXPECT_TRUE(remove(worker, Removal::kGraceful));
  EXPECT_EQ(waiting.error().code(), ErrorCode::kWrongCredentials);
  EXPECT_FALSE(worker_row(worker));
}

TEST_F(Leaving, AnIdleWorkerIsUnregisteredWhileItsFetchIsInTheSameBatch) {
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25));
  auto gone = remove_later(worker, Removal::kUnregister);
  run();
  EXPECT_TRUE(gone.value());
  EXPECT_EQ(waiting.error().code(), ErrorCode::kWrongCredentials);
}

using Losing = LoopTest;

TEST_F(Losing, AWorkerWithoutHeartbeatsLosesItsTaskAndTheAttemptCounts) {
  const WorkerId worker = add_worker({.lease = seconds(30)});
  const Submitted task = submit();
  fetch(worker);
  advance(seconds(20));
  EXPECT_TRUE(heartbeat(worker));
  advance(seconds(29));
  EXPECT_EQ(row(task.uuid).state, TaskState::kRunning);
  advance(seconds(1));
  EXPECT_EQ(row(task.uuid).state, TaskState::kReady);
  EXPECT_EQ(row(task.uuid).losses, 1);
  EXPECT_FALSE(worker_row(worker));
}

TEST_F(Losing, WithoutALeaseTheCoordinatorsTimeoutHolds) {
  const WorkerId worker = add_worker();
  advance(seconds(599));
  EXPECT_TRUE(worker_row(worker));
  advance(seconds(1));
  EXPECT_FALSE(worker_row(worker));
}

TEST_F(Losing, ATaskThatLosesTooManyWorkersIsGivenUpWithTheReason) {
  const Submitted task = submit();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_FALSE(row(task.uuid).archived);
    const WorkerId worker = add_worker({.lease = seconds(30)});
    const auto got = fetch(worker);
    ASSERT_TRUE(got);
    ASSERT_TRUE(report(worker, got->id, Finish{}));
    ASSERT_TRUE(report(worker, got->id, SubmitChild{.task = make_task({}), .group_name = "alice"}));
    advance(seconds(30));
    EXPECT_EQ(row(task.uuid).losses, attempt);
  }
  const auto archived = row(task.uuid);
  EXPECT_TRUE(archived.archived);
  EXPECT_EQ(archived.state, TaskState::kCancelled);
  EXPECT_EQ(archived.result, R"({"exit_status":9,"msg":null})");
  EXPECT_THAT(archived.detail, testing::HasSubstr("3 workers were lost"));
  EXPECT_EQ(loop_->state().scheduler.tasks(), 0U) << "the child of the lost attempt is gone, too";
  EXPECT_FALSE(fetch(add_worker()));
}

TEST_F(Losing, AnAskedForRemovalDoesNotCount) {
  const Submitted task = submit();
  for (int attempt = 0; attempt < 5; ++attempt) {
    const WorkerId worker = add_worker();
    ASSERT_TRUE(fetch(worker));
    remove(worker, Removal::kForced);
  }
  EXPECT_EQ(row(task.uuid).losses, 0);
  EXPECT_FALSE(row(task.uuid).archived);
}

struct OverrunCase {
  std::string name;
  std::vector<std::string> features;
  std::optional<TaskExecState> reported;
  std::int64_t timeout_seconds;
  seconds kept_until;  ///< 0: for ever.
};

class Overruns : public LoopTest, public testing::WithParamInterface<OverrunCase> {};

TEST_P(Overruns, TheWorkerIsRemovedAtItsHeartbeat) {
  const OverrunCase& param = GetParam();
  const WorkerId worker = add_worker({.features = param.features});
  const Submitted task = submit({.timeout_seconds = param.timeout_seconds});
  fetch(worker);
  if (param.reported) {
    EXPECT_TRUE(set_exec_state(worker, task.uuid, *param.reported));
  }
  const seconds limit = param.kept_until == seconds(0) ? seconds(10'000) : param.kept_until;
  for (seconds past{0}; past < limit; past += seconds(100)) {
    advance(std::min(seconds(100), limit - past));
    EXPECT_TRUE(heartbeat(worker));
    run();
    ASSERT_EQ(row(task.uuid).state, TaskState::kRunning) << "after " << past.count() << " s";
  }
  if (param.kept_until == seconds(0)) return;
  advance(seconds(1));
  EXPECT_TRUE(heartbeat(worker)) << "this heartbeat is still answered";
  run();
  EXPECT_EQ(row(task.uuid).state, TaskState::kReady);
  EXPECT_EQ(row(task.uuid).losses, 1);
  EXPECT_FALSE(heartbeat(worker));
}

INSTANTIATE_TEST_SUITE_P(
    Timeouts, Overruns,
    testing::Values(OverrunCase{"Executing", {"state"}, TaskExecState::kExecSpawned, 90, seconds(150)},
                    OverrunCase{"FetchingResources", {"state"}, TaskExecState::kFetchResource, 90, seconds(1'950)},
                    OverrunCase{"TimedOut", {"state"}, TaskExecState::kExecTimeout, 90, seconds(150)},
                    OverrunCase{"CommandIsOver", {"state"}, TaskExecState::kExecFinished, 90, seconds(0)},
                    OverrunCase{"BringingItsResult", {"state"}, TaskExecState::kUploadResult, 90, seconds(0)},
                    OverrunCase{"WithoutStates", {}, std::nullopt, 90, seconds(1'950)},
                    OverrunCase{"NegativeTimeout", {}, std::nullopt, -1, seconds(0)},
                    OverrunCase{"LongestTimeout", {}, std::nullopt, INT64_MAX, seconds(0)}),
    [](const auto& instance) { return instance.param.name; });

TEST_F(Losing, AfterAStallNoWorkerIsLostBeforeItsHeartbeatCanArrive) {
  const WorkerId worker = add_worker({.lease = seconds(30)});
  clock_.advance(minutes(10));
  run();
  EXPECT_TRUE(worker_row(worker));
  EXPECT_TRUE(heartbeat(worker));
  advance(seconds(20));
  EXPECT_TRUE(worker_row(worker));
  advance(seconds(10));
  EXPECT_FALSE(worker_row(worker));
}

using Heartbeats = LoopTest;

TEST_F(Heartbeats, AreWrittenBehindTogether) {
  std::vector<WorkerId> workers;
  for (int i = 0; i < 5; ++i)
    workers.push_back(add_worker());
  advance(seconds(60));
  const int before = writer_->begins;
  for (int round = 0; round < 10; ++round) {
    for (const WorkerId worker : workers)
      EXPECT_TRUE(heartbeat(worker));
    advance(milliseconds(100));
  }
  const auto last = clock_.now() - milliseconds(100);
  advance(seconds(6));
  EXPECT_LE(writer_->begins, before + 2);
  for (const WorkerId worker : workers)
    EXPECT_EQ(worker_row(worker)->last_heartbeat, last);
}

TEST_F(Heartbeats, JoinATransactionThatRunsAnyway) {
  const WorkerId worker = add_worker();
  advance(seconds(60));
  EXPECT_TRUE(heartbeat(worker));
  run();
  advance(seconds(1));
  EXPECT_TRUE(heartbeat(worker));
  submit();
  EXPECT_EQ(worker_row(worker)->last_heartbeat, clock_.now());
}

class WorkerChanges : public LoopTest {
 protected:
  template <class Fill>
  Result<void> change(WorkerId worker, Fill fill) {
    Pending<void> pending;
    ChangeWorkerRequest request;
    request.worker = worker;
    fill(request);
    request.reply = pending.reply();
    accept(std::move(request));
    run();
    return pending.result();
  }
};

TEST_F(WorkerChanges, NewTagsTakeEffectForTasksThatWait) {
  const Submitted task = submit({.tags = {"gpu"}});
  const WorkerId worker = add_worker({.tags = {"cpu"}});
  auto waiting = fetch_later(worker, seconds(25));
  run();
  EXPECT_FALSE(waiting.answered());
  EXPECT_TRUE(change(worker, [](auto& request) { request.tags = {"cpu", "gpu"}; }));
  ASSERT_TRUE(waiting.value());
  EXPECT_EQ(waiting.value()->uuid, task.uuid);
  EXPECT_EQ(worker_row(worker)->tags, (std::vector<std::string>{"cpu", "gpu"}));
}

TEST_F(WorkerChanges, GroupsComeAndGoAtOnce) {
  const Submitted task = submit({.group = lab_});
  const WorkerId worker = add_worker();
  EXPECT_FALSE(fetch(worker));
  auto waiting = fetch_later(worker, seconds(25));
  run();
  EXPECT_TRUE(change(worker, [&](auto& request) { request.new_access = {{lab_, Role::kWrite}}; }));
  ASSERT_TRUE(waiting.value());
  EXPECT_EQ(waiting.value()->uuid, task.uuid);
  EXPECT_EQ(directory_.worker(worker)->access.size(), 2U);
  ASSERT_TRUE(complete(worker, waiting.value()->id, false));

  EXPECT_TRUE(change(worker, [&](auto& request) { request.lost_access = {lab_}; }));
  submit({.group = lab_});
  EXPECT_FALSE(fetch(worker));
  EXPECT_EQ(directory_.worker(worker)->access.size(), 1U);
}

TEST_F(WorkerChanges, AReadRoleGivesNoTasks) {
  submit();
  const WorkerId worker = add_worker({.role = Role::kRead});
  EXPECT_FALSE(fetch(worker));
  EXPECT_TRUE(change(worker, [&](auto& request) { request.new_access = {{home_, Role::kAdmin}}; }));
  EXPECT_TRUE(fetch(worker));
}

TEST_F(WorkerChanges, LabelsAreWrittenAndAnUnknownWorkerIsRefused) {
  const WorkerId worker = add_worker();
  EXPECT_TRUE(change(worker, [](auto& request) { request.labels = {"blue"}; }));
  EXPECT_EQ(worker_row(worker)->labels, std::vector<std::string>{"blue"});
  EXPECT_EQ(change(WorkerId{99}, [](auto& request) { request.labels = {"x"}; }).error(),
            Error(ErrorCode::kNotFound, "Worker 99 not found"));
}

}  // namespace
}  // namespace mito::core
