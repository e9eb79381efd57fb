#include <algorithm>
#include <array>
#include <thread>

#include "contract/database_place.h"

namespace mito::storage {
namespace {

class Transactions : public DatabaseTest {
 protected:
  void set(const std::string& name, const std::string& value) { must(writer_->set_fact(name, value)); }
  std::optional<std::string> read(const std::string& name) { return must(reader_->fact(name)); }
};
MITO_ON_ALL_BACKENDS(Transactions);

TEST_P(Transactions, AreVisibleToReadersOnlyOnceCommitted) {
  must(writer_->begin());
  set("a", "1");
  EXPECT_EQ(must(writer_->fact("a")), "1");
  EXPECT_EQ(read("a"), std::nullopt);
  must(writer_->commit());
  EXPECT_EQ(read("a"), "1");
  EXPECT_EQ(must(must(database_->open_reader())->fact("a")), "1");
}

TEST_P(Transactions, RollbackUndoesEverything) {
  const auto [alice, group] = add_user("alice");
  const WorkerId worker = add_worker(1, alice, {{group, Role::kWrite}}, {"a"});
  const NewTask ready = task_in(group, alice);
  const NewTask running = task_in(group, alice);
  const NewTask child = [&] {
    NewTask task = task_in(group, alice);
    task.state = TaskState::kPending;
    return task;
  }();
  insert({ready, running, child});
  ASSERT_TRUE(claim(running.id, worker));
  commit([&] {
    set("a", "1");
    must(writer_->set_downstream(running.id, child.uuid));
    must(writer_->upsert_artifact({.task = ready.uuid, .content_type = ArtifactContentType::kResult, .size = 1}));
    must(writer_->upsert_attachment({.group = group, .key = "k", .size = 1}));
  });

  must(writer_->begin());
  must(writer_->insert_user({.username = "bob", .encrypted_password = "", .now = at(0)}));
  must(writer_->insert_group("lab", alice, at(0)));
  User user = must(writer_->user_by_id(alice)).value();
  user.admin = true;
  must(writer_->update_user(user));
  Group changed = must(writer_->group_by_id(group)).value();
  changed.storage_used = 5;
  must(writer_->update_group(changed));
  const std::array counters{GroupCounters{group, 0, 9, at(1)}};
  must(writer_->update_task_counts(counters));
  const Membership membership{alice, group, Role::kRead};
  must(writer_->upsert_memberships({&membership, 1}));
  const std::array removed{worker};
  must(writer_->delete_workers(removed));
  const Claim claim_ready{ready.id, worker, at(9)};
  must(writer_->claim_tasks({&claim_ready, 1}));
  const Release give_back{.task = running.id, .worker = worker, .count_loss = true, .now = at(9)};
  must(writer_->release_tasks({&give_back, 1}));
  must(writer_->delete_artifact(ready.uuid, ArtifactContentType::kResult));
  must(writer_->delete_attachment(group, "k"));
  set("a", "2");
  set("b", "2");
  writer_->rollback();

  EXPECT_FALSE(must(reader_->user_by_name("bob")).has_value());
  EXPECT_FALSE(must(writer_->group_by_name("lab")).has_value());
  EXPECT_FALSE(must(writer_->user_by_id(alice)).value().admin);
  EXPECT_EQ(must(writer_->group_by_id(group)).value().storage_used, 0);
  EXPECT_EQ(must(writer_->group_by_id(group)).value().task_count, 0);
  EXPECT_EQ(must(writer_->members_of(group)).at(0).role, Role::kAdmin);
  EXPECT_EQ(must(writer_->worker_by_id(worker)).value().assigned_task, running.id);
  EXPECT_EQ(must(writer_->access_of(worker)).size(), 1U);
  EXPECT_EQ(must(writer_->task_by_id(ready.id)).value().state, TaskState::kReady);
  EXPECT_EQ(must(writer_->task_by_id(running.id)).value().losses, 0);
  EXPECT_EQ(must(writer_->task_by_uuid(child.uuid)).value().state, TaskState::kPending);
  EXPECT_EQ(must(writer_->count_tasks({.group = group})), 3);
  EXPECT_TRUE(must(writer_->artifact(ready.uuid, ArtifactContentType::kResult)).has_value());
  EXPECT_TRUE(must(writer_->attachment(group, "k")).has_value());
  EXPECT_EQ(must(writer_->fact("a")), "1");
  EXPECT_EQ(read("b"), std::nullopt);
  // And what was undone can be done again.
  add_user("bob");
  EXPECT_TRUE(claim(ready.id, worker));
}

TEST_P(Transactions, RollbackWithoutOneDoesNothing) {
  writer_->rollback();
  commit([&] { set("a", "1"); });
  writer_->rollback();
  EXPECT_EQ(read("a"), "1");
}

TEST_P(Transactions, AWriterThatGoesLeavesNothingHalfDone) {
  must(writer_->begin());
  set("a", "1");
  writer_.reset();
  EXPECT_EQ(read("a"), std::nullopt);
  writer_ = must(database_->open_writer());
  commit([&] { set("b", "1"); });
  EXPECT_EQ(read("a"), std::nullopt);
  EXPECT_EQ(read("b"), "1");
}

TEST_P(Transactions, SavepointUndoesExactlyOneMember) {
  const auto [alice, group] = add_user("alice");
  const NewTask first = task_in(group, alice);
  const NewTask second = task_in(group, alice);
  const NewTask third = task_in(group, alice);
  must(writer_->begin());
  must(writer_->savepoint());
  must(writer_->insert_tasks({&first, 1}));
  must(writer_->release_savepoint());
  must(writer_->savepoint());
  must(writer_->insert_tasks({&second, 1}));
  set("second", "1");
  must(writer_->rollback_to_savepoint());
  must(writer_->savepoint());
  must(writer_->insert_tasks({&third, 1}));
  must(writer_->release_savepoint());
  must(writer_->commit());
  EXPECT_TRUE(must(reader_->task_by_id(first.id)).has_value());
  EXPECT_FALSE(must(reader_->task_by_id(second.id)).has_value());
  EXPECT_TRUE(must(reader_->task_by_id(third.id)).has_value());
  EXPECT_EQ(read("second"), std::nullopt);
}

TEST_P(Transactions, AFailedMemberIsUndoneAndTheOthersCommit) {
  const auto [alice, group] = add_user("alice");
  const NewTask good = task_in(group, alice);
  NewTask bad = task_in(group, alice);
  bad.uuid = good.uuid;
  const std::array pair{task_in(group, alice), bad};
  must(writer_->begin());
  must(writer_->insert_tasks({&good, 1}));
  must(writer_->savepoint());
  EXPECT_EQ(code_of(writer_->insert_tasks(pair)), ErrorCode::kInternal);
  EXPECT_EQ(code_of(writer_->set_fact("a", "1")), ErrorCode::kInternal) << "wrote after a failure";
  EXPECT_EQ(code_of(writer_->release_savepoint()), ErrorCode::kInternal);
  must(writer_->rollback_to_savepoint());
  set("b", "1");
  must(writer_->commit());
  EXPECT_EQ(must(reader_->count_tasks({.group = group})), 1);
  EXPECT_EQ(read("b"), "1");
}

TEST_P(Transactions, SavepointsNeedATransactionAndDoNotNest) {
  EXPECT_EQ(code_of(writer_->savepoint()), ErrorCode::kInternal);
  EXPECT_EQ(code_of(writer_->rollback_to_savepoint()), ErrorCode::kInternal);
  must(writer_->begin());
  EXPECT_EQ(code_of(writer_->release_savepoint()), ErrorCode::kInternal);
  EXPECT_EQ(code_of(writer_->rollback_to_savepoint()), ErrorCode::kInternal);
  must(writer_->savepoint());
  EXPECT_EQ(code_of(writer_->savepoint()), ErrorCode::kInternal);
  writer_->rollback();
  must(writer_->begin());
  must(writer_->savepoint());
  must(writer_->commit());
}

TEST_P(Transactions, WritesOutsideOfOneAreRefused) {
  const auto [alice, group] = add_user("alice");
  EXPECT_EQ(code_of(writer_->set_fact("a", "1")), ErrorCode::kInternal);
  EXPECT_EQ(code_of(writer_->insert_group("lab", alice, at(0))), ErrorCode::kInternal);
  const NewTask task = task_in(group, alice);
  EXPECT_EQ(code_of(writer_->insert_tasks({&task, 1})), ErrorCode::kInternal);
  EXPECT_EQ(code_of(writer_->commit()), ErrorCode::kInternal);
  commit([&] { set("b", "1"); });
  EXPECT_EQ(read("a"), std::nullopt);
  EXPECT_EQ(read("b"), "1");
}

TEST_P(Transactions, DoNotNest) {
  must(writer_->begin());
  set("a", "1");
  EXPECT_EQ(code_of(writer_->begin()), ErrorCode::kInternal);
  must(writer_->commit());
  EXPECT_EQ(read("a"), "1");
}

TEST_P(Transactions, AreNumbered) {
  const std::uint64_t before = writer_->batch();
  must(writer_->begin());
  EXPECT_EQ(writer_->batch(), before + 1);
  must(writer_->commit());
  must(writer_->begin());
  EXPECT_EQ(writer_->batch(), before + 2);
  writer_->rollback();
  EXPECT_EQ(must(writer_->recover()), before + 1);
  must(writer_->begin());
  EXPECT_EQ(writer_->batch(), before + 2) << "a number of a transaction that was rolled back was skipped";
  must(writer_->commit());
}

TEST_P(Transactions, RecoverTellsWhetherACommitHappened) {
  must(writer_->begin());
  set("a", "1");
  const std::uint64_t lost = writer_->batch();
  must(writer_->commit());
  EXPECT_EQ(must(writer_->recover()), lost);

  must(writer_->begin());
  set("a", "2");
  EXPECT_EQ(must(writer_->recover()), lost) << "a transaction that was never committed";
  EXPECT_EQ(writer_->batch(), lost + 1);
  EXPECT_EQ(read("a"), "1");
  commit([&] { set("a", "3"); });
  EXPECT_EQ(must(writer_->recover()), lost + 1);
  EXPECT_EQ(read("a"), "3");
}

TEST_P(Transactions, ASecondWriterFencesTheFirst) {
  commit([&] { set("a", "1"); });
  auto second = must(database_->open_writer());
  EXPECT_EQ(second->batch(), writer_->batch());
  EXPECT_EQ(code_of(writer_->begin()), ErrorCode::kFenced);
  EXPECT_EQ(code_of(writer_->set_fact("a", "2")), ErrorCode::kInternal);
  EXPECT_EQ(code_of(writer_->recover()), ErrorCode::kFenced);
  EXPECT_EQ(code_of(writer_->begin()), ErrorCode::kFenced) << "after recover";
  EXPECT_EQ(must(writer_->fact("a")), "1");
  must(second->begin());
  must(second->set_fact("a", "2"));
  must(second->commit());
  EXPECT_EQ(read("a"), "2");
}

TEST_P(Transactions, TakeOverWaitsForATransactionAndGivesUp) {
  must(writer_->begin());
  set("a", "1");
  EXPECT_EQ(code_of(database_->open_writer()), ErrorCode::kUnavailable);
  must(writer_->commit());
  EXPECT_EQ(read("a"), "1");
  commit([&] { set("a", "2"); });
  auto second = must(database_->open_writer());
  EXPECT_EQ(code_of(writer_->begin()), ErrorCode::kFenced);
}

TEST_P(Transactions, ReadersRunBesideTheWriter) {
  // A reader on another thread sees every committed state whole: both facts have the same value.
  commit([&] {
    set("a", "0");
    set("b", "0");
  });
  std::optional<std::string> last;
  std::thread reading([&] {
    while (last != "200") {
      const auto b = must(reader_->fact("b"));
      const auto a = must(reader_->fact("a"));
      // `a` is read later and is written first.
      if (std::stoi(*a) < std::stoi(*b)) break;
      last = b;
    }
  });
  for (int i = 1; i <= 200; ++i) {
    commit([&] {
      set("a", std::to_string(i));
      set("b", std::to_string(i));
    });
  }
  reading.join();
  EXPECT_EQ(last, "200");
}

}  // namespace
}  // namespace mito::storage
