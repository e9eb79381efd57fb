#include <array>

#include "contract/database_place.h"

// What the core writes in one go, with and without the commit.
namespace mito::storage {
namespace {

class Rounds : public DatabaseTest {
 protected:
  Rounds() : worker_(add_worker(1, owner().first, {{owner().second, Role::kWrite}})) {}

  std::pair<UserId, GroupId> owner() {
    if (!owner_) owner_ = add_user("owner");
    return *owner_;
  }
  /// What a transaction of one round that may commit says; commits where it did not go along.
  Result<RoundAnswers> write(const Round& round) {
    auto answers = writer_->write_round(round, Opening::kBegin, Closing::kLast);
    if (!answers) return answers;
    if (!answers->held()) {
      EXPECT_FALSE(answers->commit.has_value());
      writer_->rollback();
      return answers;
    }
    if (!answers->commit) answers->commit = writer_->commit();
    EXPECT_TRUE(answers->commit->has_value());
    return answers;
  }
  std::optional<TaskId> assigned() { return must(reader_->worker_by_id(worker_)).value().assigned_task; }

  WorkerId worker_;
};
MITO_ON_ALL_BACKENDS(Rounds);

TEST_P(Rounds, EndOfOneTaskAndStartOfTheNext) {
  const TaskId held = add_running(worker_);
  const TaskId next = add_task();
  const std::array archives{Archive{.task = held,
                                    .from = {TaskState::kRunning},
                                    .worker = worker_,
                                    .state = TaskState::kFinished,
                                    .result = R"({"exit_status":0,"msg":null})",
                                    .now = at(30)}};
  const std::array claims{Claim{next, worker_, at(31)}};
  const std::uint64_t before = writer_->batch();
  const RoundAnswers answers = must(write({.archives = archives, .claims = claims, .now = at(31)}));
  EXPECT_EQ(answers.archives, std::vector{true});
  ASSERT_EQ(answers.claims.size(), 1U);
  EXPECT_EQ(answers.claims[0]->uuid, task(next).uuid);
  EXPECT_EQ(answers.claims[0]->timeout_seconds, task(next).timeout_seconds);
  EXPECT_EQ(answers.claims[0]->spec, task(next).spec);
  EXPECT_EQ(writer_->batch(), before + 1);
  EXPECT_TRUE(must(reader_->task_by_id(held)).value().archived);
  EXPECT_EQ(must(reader_->task_by_id(next)).value().state, TaskState::kRunning);
  EXPECT_EQ(assigned(), next);
  // And without a next one.
  const std::array last{Archive{.task = next,
                                .from = {TaskState::kRunning},
                                .worker = worker_,
                                .state = TaskState::kFinished,
                                .result = R"({"exit_status":1,"msg":null})",
                                .now = at(40)}};
  must(write({.archives = last, .now = at(40)}));
  EXPECT_EQ(assigned(), std::nullopt);
}

TEST_P(Rounds, OneConditionThatDoesNotHoldLeavesNothing) {
  const TaskId held = add_running(worker_);
  const TaskId ready = add_task();
  const WorkerId other = add_worker(2, owner().first);
  const TaskId others = add_running(other);
  const auto count = [this] { return must(reader_->group_by_id(owner().second)).value().task_count; };
  const std::int64_t counted = count();
  const TaskUuid unknown = task_uuid(999);

  const std::array reports{StateReport{held, worker_, TaskState::kFinished, at(20)}};
  const std::array wrong_report{StateReport{others, worker_, TaskState::kFinished, at(20)}};
  const std::array wrong_release{Release{.task = others, .worker = worker_, .count_loss = true, .now = at(20)}};
  const std::array wrong_archive{Archive{.task = others,
                                         .from = {TaskState::kRunning},
                                         .worker = worker_,
                                         .state = TaskState::kFinished,
                                         .result = "{}",
                                         .now = at(20)}};
  const std::array wrong_promotion{unknown};
  const std::array wrong_change{TaskChange{.task = held, .priority = 9, .now = at(20)}};
  const std::array wrong_counter{GroupCounters{owner().second, counted + 7, counted + 8, at(20)}};
  const std::array wrong_claim{Claim{held, other, at(20)}};
  const std::array claims{Claim{ready, other, at(20)}};
  for (const Round& round :
       {Round{.reports = wrong_report, .claims = claims}, Round{.reports = reports, .releases = wrong_release},
        Round{.reports = reports, .archives = wrong_archive, .claims = claims},
        Round{.reports = reports, .promotions = wrong_promotion}, Round{.reports = reports, .changes = wrong_change},
        Round{.reports = reports, .counters = wrong_counter, .claims = claims},
        Round{.reports = reports, .claims = wrong_claim}}) {
    const RoundAnswers answers = must(write(round));
    EXPECT_FALSE(answers.held());
    EXPECT_EQ(must(reader_->task_by_id(held)).value().state, TaskState::kRunning);
    EXPECT_EQ(must(reader_->task_by_id(ready)).value().state, TaskState::kReady);
    EXPECT_EQ(must(reader_->task_by_id(others)).value().assigned_worker, other);
    EXPECT_EQ(must(reader_->task_by_id(others)).value().losses, 0);
    EXPECT_EQ(count(), counted);
  }
  // The writer goes on.
  EXPECT_TRUE(must(write({.reports = reports})).held());
  EXPECT_EQ(must(reader_->task_by_id(held)).value().state, TaskState::kFinished);
}

TEST_P(Rounds, TakeEverythingThatIsToBeWritten) {
  const NewTask added = task_in(owner().second, owner().first);
  const TaskId waiting = add_task();
  const WorkerId leaving = add_worker(2, owner().first);
  const std::array inserts{added};
  const std::array changes{TaskChange{.task = waiting, .priority = 9, .now = at(20)}};
  const std::array departures{leaving};
  const std::array heartbeats{std::pair{worker_, at(77)}, std::pair{leaving, at(78)}};
  must(write(
      {.changes = changes, .inserts = inserts, .departures = departures, .heartbeats = heartbeats, .now = at(20)}));
  EXPECT_EQ(must(reader_->task_by_id(added.id)).value().state, TaskState::kReady);
  EXPECT_EQ(must(reader_->task_by_id(waiting)).value().priority, 9);
  EXPECT_FALSE(must(reader_->worker_by_id(leaving)).has_value());
  EXPECT_EQ(must(reader_->worker_by_id(worker_)).value().last_heartbeat, at(77));
}

TEST_P(Rounds, AStatementThatFailsIsToldAsAlways) {
  const TaskId waiting = add_task();
  NewTask twice = task_in(owner().second, owner().first);
  twice.uuid = task(waiting).uuid;
  const std::array inserts{twice};
  const std::array changes{TaskChange{.task = waiting, .priority = 9, .now = at(20)}};
  EXPECT_EQ(code_of(writer_->write_round({.changes = changes, .inserts = inserts}, Opening::kBegin, Closing::kLast)),
            ErrorCode::kInternal);
  writer_->rollback();
  EXPECT_EQ(must(reader_->task_by_id(waiting)).value().priority, 0);
  EXPECT_TRUE(must(write({.changes = changes})).held());
}

TEST_P(Rounds, GoOnInATransactionThatHasBegun) {
  const TaskId waiting = add_task();
  const std::array changes{TaskChange{.task = waiting, .priority = 9, .now = at(20)}};
  const std::array claims{Claim{waiting, worker_, at(21)}};
  ASSERT_TRUE(must(writer_->write_round({.changes = changes}, Opening::kBegin, Closing::kStaysOpen)).held());
  EXPECT_EQ(must(reader_->task_by_id(waiting)).value().priority, 0) << "it is not committed yet";
  const RoundAnswers answers = must(writer_->write_round({.claims = claims}, Opening::kBegun, Closing::kLast));
  EXPECT_TRUE(answers.held());
  if (!answers.commit) must(writer_->commit());
  EXPECT_EQ(must(reader_->task_by_id(waiting)).value().priority, 9);
  EXPECT_EQ(assigned(), waiting);
}

TEST_P(Rounds, NobodyWritesWhoWasFenced) {
  const TaskId waiting = add_task();
  const std::unique_ptr<Writer> successor = must(database_->open_writer());
  const std::array changes{TaskChange{.task = waiting, .priority = 9, .now = at(20)}};
  EXPECT_EQ(code_of(writer_->write_round({.changes = changes}, Opening::kBegin, Closing::kLast)), ErrorCode::kFenced);
  writer_->rollback();
  EXPECT_EQ(must(reader_->task_by_id(waiting)).value().priority, 0);
}

}  // namespace
}  // namespace mito::storage
