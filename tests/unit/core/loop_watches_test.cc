#include "unit/core/loop_fixture.h"

namespace mito::core {
namespace {

using std::chrono::seconds;

/// A target and a task that watches it; a worker that holds watches and one that does not know them.
class WatchedTasks : public LoopTest {
 protected:
  void SetUp() override {
    target_ = submit({.tags = {"target"}});
    runner_ = add_worker({.tags = {"target"}, .features = {"state"}});
    target_id_ = fetch(runner_)->id;
  }
  Submitted watch(TaskExecState state, std::optional<TaskUuid> target = std::nullopt) {
    return submit({.tags = {"x"}, .watch = Watch{.task = target.value_or(target_.uuid), .state = state}});
  }
  WorkerId aware() { return add_worker({.tags = {"x"}, .features = {"watch"}}); }
  WorkerId unaware() { return add_worker({.tags = {"x"}}); }

  Submitted target_;
  WorkerId runner_;
  TaskId target_id_;
};

TEST_F(WatchedTasks, AWorkerThatKnowsNoWatchesGetsTheTaskAtOnceWithItsWatch) {
  const Submitted task = watch(TaskExecState::kExecSpawned);
  const auto got = fetch(unaware());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->uuid, task.uuid);
  EXPECT_NE(got->spec.find("ExecSpawned"), std::string::npos);
}

TEST_F(WatchedTasks, AWorkerThatHoldsWatchesWaitsForTheExecState) {
  const Submitted task = watch(TaskExecState::kExecSpawned);
  const WorkerId worker = aware();
  auto waiting = fetch_later(worker, seconds(3'000));
  run();
  EXPECT_TRUE(set_exec_state(runner_, target_.uuid, TaskExecState::kFetchResource));
  EXPECT_FALSE(waiting.answered());
  EXPECT_FALSE(row(task.uuid).watch_reached);
  EXPECT_TRUE(set_exec_state(runner_, target_.uuid, TaskExecState::kExecSpawned));
  ASSERT_TRUE(waiting.value());
  EXPECT_EQ(waiting.value()->spec.find("ExecSpawned"), std::string::npos);
  EXPECT_TRUE(waiting.value()->spec.ends_with(R"("watch":null})"));
  EXPECT_TRUE(row(task.uuid).watch_reached);
}

TEST_F(WatchedTasks, AReportAndACommitReachAWatch) {
  const Submitted finished = watch(TaskExecState::kExecFinished);
  const Submitted committed = watch(TaskExecState::kTaskCommitted);
  ASSERT_TRUE(report(runner_, target_id_, Finish{}));
  EXPECT_TRUE(row(finished.uuid).watch_reached);
  EXPECT_FALSE(row(committed.uuid).watch_reached);
  ASSERT_TRUE(complete(runner_, target_id_, false));
  EXPECT_TRUE(row(committed.uuid).watch_reached);
}

TEST_F(WatchedTasks, OneThatIsReachedAtSubmissionIsNotHeld) {
  ASSERT_TRUE(set_exec_state(runner_, target_.uuid, TaskExecState::kExecSpawned));
  watch(TaskExecState::kExecSpawned);
  const auto running = fetch(aware());
  ASSERT_TRUE(running);
  EXPECT_TRUE(running->spec.ends_with(R"("watch":null})"));
  ASSERT_TRUE(complete(runner_, target_id_, false));
  watch(TaskExecState::kTaskCommitted);
  EXPECT_TRUE(fetch(aware()));
}

TEST_F(WatchedTasks, ATargetThatIsOverWithoutReachingItTimesOut) {
  const Submitted task = watch(TaskExecState::kExecTimeout);
  ASSERT_TRUE(complete(runner_, target_id_, false));
  advance(seconds(1'799));
  EXPECT_FALSE(row(task.uuid).archived);
  advance(seconds(1));
  EXPECT_TRUE(row(task.uuid).archived);
  EXPECT_EQ(row(task.uuid).state, TaskState::kCancelled);
  EXPECT_EQ(row(task.uuid).result, R"({"exit_status":0,"msg":"WatchTimeout"})");
}

TEST_F(WatchedTasks, AnUnknownTargetTimesOutUnlessItAppears) {
  const TaskUuid unknown{Uuid::make_ordered(clock_.now())};
  const TaskUuid later{Uuid::make_ordered(clock_.now())};
  const Submitted lost = watch(TaskExecState::kExecFinished, unknown);
  const Submitted lucky = watch(TaskExecState::kExecFinished, later);
  advance(seconds(1'000));
  submit({.tags = {"target"}, .uuid = later});
  advance(seconds(900));
  EXPECT_TRUE(row(lost.uuid).archived);
  EXPECT_FALSE(row(lucky.uuid).archived);
}

TEST_F(WatchedTasks, TasksThatWaitForEachOtherTimeOut) {
  const TaskUuid self{Uuid::make_ordered(clock_.now())};
  const TaskUuid first{Uuid::make_ordered(clock_.now())};
  const auto wait_for = [&](TaskUuid target, std::optional<TaskUuid> name) {
    return submit({.tags = {"x"}, .watch = Watch{.task = target, .state = TaskExecState::kExecFinished}, .uuid = name});
  };
  wait_for(self, self);
  const Submitted second = wait_for(first, std::nullopt);
  const Submitted third = wait_for(second.uuid, std::nullopt);
  wait_for(third.uuid, first);
  const WorkerId worker = aware();
  EXPECT_FALSE(fetch(worker));
  restart();
  advance(3 * kWatchPatience + seconds(1));
  for (const TaskUuid task : {self, first, second.uuid, third.uuid})
    EXPECT_TRUE(row(task).archived) << "it waits for ever";
}

TEST_F(WatchedTasks, ATargetTheCreatorMayNotReadIsLikeAnUnknownOne) {
  const Submitted hidden = submit({.tags = {"target"}, .group = lab_});
  directory_.remove_membership(alice_, lab_);
  const Submitted task = watch(TaskExecState::kExecSpawned, hidden.uuid);
  const WorkerId worker = add_worker({.tags = {"target"}, .features = {"state"}, .groups = {lab_}});
  ASSERT_TRUE(fetch(worker));
  EXPECT_TRUE(set_exec_state(worker, hidden.uuid, TaskExecState::kExecSpawned));
  EXPECT_FALSE(row(task.uuid).watch_reached);
  advance(seconds(500));
  heartbeat(worker);
  advance(seconds(1'300));
  EXPECT_TRUE(row(task.uuid).archived);
}

TEST_F(WatchedTasks, ATaskThatReturnsFromALostWorkerIsHeldAgain) {
  const Submitted task = watch(TaskExecState::kExecSpawned);
  const WorkerId first = unaware();
  ASSERT_TRUE(fetch(first));
  remove(first, Removal::kForced);
  EXPECT_FALSE(fetch(aware()));
  EXPECT_TRUE(set_exec_state(runner_, target_.uuid, TaskExecState::kExecSpawned));
  EXPECT_EQ(fetch(aware())->uuid, task.uuid);
}

TEST_F(WatchedTasks, ACancelledOrChangedTaskWatchesNoMore) {
  const Submitted cancelled = watch(TaskExecState::kExecSpawned);
  const Submitted changed = watch(TaskExecState::kExecSpawned);
  EXPECT_TRUE(cancel({cancelled.uuid}).at(0));
  ChangeTask change;
  change.task = changed.uuid;
  change.spec = make_task({}).spec;
  auto done = change_later(std::move(change));
  run();
  EXPECT_TRUE(done.value());
  EXPECT_FALSE(loop_->state().watches.is_watched(target_.uuid));
  EXPECT_TRUE(fetch(aware()));
}

TEST_F(WatchedTasks, SurviveARestart) {
  const Submitted waits = watch(TaskExecState::kTaskCommitted);
  const Submitted reached = watch(TaskExecState::kExecFinished);
  ASSERT_TRUE(report(runner_, target_id_, Finish{}));
  restart();
  run();
  const WorkerId worker = aware();
  EXPECT_EQ(fetch(worker)->uuid, reached.uuid);
  EXPECT_FALSE(fetch(aware()));
  ASSERT_TRUE(complete(runner_, target_id_, false));
  EXPECT_EQ(fetch(aware())->uuid, waits.uuid);
}

}  // namespace
}  // namespace mito::core
