#include "unit/core/loop_fixture.h"

namespace mito::core {
namespace {

using std::chrono::seconds;

using Recovery = LoopTest;

TEST_F(Recovery, EverythingIsThereAgain) {
  const WorkerId worker = add_worker({.tags = {"a"}, .lease = seconds(30)});
  const Submitted running = submit({.tags = {"a"}, .priority = 9});
  const auto got = fetch(worker);
  const Submitted low = submit({.tags = {"a"}, .priority = -1});
  const Submitted high = submit({.tags = {"a"}, .priority = 1});
  ASSERT_TRUE(report(worker, got->id, Finish{}));
  ASSERT_TRUE(report(worker, got->id, SubmitChild{.task = make_task({.tags = {"b"}}), .group_name = "alice"}));
  restart();
  run();
  EXPECT_EQ(loop_->state().scheduler.queued(), 2U);
  EXPECT_EQ(loop_->state().scheduler.assigned(), 1U);
  EXPECT_EQ(loop_->state().scheduler.tasks(), 4U);
  EXPECT_TRUE(directory_.worker(worker));
  EXPECT_TRUE(directory_.user("alice"));
  EXPECT_FALSE(fetch(worker)) << "its task is Finished and not committed";
  const auto answer = complete(worker, got->id, true);
  ASSERT_TRUE(answer && answer->next);
  EXPECT_EQ(answer->next->uuid, high.uuid);
  EXPECT_EQ(row(*row(running.uuid).downstream).state, TaskState::kReady);
  EXPECT_EQ(row(low.uuid).state, TaskState::kReady);
}

TEST_F(Recovery, ARunningTaskStaysWithItsWorkerAndIsNotRunAgain) {
  const WorkerId worker = add_worker();
  const Submitted task = submit();
  const auto before = fetch(worker);
  restart();
  EXPECT_FALSE(fetch(add_worker()));
  EXPECT_EQ(fetch(worker)->id, before->id);
  ASSERT_TRUE(complete(worker, before->id, false));
  EXPECT_TRUE(row(task.uuid).archived);
}

TEST_F(Recovery, LeasesCountAnewFromTheStart) {
  const WorkerId worker = add_worker({.lease = seconds(30)});
  clock_.advance(seconds(1'000));
  restart();
  advance(seconds(29));
  EXPECT_TRUE(worker_row(worker));
  advance(seconds(1));
  EXPECT_FALSE(worker_row(worker));
}

TEST_F(Recovery, LossesAreRemembered) {
  const Submitted task = submit();
  for (int attempt = 0; attempt < 3; ++attempt) {
    const WorkerId worker = add_worker({.lease = seconds(30)});
    ASSERT_TRUE(fetch(worker));
    restart();
    advance(seconds(30));
  }
  EXPECT_TRUE(row(task.uuid).archived);
}

TEST_F(Recovery, ATaskInTheHandsOfAWorkerThatIsGoneIsFreed) {
  const WorkerId worker = add_worker();
  const Submitted task = submit();
  fetch(worker);
  auto edit = write_later([&](storage::Writer& writer) -> Result<AfterCommit> {
    MITO_TRY(writer.delete_workers(std::span(&worker, 1)));
    return AfterCommit{};
  });
  run();
  ASSERT_TRUE(edit.result());
  restart();
  run();
  EXPECT_EQ(row(task.uuid).state, TaskState::kReady);
  EXPECT_EQ(fetch(add_worker())->uuid, task.uuid);
}

TEST_F(Recovery, ARunningTaskInNobodysHandsIsFreed) {
  const TaskUuid orphan{Uuid::make_ordered(clock_.now())};
  auto edit = write_later([&](storage::Writer& writer) -> Result<AfterCommit> {
    storage::NewTask task;
    MITO_TRY_ASSIGN(task.id, writer.reserve_task_ids(1));
    task.uuid = orphan;
    task.creator = alice_;
    task.group = home_;
    task.number = 77;
    task.state = TaskState::kRunning;
    task.spec = R"({"args":["true"],"watch":null})";
    MITO_TRY(writer.insert_tasks(std::span(&task, 1)));
    return AfterCommit{};
  });
  run();
  ASSERT_TRUE(edit.result());
  restart();
  run();
  EXPECT_EQ(row(orphan).state, TaskState::kReady);
  EXPECT_EQ(fetch(add_worker())->uuid, orphan);
}

TEST_F(Recovery, AReachedWatchIsRemembered) {
  const Submitted target = submit({.tags = {"t"}});
  const Submitted watching =
      submit({.tags = {"x"}, .watch = Watch{.task = target.uuid, .state = TaskExecState::kTaskCommitted}});
  const WorkerId worker = add_worker({.tags = {"t"}});
  const auto got = fetch(worker);
  ASSERT_TRUE(got && got->uuid == target.uuid);
  ASSERT_TRUE(complete(worker, got->id, false));
  ASSERT_TRUE(row(watching.uuid).watch_reached);
  restart();
  run();
  const auto brought = fetch(add_worker({.tags = {"x"}}));
  ASSERT_TRUE(brought && brought->uuid == watching.uuid);
  EXPECT_TRUE(brought->spec.ends_with(R"("watch":null})")) << "a worker would ask for it again: " << brought->spec;
}

TEST_F(Recovery, OnlyOneOfTwoTasksOfAWorkerStaysWithIt) {
  const WorkerId worker = add_worker();
  const Submitted first = submit();
  const Submitted second = submit();
  auto edit = write_later([&](storage::Writer& writer) -> Result<AfterCommit> {
    std::vector<storage::Claim> claims;
    for (const TaskUuid uuid : {first.uuid, second.uuid}) {
      MITO_TRY_ASSIGN(const auto row, writer.task_by_uuid(uuid));
      claims.push_back({.task = row->id, .worker = worker, .now = {}});
    }
    MITO_TRY(writer.claim_tasks(claims));
    return AfterCommit{};
  });
  run();
  ASSERT_TRUE(edit.result());
  restart();
  run();
  EXPECT_EQ(loop_->state().scheduler.assigned(), 1U);
  EXPECT_EQ(loop_->state().scheduler.queued(), 1U);
  EXPECT_NE(row(first.uuid).state, row(second.uuid).state);
}

TEST_F(Recovery, AWorkerThatWasToLeaveGoes) {
  const WorkerId idle = add_worker();
  const WorkerId busy = add_worker();
  submit();
  const auto got = fetch(busy);
  EXPECT_TRUE(remove(busy, Removal::kGraceful));
  auto edit = write_later([&](storage::Writer& writer) -> Result<AfterCommit> {
    MITO_TRY_ASSIGN(auto row, writer.worker_by_id(idle));
    row->state = WorkerState::kGracefulShutdown;
    MITO_TRY(writer.update_worker(*row));
    return AfterCommit{};
  });
  run();
  ASSERT_TRUE(edit.result());
  restart();
  run();
  EXPECT_FALSE(worker_row(idle));
  EXPECT_TRUE(worker_row(busy));
  ASSERT_TRUE(complete(busy, got->id, true));
  EXPECT_FALSE(worker_row(busy));
}

TEST_F(Recovery, NewTasksTakeNumbersAndPlacesBehindTheOldOnes) {
  const Submitted before = submit();
  restart();
  const Submitted after = submit();
  EXPECT_EQ(after.number, before.number + 1);
  EXPECT_EQ(fetch(add_worker())->uuid, before.uuid);
}

}  // namespace
}  // namespace mito::core
