#include <gmock/gmock.h>

#include "unit/core/loop_fixture.h"

namespace mito::core {
namespace {

using std::chrono::seconds;

constexpr const char* kResult = R"({"exit_status":256,"msg":null})";

class Reports : public LoopTest {
 protected:
  /// A worker that runs a task.
  void SetUp() override {
    worker_ = add_worker({.features = {"state"}});
    task_ = submit();
    id_ = fetch(worker_)->id;
  }
  Commit commit(bool next = false) const { return Commit{.result = kResult, .next = next, .detail = R"({"a":1})"}; }
  SubmitChild child(std::int32_t priority = 0) {
    return SubmitChild{.task = make_task({.priority = priority}), .group_name = "alice"};
  }

  WorkerId worker_;
  Submitted task_;
  TaskId id_;
};

TEST_F(Reports, FinishThenCommitArchives) {
  ASSERT_TRUE(report(worker_, id_, Finish{}));
  EXPECT_EQ(row(task_.uuid).state, TaskState::kFinished);
  EXPECT_FALSE(row(task_.uuid).archived);
  EXPECT_FALSE(fetch(worker_)) << "nothing new while the task is not committed";
  ASSERT_TRUE(report(worker_, id_, Finish{})) << "a repeat";
  ASSERT_TRUE(report(worker_, id_, commit()));
  const auto archived = row(task_.uuid);
  EXPECT_TRUE(archived.archived);
  EXPECT_EQ(archived.state, TaskState::kFinished);
  EXPECT_EQ(archived.result, kResult);
  EXPECT_EQ(archived.detail, R"({"a":1})");
  EXPECT_EQ(archived.reporter, worker_row(worker_)->uuid);
  EXPECT_FALSE(worker_row(worker_)->assigned_task);
}

TEST_F(Reports, CancelThenCommitArchivesAsCancelled) {
  ASSERT_TRUE(report(worker_, id_, CancelReport{}));
  ASSERT_TRUE(report(worker_, id_, Finish{})) << "accepted, but states only move forward";
  ASSERT_TRUE(report(worker_, id_, commit()));
  EXPECT_EQ(row(task_.uuid).state, TaskState::kCancelled);
}

TEST_F(Reports, ChecksComeInTheOriginalsOrder) {
  const WorkerId other = add_worker();
  EXPECT_EQ(report(other, id_, Finish{}).error(), Error(ErrorCode::kNotFound, "Task " + std::to_string(id_.value)));
  EXPECT_EQ(report(worker_, TaskId{-1}, Finish{}).error(), Error(ErrorCode::kNotFound, "Task -1"));
  EXPECT_EQ(report(worker_, id_, commit()).error(),
            Error(ErrorCode::kInvalidRequest, "Task can not be marked as done"));
  EXPECT_EQ(report(worker_, id_, child()).error(), Error(ErrorCode::kInvalidRequest, "Task can not spawn new tasks"));
  ASSERT_TRUE(report(worker_, id_, Finish{}));
  SubmitChild elsewhere = child();
  elsewhere.group_name = "lab";
  EXPECT_EQ(report(worker_, id_, std::move(elsewhere)).error(),
            Error(ErrorCode::kInvalidRequest, "Group name mismatch: expected 'alice', got 'lab'"));
  EXPECT_TRUE(report(worker_, id_, child()));
}

TEST_F(Reports, AChildNeedsAnActiveCreatorAndAGroupTheWorkerServes) {
  ASSERT_TRUE(report(worker_, id_, Finish{}));
  storage::User user = *reader_->user_by_id(alice_).value();
  user.state = UserState::kLocked;
  directory_.put_user(user);
  EXPECT_EQ(report(worker_, id_, child()).error().code(), ErrorCode::kPermissionDenied);
  user.state = UserState::kActive;
  directory_.put_user(user);

  Pending<void> changed;
  ChangeWorkerRequest demote;
  demote.worker = worker_;
  demote.new_access = {{home_, Role::kRead}};
  demote.reply = changed.reply();
  accept(std::move(demote));
  run();
  EXPECT_TRUE(changed.result());
  EXPECT_EQ(report(worker_, id_, child()).error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(Reports, AChildIsPendingUntilItsParentIsCommitted) {
  ASSERT_TRUE(report(worker_, id_, Finish{}));
  ASSERT_TRUE(report(worker_, id_, child(9)));
  const auto downstream = row(task_.uuid).downstream;
  ASSERT_TRUE(downstream);
  EXPECT_EQ(row(*downstream).state, TaskState::kPending);
  EXPECT_EQ(row(*downstream).upstream, task_.uuid);
  EXPECT_EQ(row(*downstream).creator, alice_);
  EXPECT_EQ(row(*downstream).number, 2);
  EXPECT_THAT(cancel({*downstream}), testing::ElementsAre(false));

  const auto answer = report(worker_, id_, commit(true));
  ASSERT_TRUE(answer);
  ASSERT_TRUE(answer->next) << "the child is the next task";
  EXPECT_EQ(answer->next->uuid, *downstream);
  EXPECT_EQ(answer->next->upstream, task_.uuid);
}

TEST_F(Reports, ARepeatedChildIsNotAddedTwice) {
  ASSERT_TRUE(report(worker_, id_, Finish{}));
  ASSERT_TRUE(report(worker_, id_, child()));
  const auto first = row(task_.uuid).downstream;
  ASSERT_TRUE(report(worker_, id_, child()));
  EXPECT_EQ(row(task_.uuid).downstream, first);
  EXPECT_EQ(task_count(home_), 2);
  ASSERT_TRUE(report(worker_, id_, child(3))) << "another one takes its place";
  EXPECT_NE(row(task_.uuid).downstream, first);
  EXPECT_TRUE(row(*first).archived);
  EXPECT_EQ(loop_->state().scheduler.tasks(), 2U);
}

TEST_F(Reports, ACommitWhoseChildWasCancelledStandsAndAnswersNotFound) {
  submit();
  ASSERT_TRUE(report(worker_, id_, Finish{}));
  ASSERT_TRUE(report(worker_, id_, child()));
  const TaskUuid downstream = *row(task_.uuid).downstream;
  EXPECT_THAT(cancel({downstream}, true), testing::ElementsAre(true));
  EXPECT_EQ(report(worker_, id_, commit(true)).error(),
            Error(ErrorCode::kNotFound, "Pending task with uuid " + downstream.to_string()));
  EXPECT_TRUE(row(task_.uuid).archived);
  EXPECT_FALSE(worker_row(worker_)->assigned_task);
}

TEST_F(Reports, CompleteArchivesAndClaimsTheNextInOneTransaction) {
  const Submitted second = submit();
  const int before = writer_->begins;
  const auto answer = complete(worker_, id_, true, TaskState::kCancelled);
  EXPECT_EQ(writer_->begins, before + 1);
  ASSERT_TRUE(answer && answer->next);
  EXPECT_EQ(answer->next->uuid, second.uuid);
  EXPECT_EQ(row(task_.uuid).state, TaskState::kCancelled);
  EXPECT_EQ(row(second.uuid).state, TaskState::kRunning);
  const auto last = complete(worker_, answer->next->id, true);
  ASSERT_TRUE(last);
  EXPECT_FALSE(last->next);
}

TEST_F(Reports, CompleteIsAllowedAfterFinish) {
  ASSERT_TRUE(report(worker_, id_, Finish{}));
  ASSERT_TRUE(complete(worker_, id_, false));
  EXPECT_TRUE(row(task_.uuid).archived);
}

TEST_F(Reports, ARepeatedCompleteChangesNothingAndAnswersTheTaskNowHeld) {
  const Submitted second = submit();
  ASSERT_TRUE(complete(worker_, id_, true));
  const auto again =
      report(worker_, id_,
             Complete{.state = TaskState::kCancelled,
                      .commit = Commit{.result = R"({"exit_status":1,"msg":null})", .next = true, .detail = {}}});
  ASSERT_TRUE(again && again->next);
  EXPECT_EQ(again->next->uuid, second.uuid);
  EXPECT_EQ(row(task_.uuid).state, TaskState::kFinished);
  EXPECT_EQ(row(task_.uuid).result, R"({"exit_status":0,"msg":null})");
  const WorkerId other = add_worker();
  EXPECT_EQ(complete(other, id_, false).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(report(worker_, id_, commit()).error().code(), ErrorCode::kNotFound);
}

TEST_F(Reports, ReportsOfOneBatchTakeEffectInTheirOrder) {
  const Submitted second = submit();
  auto finish = report_later(worker_, id_, Finish{});
  auto spawn = report_later(worker_, id_, child());
  auto done = report_later(worker_, id_, commit(true));
  auto gone = remove_later(worker_, Removal::kUnregister);
  run();
  EXPECT_TRUE(finish.result());
  EXPECT_TRUE(spawn.result());
  EXPECT_TRUE(done.result());
  EXPECT_TRUE(gone.value());
  EXPECT_TRUE(row(task_.uuid).archived);
  EXPECT_EQ(row(second.uuid).state, TaskState::kReady) << "it was claimed and released again";
  EXPECT_EQ(row(*row(task_.uuid).downstream).state, TaskState::kReady);
}

TEST_F(Reports, ExecStatesCountOnlyFromTheWorkerThatHoldsTheTask) {
  EXPECT_TRUE(set_exec_state(worker_, task_.uuid, TaskExecState::kExecSpawned));
  EXPECT_FALSE(set_exec_state(worker_, TaskUuid{Uuid::make_v4()}, TaskExecState::kExecSpawned));
  EXPECT_FALSE(set_exec_state(add_worker(), task_.uuid, TaskExecState::kExecSpawned));
  EXPECT_EQ(loop_->state().scheduler.worker(worker_)->assignment->exec_state, TaskExecState::kExecSpawned);
}

}  // namespace
}  // namespace mito::core
