#include <gmock/gmock.h>

#include "unit/core/loop_fixture.h"

namespace mito::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

using SubmitAndFetch = LoopTest;

TEST_F(SubmitAndFetch, ASubmittedTaskIsStoredNumberedAndFetched) {
  const Submitted task = submit();
  EXPECT_EQ(task.number, 1);
  EXPECT_EQ(row(task.uuid).state, TaskState::kReady);
  EXPECT_EQ(task_count(home_), 1);

  const WorkerId worker = add_worker();
  const auto got = fetch(worker);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->uuid, task.uuid);
  EXPECT_EQ(got->timeout_seconds, 60);
  EXPECT_EQ(got->spec, make_task({}).spec);
  EXPECT_EQ(row(task.uuid).state, TaskState::kRunning);
  EXPECT_EQ(row(task.uuid).assigned_worker, worker);
  EXPECT_EQ(worker_row(worker)->assigned_task, got->id);
}

TEST_F(SubmitAndFetch, ASubmissionIsAChangeOfItsGroup) {
  clock_.advance(seconds(9));
  submit();
  EXPECT_EQ(reader_->group_by_id(home_).value()->updated_at, clock_.now());
  EXPECT_LT(reader_->group_by_id(lab_).value()->updated_at, clock_.now());
}

TEST_F(SubmitAndFetch, NothingToDoIsAnsweredWithoutATransaction) {
  const WorkerId worker = add_worker();
  const int before = writer_->begins;
  EXPECT_FALSE(fetch(worker));
  EXPECT_EQ(writer_->begins, before);
}

TEST_F(SubmitAndFetch, AnUnknownWorkerIsToldSo) {
  auto pending = fetch_later(WorkerId{77}, milliseconds(0));
  run();
  EXPECT_EQ(pending.error().code(), ErrorCode::kWrongCredentials);
}

TEST_F(SubmitAndFetch, AWaitingFetchGetsTheTaskInTheSubmittingTransaction) {
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25));
  run();
  EXPECT_FALSE(waiting.answered());
  EXPECT_EQ(loop_->statistics().waiting_fetches, 1U);

  const int before = writer_->begins;
  const Submitted task = submit();
  EXPECT_EQ(writer_->begins, before + 1);
  ASSERT_TRUE(waiting.value());
  EXPECT_EQ(waiting.value()->uuid, task.uuid);
  EXPECT_EQ(waiting.value()->spec, make_task({}).spec);
  EXPECT_EQ(row(task.uuid).state, TaskState::kRunning);
  EXPECT_EQ(row(task.uuid).assigned_worker, worker);
  EXPECT_EQ(loop_->statistics().waiting_fetches, 0U);
}

TEST_F(SubmitAndFetch, AWaitingFetchEndsWithNothingWhenItsTimeIsUp) {
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25));
  run();
  EXPECT_EQ(loop_->wake_at(), clock_.monotonic() + seconds(25));
  advance(seconds(24));
  EXPECT_FALSE(waiting.answered());
  advance(seconds(1));
  EXPECT_FALSE(waiting.value());
  submit();
  EXPECT_TRUE(fetch(worker));
}

TEST_F(SubmitAndFetch, AWithdrawnFetchGetsNothing) {
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25), 5);
  run();
  loop_->withdraw(5);
  EXPECT_FALSE(waiting.value());
  auto queued = fetch_later(worker, seconds(25), 6);
  loop_->withdraw(6);
  const Submitted task = submit();
  EXPECT_FALSE(queued.value());
  EXPECT_EQ(row(task.uuid).state, TaskState::kReady);
}

TEST_F(SubmitAndFetch, ANewerFetchTakesThePlaceOfAWaitingOne) {
  const WorkerId worker = add_worker();
  auto older = fetch_later(worker, seconds(25));
  run();
  auto newer = fetch_later(worker, seconds(25));
  run();
  EXPECT_FALSE(older.value());
  EXPECT_FALSE(newer.answered());
  submit();
  EXPECT_TRUE(newer.value());
}

TEST_F(SubmitAndFetch, ARepeatedFetchAnswersTheSameTask) {
  const Submitted task = submit();
  submit();
  const WorkerId worker = add_worker();
  const auto first = fetch(worker);
  const auto again = fetch(worker);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->id, again->id);
  EXPECT_EQ(again->uuid, task.uuid);
  EXPECT_EQ(again->spec, first->spec);
}

TEST_F(SubmitAndFetch, TwoFetchesInOneBatchGetTheSameTask) {
  submit();
  submit();
  const WorkerId worker = add_worker();
  auto first = fetch_later(worker, milliseconds(0));
  auto second = fetch_later(worker, milliseconds(0));
  run();
  ASSERT_TRUE(first.value() && second.value());
  EXPECT_EQ(first.value()->id, second.value()->id);
}

TEST_F(SubmitAndFetch, PriorityThenFirstInFirstOut) {
  const Submitted low = submit({.priority = -1});
  const Submitted first = submit();
  const Submitted second = submit();
  const Submitted high = submit({.priority = 7});
  std::vector<TaskUuid> order;
  const WorkerId worker = add_worker();
  for (auto got = fetch(worker); got; got = fetch(worker)) {
    order.push_back(got->uuid);
    ASSERT_TRUE(complete(worker, got->id, false));
  }
  EXPECT_THAT(order, ElementsAre(high.uuid, first.uuid, second.uuid, low.uuid));
}

TEST_F(SubmitAndFetch, ABatchIsOneTransactionOfFewStatements) {
  std::vector<Pending<std::vector<Result<Submitted>>>> pending;
  for (int i = 0; i < 50; ++i)
    pending.push_back(submit_later({make_task({}), make_task({.group = lab_})}));
  const int begins = writer_->begins;
  const int inserts = writer_->inserts;
  run();
  EXPECT_EQ(writer_->begins, begins + 1);
  EXPECT_EQ(writer_->inserts, inserts + 1);
  std::vector<std::int64_t> numbers;
  for (auto& each : pending) {
    numbers.push_back(each.value().at(0)->number);
    EXPECT_EQ(each.value().at(0)->number, each.value().at(1)->number);
  }
  EXPECT_TRUE(std::ranges::is_sorted(numbers));
  EXPECT_EQ(task_count(home_), 50);
  EXPECT_EQ(task_count(lab_), 50);
}

TEST_F(SubmitAndFetch, LargeRequestsAreCutAndTakeTurns) {
  auto large = submit_later(std::vector<SubmitTask>(3'000, make_task({})));
  auto small = submit_later({make_task({.priority = 1})});
  loop_->run();
  EXPECT_FALSE(large.answered());
  ASSERT_TRUE(small.answered());
  run();
  ASSERT_EQ(large.value().size(), 3'000U);
  for (const auto& member : large.value())
    EXPECT_TRUE(member);
  EXPECT_EQ(large.value().back()->number, 3'001);
  EXPECT_EQ(task_count(home_), 3'001);
}

TEST_F(SubmitAndFetch, BatchesAreBoundedByBytes) {
  Settings settings;
  settings.max_batch_bytes = 10'000;
  restart(settings);
  SubmitTask task = make_task({});
  task.spec = std::string(4'000, ' ') + task.spec;
  auto pending = submit_later(std::vector<SubmitTask>(9, task));
  const int before = writer_->begins;
  run();
  EXPECT_EQ(writer_->begins, before + 3);
  EXPECT_EQ(pending.value().size(), 9U);
}

TEST_F(SubmitAndFetch, ATaskOfAnUnknownGroupFailsAloneAndTakesNoNumber) {
  auto pending = submit_later({make_task({}), make_task({.group = GroupId{99}}), make_task({})});
  run();
  EXPECT_EQ(pending.value().at(0)->number, 1);
  EXPECT_EQ(pending.value().at(1).error(), Error(ErrorCode::kNotFound, "User or group with name 99"));
  EXPECT_EQ(pending.value().at(2)->number, 2);
  EXPECT_EQ(task_count(home_), 2);
}

TEST_F(SubmitAndFetch, ARepeatedSubmissionUnderTheSameNameAddsNothing) {
  const TaskUuid name{Uuid::make_ordered(clock_.now())};
  auto twice = submit_later({make_task({.uuid = name}), make_task({.uuid = name})});
  run();
  const Submitted again = submit({.uuid = name});
  EXPECT_EQ(twice.value().at(0)->uuid, name);
  EXPECT_EQ(twice.value().at(1)->number, 1);
  EXPECT_EQ(again.number, 1);
  EXPECT_EQ(task_count(home_), 1);
  auto other = submit_later({make_task({.uuid = name, .group = lab_})});
  run();
  EXPECT_EQ(other.value().at(0).error().code(), ErrorCode::kInvalidRequest);
}

using CancelAndChange = LoopTest;

TEST_F(CancelAndChange, ReadyTasksAreArchivedAsCancelledByTheirUser) {
  const Submitted first = submit();
  const Submitted second = submit();
  const WorkerId worker = add_worker();
  const auto running = fetch(worker);
  EXPECT_THAT(cancel({first.uuid, second.uuid, TaskUuid{Uuid::make_v4()}}), ElementsAre(false, true, false));
  EXPECT_EQ(running->uuid, first.uuid);
  const auto archived = row(second.uuid);
  EXPECT_TRUE(archived.archived);
  EXPECT_EQ(archived.state, TaskState::kCancelled);
  EXPECT_EQ(archived.result, R"({"exit_status":0,"msg":"UserCancellation"})");
  EXPECT_FALSE(archived.reporter);
  ASSERT_TRUE(complete(worker, running->id, false));
  EXPECT_FALSE(fetch(worker));
  EXPECT_THAT(cancel({second.uuid}), ElementsAre(false));
}

TEST_F(CancelAndChange, ATaskSubmittedInTheSameBatchIsCancelled) {
  const TaskUuid name{Uuid::make_ordered(clock_.now())};
  auto submitted = submit_later({make_task({.uuid = name})});
  EXPECT_THAT(cancel({name}), ElementsAre(true));
  EXPECT_TRUE(submitted.value().at(0));
  EXPECT_TRUE(row(name).archived);
}

TEST_F(CancelAndChange, AChangeOfPriorityReordersAndOneOfTagsMoves) {
  const Submitted first = submit();
  const Submitted second = submit();
  ChangeTask change;
  change.task = second.uuid;
  change.priority = 5;
  auto done = change_later(std::move(change));
  run();
  EXPECT_TRUE(done.value());
  EXPECT_EQ(row(second.uuid).priority, 5);
  const WorkerId worker = add_worker({.tags = {"a"}});
  const auto got = fetch(worker);
  EXPECT_EQ(got->uuid, second.uuid);
  ASSERT_TRUE(complete(worker, got->id, false));

  ChangeTask move;
  move.task = first.uuid;
  move.tags = {"b"};
  auto moved = change_later(std::move(move));
  run();
  EXPECT_TRUE(moved.value());
  EXPECT_FALSE(fetch(worker));
  EXPECT_EQ(row(first.uuid).tags, std::vector<std::string>{"b"});
}

TEST_F(CancelAndChange, AChangeGivesTheTaskToAWorkerThatWaits) {
  const Submitted task = submit({.tags = {"b"}});
  const WorkerId worker = add_worker({.tags = {"a"}});
  auto waiting = fetch_later(worker, seconds(25));
  run();
  ChangeTask change;
  change.task = task.uuid;
  change.tags = {"a"};
  change.timeout_seconds = 7;
  auto changed = change_later(std::move(change));
  run();
  EXPECT_TRUE(changed.value());
  ASSERT_TRUE(waiting.value());
  EXPECT_EQ(waiting.value()->timeout_seconds, 7);
  ChangeTask late;
  late.task = task.uuid;
  late.priority = 1;
  auto refused = change_later(std::move(late));
  run();
  EXPECT_FALSE(refused.value());
}

using Drain = LoopTest;

TEST_F(Drain, NothingIsHandedOutAndNobodyWaits) {
  const WorkerId busy = add_worker();
  submit();
  submit();
  const auto running = fetch(busy);
  const WorkerId idle = add_worker({.tags = {"x"}, .groups = {lab_}});
  auto waiting = fetch_later(idle, seconds(25));
  run();
  loop_->drain();
  EXPECT_FALSE(waiting.value());
  auto later = fetch_later(idle, seconds(25));
  run();
  EXPECT_FALSE(later.value());
  const auto answer = complete(busy, running->id, true);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->next);
}

using Writes = LoopTest;

TEST_F(Writes, RunInTheBatchAndTakeEffectBeforeTheReply) {
  bool after_commit = false;
  auto pending = write_later([&](storage::Writer& writer) -> Result<AfterCommit> {
    MITO_TRY(writer.set_fact("a", "1"));
    return [&] { after_commit = true; };
  });
  auto task = submit_later({make_task({})});
  const int before = writer_->begins;
  run();
  EXPECT_EQ(writer_->begins, before + 1);
  EXPECT_TRUE(pending.result());
  EXPECT_TRUE(after_commit);
  EXPECT_TRUE(task.value().at(0));
  EXPECT_EQ(reader_->fact("a").value(), "1");
}

TEST_F(Writes, ARefusalUndoesOnlyItself) {
  auto first = submit_later({make_task({})});
  auto refused = write_later([&](storage::Writer& writer) -> Result<AfterCommit> {
    MITO_TRY(writer.set_fact("a", "1"));
    return fail(ErrorCode::kPermissionDenied);
  });
  auto thrown = write_later([&](storage::Writer& writer) -> Result<AfterCommit> {
    MITO_TRY(writer.set_fact("b", "1"));
    throw std::runtime_error("a bug");
  });
  auto second = submit_later({make_task({})});
  run();
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(thrown.error().code(), ErrorCode::kInternal);
  EXPECT_FALSE(reader_->fact("a").value());
  EXPECT_FALSE(reader_->fact("b").value());
  EXPECT_EQ(first.value().at(0)->number, 1);
  EXPECT_EQ(second.value().at(0)->number, 2);
}

TEST_F(Writes, AGroupIsUpdatedBetweenTwoSubmissionsOfOneBatch) {
  auto first = submit_later({make_task({})});
  auto write = write_later([&](storage::Writer& writer) -> Result<AfterCommit> {
    MITO_TRY_ASSIGN(auto group, writer.group_by_id(home_));
    group->storage_used += 5;
    MITO_TRY_ASSIGN(const bool done, writer.update_group(*group));
    if (!done) return fail(ErrorCode::kInternal, "task_count was not as read");
    return AfterCommit{};
  });
  auto second = submit_later({make_task({})});
  run();
  EXPECT_TRUE(write.result());
  EXPECT_EQ(task_count(home_), 2);
  EXPECT_EQ(reader_->group_by_id(home_).value()->storage_used, 5);
}

}  // namespace
}  // namespace mito::core
