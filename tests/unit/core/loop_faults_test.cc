#include <algorithm>

#include <gmock/gmock.h>

#include "base/logging.h"
#include "unit/core/loop_fixture.h"

namespace mito::core {
namespace {

using simulation::Fault;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Faults : public LoopTest {
 protected:
  /// The next call of this operation meets the fault, once.
  void fail_once(std::string operation, Fault fault) {
    writer_->choose_faults([operation = std::move(operation), fault, done = false](std::string_view called) mutable {
      if (done || called != operation) return Fault::kNone;
      done = true;
      return fault;
    });
  }
  void go_away() {
    fail_once("begin", Fault::kLost);
    writer_->stay_away(true);
  }
};

/// Whether the commit goes along with the last round, as across a network.
enum class Commits { kApart, kWithRounds };

/// Every statement of the hot path, failing in each way once: nothing is lost, nothing is done twice.
struct StatementCase {
  std::string operation;
  Fault fault;
  Commits commits;
};
class EachStatement : public Faults, public testing::WithParamInterface<StatementCase> {};

TEST_P(EachStatement, FailsOnceAndTheJobIsDoneAllTheSame) {
  const auto [operation, fault, commits] = GetParam();
  writer_->commits_with_rounds = commits == Commits::kWithRounds;
  const Submitted first = submit();
  const WorkerId worker = add_worker({.tags = {"c"}});
  const auto got = fetch(worker);
  ASSERT_TRUE(report(worker, got->id, Finish{}));
  ASSERT_TRUE(report(worker, got->id, SubmitChild{.task = make_task({.tags = {"c"}}), .group_name = "alice"}));
  const WorkerId leaving = add_worker({.tags = {"x"}});
  const Submitted second = submit({.tags = {"x"}, .priority = 5});
  const auto held = fetch(leaving);
  ASSERT_TRUE(held);
  const WorkerId idle = add_worker({.tags = {"y"}});
  auto waiting = fetch_later(idle, seconds(25));
  run();

  fail_once(operation, fault);
  auto child_commit = report_later(worker, got->id, Commit{.result = "{}", .next = false, .detail = {}});
  auto submitted = submit_later({make_task({.tags = {"y"}}), make_task({.tags = {"z"}})});
  auto removed = remove_later(leaving, Removal::kUnregister);
  auto fetched = fetch_later(worker, seconds(25));
  auto written = write_later([](storage::Writer& writer) -> Result<AfterCommit> {
    MITO_TRY(writer.set_fact("a", "1"));
    return AfterCommit{};
  });
  run();
  advance(seconds(3));

  EXPECT_TRUE(child_commit.result());
  EXPECT_TRUE(row(first.uuid).archived);
  EXPECT_TRUE(removed.value());
  EXPECT_EQ(row(second.uuid).state, TaskState::kReady);
  ASSERT_EQ(submitted.value().size(), 2U);
  EXPECT_EQ(submitted.value().at(0)->number, 4);
  EXPECT_EQ(submitted.value().at(1)->number, 5);
  EXPECT_EQ(task_count(home_), 5);
  ASSERT_TRUE(waiting.answered());
  EXPECT_EQ(waiting.value()->uuid, submitted.value().at(0)->uuid);
  ASSERT_TRUE(fetched.value());
  EXPECT_EQ(fetched.value()->uuid, *row(first.uuid).downstream);
  EXPECT_EQ(row(fetched.value()->uuid).assigned_worker, worker);
  EXPECT_TRUE(written.result());
  EXPECT_EQ(loop_->state().scheduler.audit(), "");
  EXPECT_EQ(loop_->state().undo.mark(), 0U);
}

std::vector<StatementCase> statement_cases() {
  std::vector<StatementCase> cases;
  for (const char* operation : {"begin", "read_groups", "release_tasks", "archive_tasks", "promote_tasks",
                                "update_task_counts", "insert_tasks", "claim_tasks", "delete_workers", "commit"})
    for (const Fault fault : {Fault::kLost, Fault::kDoneButLost, Fault::kError})
      for (const Commits commits : {Commits::kApart, Commits::kWithRounds})
        if (fault != Fault::kError || std::string_view(operation) != "begin")
          cases.push_back({operation, fault, commits});
  return cases;
}

std::string name_of(const testing::TestParamInfo<StatementCase>& instance) {
  const auto& [operation, fault, commits] = instance.param;
  const std::string place = operation + (commits == Commits::kApart ? "_apart" : "_with_rounds");
  switch (fault) {
    case Fault::kLost:
      return place + "_lost";
    case Fault::kDoneButLost:
      return place + "_done_but_lost";
    default:
      return place + "_error";
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachStatement, testing::ValuesIn(statement_cases()), name_of);

TEST_F(Faults, OnlyTheCauseOfAFailureFails) {
  writer_->refuse_insert = [](const storage::NewTask& task) { return task.priority == 666; };
  std::vector<SubmitTask> tasks;
  for (int i = 0; i < 100; ++i)
    tasks.push_back(make_task({.priority = i == 37 || i == 64 ? 666 : 0}));
  const WorkerId worker = add_worker();
  auto submitted = submit_later(std::move(tasks));
  auto written = write_later([](storage::Writer& writer) -> Result<AfterCommit> {
    MITO_TRY(writer.set_fact("a", "1"));
    return AfterCommit{};
  });
  auto fetched = fetch_later(worker, milliseconds(0));
  run();
  std::int64_t number = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    const auto& member = submitted.value().at(i);
    if (i == 37 || i == 64)
      EXPECT_EQ(member.error().code(), ErrorCode::kInternal);
    else
      EXPECT_EQ(member->number, ++number);
  }
  EXPECT_EQ(task_count(home_), 98);
  EXPECT_TRUE(written.result());
  EXPECT_TRUE(fetched.value());
  EXPECT_EQ(loop_->state().scheduler.tasks(), 98U);
  EXPECT_EQ(loop_->statistics().failed_batches, 1U);
}

TEST_F(Faults, OnlyTheCauseOfAFailedCommitFails) {
  bool poisoned = false;
  writer_->refuse_insert = [&](const storage::NewTask& task) {
    poisoned |= task.priority == 666;
    return false;
  };
  writer_->choose_faults([&](std::string_view operation) {
    if (operation == "begin") poisoned = false;
    return operation == "commit" && poisoned ? Fault::kError : Fault::kNone;
  });
  const WorkerId worker = add_worker();
  std::vector<SubmitTask> tasks;
  for (int i = 0; i < 100; ++i)
    tasks.push_back(make_task({.priority = i == 37 || i == 64 ? 666 : 0}));
  auto submitted = submit_later(std::move(tasks));
  auto fetched = fetch_later(worker, seconds(25));
  run();
  std::int64_t number = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    const auto& member = submitted.value().at(i);
    if (i == 37 || i == 64)
      EXPECT_EQ(member.error().code(), ErrorCode::kInternal);
    else
      EXPECT_EQ(member->number, ++number);
  }
  EXPECT_EQ(task_count(home_), 98);
  EXPECT_TRUE(fetched.value());
  EXPECT_EQ(loop_->state().scheduler.tasks(), 98U);
  EXPECT_FALSE(loop_->database_away());
  const int begun = writer_->begins;
  submit_later({make_task({}), make_task({}), make_task({}), make_task({})});
  run();
  EXPECT_EQ(writer_->begins, begun + 1) << "batches stay small for ever";
}

// Nobody has seen what the claims of such a commit brought.
TEST_F(Faults, AClaimWhoseCommitWasNotAnsweredIsHandedOutAsItIsStored) {
  writer_->commits_with_rounds = true;
  const WorkerId worker = add_worker();
  const Submitted first = submit();
  const Submitted second = submit();
  const auto got = fetch(worker);
  fail_once("commit", Fault::kDoneButLost);
  auto next = report_later(
      worker, got->id, Complete{.state = TaskState::kFinished, .commit = {.result = "{}", .next = true, .detail = {}}});
  run();
  EXPECT_FALSE(next.answered());
  EXPECT_TRUE(loop_->database_away());
  advance(seconds(3));
  ASSERT_TRUE(next.answered());
  ASSERT_TRUE(next.value().next);
  EXPECT_EQ(next.value().next->uuid, second.uuid);
  EXPECT_EQ(next.value().next->spec, row(second.uuid).spec);
  EXPECT_EQ(next.value().next->timeout_seconds, row(second.uuid).timeout_seconds);
  EXPECT_TRUE(row(first.uuid).archived);
  ASSERT_TRUE(report(worker, next.value().next->id, Finish{}));

  const WorkerId idle = add_worker({.tags = {"x"}});
  auto waiting = fetch_later(idle, seconds(25));
  run();
  fail_once("commit", Fault::kDoneButLost);
  auto submitted = submit_later({make_task({.tags = {"x"}})});
  run();
  advance(seconds(3));
  ASSERT_TRUE(submitted.value().at(0));
  ASSERT_TRUE(waiting.answered());
  EXPECT_EQ(waiting.value()->uuid, submitted.value().at(0)->uuid);
  EXPECT_EQ(loop_->state().scheduler.audit(), "");
}

TEST_F(Faults, AWaitingWorkerIsNotLostByAFailedBatch) {
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25));
  run();
  writer_->refuse_insert = [](const storage::NewTask&) { return true; };
  auto refused = submit_later({make_task({})});
  run();
  EXPECT_EQ(refused.value().at(0).error().code(), ErrorCode::kInternal);
  EXPECT_FALSE(waiting.answered());
  writer_->refuse_insert = {};
  submit();
  EXPECT_TRUE(waiting.value());
}

TEST_F(Faults, HeartbeatsOfAFailedBatchAreWrittenLater) {
  for (const Fault fault : {Fault::kLost, Fault::kError}) {
    const WorkerId worker = add_worker();
    advance(seconds(60));
    EXPECT_TRUE(heartbeat(worker));
    run();
    advance(seconds(1));
    EXPECT_TRUE(heartbeat(worker));
    const auto beaten = clock_.now();
    fail_once("write_heartbeats", fault);
    auto submitted = submit_later({make_task({})});
    run();
    advance(seconds(6));
    EXPECT_TRUE(submitted.value().at(0));
    EXPECT_EQ(worker_row(worker)->last_heartbeat, beaten);
  }
}

TEST_F(Faults, ALostWorkerIsRemovedAlsoWhenThatFailsAtFirst) {
  for (const Fault fault : {Fault::kLost, Fault::kError}) {
    const WorkerId worker = add_worker({.lease = seconds(30)});
    fail_once("delete_workers", fault);
    advance(seconds(45));
    EXPECT_FALSE(worker_row(worker));
    EXPECT_FALSE(heartbeat(worker));
  }
}

TEST_F(Faults, TheRequestsOfADrivenAwayDatabaseWaitAndGoOn) {
  const WorkerId worker = add_worker();
  const Submitted task = submit();
  const auto got = fetch(worker);
  go_away();
  auto reported = report_later(worker, got->id, Finish{});
  auto submitted = submit_later({make_task({})});
  run();
  EXPECT_TRUE(loop_->database_away());
  EXPECT_TRUE(loop_->statistics().database_away);
  advance(seconds(20));
  EXPECT_FALSE(reported.answered());
  EXPECT_FALSE(submitted.answered());
  EXPECT_TRUE(heartbeat(worker)) << "from memory";
  auto poll = fetch_later(worker, milliseconds(0));
  EXPECT_FALSE(poll.value()) << "from memory";
  EXPECT_EQ(fetch_later(WorkerId{99}, milliseconds(0)).error().code(), ErrorCode::kWrongCredentials);

  writer_->stay_away(false);
  advance(seconds(3));
  EXPECT_FALSE(loop_->database_away());
  EXPECT_TRUE(reported.result());
  EXPECT_TRUE(submitted.value().at(0));
  EXPECT_EQ(row(task.uuid).state, TaskState::kFinished);
}

TEST_F(Faults, UsersAreRefusedAfterAWhileAndWorkersNever) {
  const WorkerId worker = add_worker();
  submit();
  const auto got = fetch(worker);
  go_away();
  auto reported = report_later(worker, got->id, Finish{});
  auto submitted = submit_later({make_task({})});
  auto uploaded = write_later([](storage::Writer&) -> Result<AfterCommit> { return AfterCommit{}; }, Caller::kWorker);
  auto polled = fetch_later(worker, seconds(25));
  run();
  advance(seconds(28));
  EXPECT_FALSE(polled.value()) << "its time was up";
  EXPECT_FALSE(submitted.answered());
  advance(seconds(5));
  EXPECT_EQ(submitted.error().code(), ErrorCode::kUnavailable);
  advance(seconds(120));
  EXPECT_FALSE(reported.answered());
  EXPECT_FALSE(uploaded.answered());
  writer_->stay_away(false);
  advance(seconds(3));
  EXPECT_TRUE(reported.result());
  EXPECT_TRUE(uploaded.result());
  EXPECT_EQ(task_count(home_), 1) << "what was refused is not done later";
}

TEST_F(Faults, NoWorkerIsCountedAsLostWhileItsHeartbeatsArrive) {
  const WorkerId worker = add_worker({.lease = seconds(30)});
  submit();
  fetch(worker);
  go_away();
  auto submitted = submit_later({make_task({})});
  run();
  for (int i = 0; i < 12; ++i) {
    advance(seconds(10));
    EXPECT_TRUE(heartbeat(worker));
  }
  writer_->stay_away(false);
  advance(seconds(5));
  EXPECT_TRUE(worker_row(worker));
  EXPECT_EQ(worker_row(worker)->last_heartbeat, clock_.now() - seconds(5));
}

struct LostCommitCase {
  bool happened;
  bool away_for_long;
};
class LostCommits : public Faults, public testing::WithParamInterface<LostCommitCase> {};

TEST_P(LostCommits, AreFoundOutAndNothingIsDoneTwice) {
  const auto [happened, away_for_long] = GetParam();
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25));
  run();
  fail_once("commit", happened ? Fault::kDoneButLost : Fault::kLost);
  writer_->stay_away(true);
  auto submitted = submit_later({make_task({}), make_task({})});
  run();
  EXPECT_TRUE(loop_->database_away());
  EXPECT_FALSE(submitted.answered());
  EXPECT_FALSE(waiting.answered()) << "the worker must not hear of a claim that may not be durable";
  advance(away_for_long ? seconds(40) : seconds(5));
  writer_->stay_away(false);
  advance(seconds(3));

  EXPECT_EQ(loop_->state().scheduler.audit(), "");
  const std::int64_t expected = !happened && away_for_long ? 0 : 2;
  EXPECT_EQ(task_count(home_), expected);
  if (away_for_long) {
    EXPECT_EQ(submitted.error().code(), ErrorCode::kUnavailable);
    EXPECT_FALSE(waiting.value());
    EXPECT_EQ(fetch(worker).has_value(), happened);
  } else {
    EXPECT_EQ(submitted.value().at(1)->number, 2);
    ASSERT_TRUE(waiting.value());
    EXPECT_EQ(waiting.value()->uuid, submitted.value().at(0)->uuid);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LostCommits,
                         testing::Values(LostCommitCase{true, false}, LostCommitCase{false, false},
                                         LostCommitCase{true, true}, LostCommitCase{false, true}),
                         [](const auto& instance) {
                           return std::string(instance.param.happened ? "Happened" : "DidNotHappen") +
                                  (instance.param.away_for_long ? "AndAwayForLong" : "");
                         });

TEST_F(Faults, AFetchWithdrawnWhileACommitIsUnknownLeavesNobodyWaiting) {
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25), 9);
  run();
  fail_once("commit", Fault::kLost);
  writer_->stay_away(true);
  auto submitted = submit_later({make_task({})});
  run();
  loop_->withdraw(9);
  EXPECT_FALSE(waiting.value());
  writer_->stay_away(false);
  advance(seconds(3));
  ASSERT_TRUE(submitted.value().at(0));
  EXPECT_EQ(row(submitted.value().at(0)->uuid).state, TaskState::kReady);
}

TEST_F(Faults, AFetchWhoseOwnBatchIsUnknownIsWithdrawn) {
  const WorkerId worker = add_worker();
  fail_once("commit", Fault::kDoneButLost);
  writer_->stay_away(true);
  auto written = write_later([](storage::Writer&) -> Result<AfterCommit> { return AfterCommit{}; });
  auto waiting = fetch_later(worker, seconds(25), 9);
  run();
  loop_->withdraw(9);
  writer_->stay_away(false);
  advance(seconds(3));
  EXPECT_TRUE(written.result());
  EXPECT_FALSE(waiting.value());
  EXPECT_EQ(row(submit().uuid).state, TaskState::kReady);
}

TEST_F(Faults, ATaskWhoseRowWasEditedByHandIsReadAnew) {
  const Submitted task = submit();
  const Submitted other = submit();
  {
    // Somebody archives the task behind our back, on a second writer that then gives way.
    auto edit = write_later([&](storage::Writer& writer) -> Result<AfterCommit> {
      MITO_TRY_ASSIGN(const auto row, writer.task_by_uuid(task.uuid));
      const storage::Archive archive{.task = row->id,
                                     .from = {TaskState::kReady},
                                     .worker = std::nullopt,
                                     .state = TaskState::kCancelled,
                                     .result = "{}",
                                     .reporter = std::nullopt,
                                     .detail = {},
                                     .now = {}};
      MITO_TRY(writer.archive_tasks(std::span(&archive, 1)));
      return AfterCommit{};
    });
    run();
    ASSERT_TRUE(edit.result());
  }
  const auto got = fetch(add_worker());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->uuid, other.uuid);
  EXPECT_EQ(loop_->state().scheduler.queued(), 0U);
}

TEST_F(Faults, AnotherWriterTakesOver) {
  bool told = false;
  loop_->on_fenced([&] { told = true; });
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25));
  run();
  const auto usurper = database_->open_writer().value();
  auto submitted = submit_later({make_task({})});
  run();
  EXPECT_TRUE(told);
  EXPECT_TRUE(loop_->fenced());
  EXPECT_EQ(submitted.error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(waiting.value());
  auto late = submit_later({make_task({})});
  EXPECT_EQ(late.error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(loop_->has_work());
}

/// A volume that is full until free(): the database can be reached all the time, and nothing can be written.
class FullVolume : public Faults {
 protected:
  void fill() {
    writer_->choose_faults(
        [](std::string_view operation) { return operation == "commit" ? Fault::kNoRoom : Fault::kNone; });
  }
  void free() { writer_->choose_faults({}); }
};

TEST_F(FullVolume, IsTriedWithGrowingPausesAndSpokenOfRarely) {
  const WorkerId worker = add_worker();
  const Submitted task = submit();
  const auto got = fetch(worker);
  log::Settings loud;
  loud.console_to_stderr = true;
  ASSERT_EQ(log::setup(loud), "");
  testing::internal::CaptureStderr();
  fill();
  auto reported = report_later(worker, got->id, Finish{});
  run();
  const int begun = writer_->begins;
  advance(seconds(10));
  EXPECT_LT(writer_->begins - begun, 12);
  advance(seconds(60));
  EXPECT_LT(writer_->begins - begun, 45) << "the pauses do not grow";
  EXPECT_GT(writer_->begins - begun, 30) << "it is not tried any more";
  EXPECT_FALSE(reported.answered());
  const std::string meanwhile = testing::internal::GetCapturedStderr();
  testing::internal::CaptureStderr();
  free();
  advance(seconds(3));
  EXPECT_TRUE(reported.result());
  EXPECT_EQ(row(task.uuid).state, TaskState::kFinished);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("the database is back after 7"));
  EXPECT_THAT(meanwhile, testing::HasSubstr("the database is away"));
  EXPECT_THAT(meanwhile, testing::Not(testing::HasSubstr("is back")));
  EXPECT_EQ(std::ranges::count(meanwhile, '\n'), 3) << "at once, after 30 s and after 60 s:\n" << meanwhile;

  // The next trouble begins with short pauses.
  fill();
  auto again = submit_later({make_task({})});
  run();
  free();
  advance(milliseconds(100));
  EXPECT_TRUE(again.value().at(0));
}

TEST_F(FullVolume, KeepsNobodyFromStopping) {
  const WorkerId worker = add_worker();
  submit();
  const auto got = fetch(worker);
  fill();
  auto reported = report_later(worker, got->id, Finish{});
  auto submitted = submit_later({make_task({})});
  run();
  advance(seconds(10));
  EXPECT_FALSE(submitted.answered());
  loop_->drain();
  EXPECT_EQ(submitted.error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(reported.answered()) << "a worker has the whole time that is left";
  auto late = submit_later({make_task({})});
  advance(seconds(3));
  EXPECT_EQ(late.error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(reported.answered());
  loop_->finish();
  EXPECT_EQ(reported.error().code(), ErrorCode::kUnavailable);
}

TEST_F(Faults, StoppingAnswersEverything) {
  const WorkerId worker = add_worker();
  auto waiting = fetch_later(worker, seconds(25));
  run();
  auto done = submit_later({make_task({})});
  loop_->finish();
  EXPECT_FALSE(waiting.value());
  EXPECT_TRUE(done.value().at(0));
}

TEST_F(Faults, StoppingWithoutADatabaseRefusesWhatWaits) {
  go_away();
  auto first = submit_later({make_task({})});
  run();
  auto second = submit_later({make_task({})});
  loop_->finish();
  EXPECT_EQ(first.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace mito::core
