#include "core/transaction.h"

#include <gtest/gtest.h>

#include "simulation/faulty_writer.h"
#include "storage/database/memory/memory.h"

namespace mito::core {
namespace {

/// Counts statements; what they do is done by the memory database.
class TransactionTest : public testing::Test {
 protected:
  TransactionTest() {
    auto setup = database_->open_writer().value();
    EXPECT_TRUE(setup->begin());
    std::tie(user_, group_) =
        setup->insert_user({.username = "alice", .encrypted_password = "x", .admin = false, .now = {}}).value();
    EXPECT_TRUE(setup->commit());
    writer_ = std::make_unique<simulation::FaultyWriter>(database_->open_writer().value());
    writer_->choose_faults([this](std::string_view operation) {
      calls_.emplace_back(operation);
      return simulation::Fault::kNone;
    });
  }
  storage::NewTask new_task(Transaction& transaction) {
    storage::NewTask task;
    task.id = TaskId{++last_};
    task.uuid = TaskUuid{Uuid::make_v4()};
    task.creator = user_;
    task.group = group_;
    task.number = transaction.next_number(group_).value().value();
    task.spec = "{}";
    return task;
  }
  WorkerId add_worker(Transaction& transaction) {
    storage::NewWorker worker;
    worker.uuid = WorkerUuid{Uuid::make_v4()};
    worker.creator = user_;
    return transaction.writer().value()->insert_worker(worker).value();
  }
  std::ptrdiff_t count(std::string_view operation) const { return std::ranges::count(calls_, operation); }
  storage::Archive archive(TaskId task, std::optional<WorkerId> worker, TaskState from) const {
    return storage::Archive{.task = task,
                            .from = {from},
                            .worker = worker,
                            .state = TaskState::kFinished,
                            .result = "{}",
                            .reporter = std::nullopt,
                            .detail = {},
                            .now = {}};
  }

  std::unique_ptr<storage::Database> database_ = storage::open_memory();
  std::unique_ptr<simulation::FaultyWriter> writer_;
  std::vector<std::string> calls_;
  UserId user_;
  GroupId group_;
  std::int64_t last_ = 0;
};

TEST_F(TransactionTest, NothingToWriteOpensNoTransaction) {
  Transaction transaction(*writer_, {});
  EXPECT_TRUE(transaction.flush());
  EXPECT_TRUE(transaction.reader());
  EXPECT_FALSE(transaction.begun());
  EXPECT_TRUE(calls_.empty());
}

TEST_F(TransactionTest, OneStatementForEachKind) {
  Transaction transaction(*writer_, {});
  std::vector<TaskId> ids;
  for (int i = 0; i < 20; ++i) {
    auto task = new_task(transaction);
    ids.push_back(task.id);
    ASSERT_TRUE(transaction.insert(std::move(task)));
  }
  ASSERT_TRUE(transaction.flush());
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(transaction.archive(archive(ids[static_cast<std::size_t>(i)], std::nullopt, TaskState::kReady)));
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(transaction.insert(new_task(transaction)));
  ASSERT_TRUE(transaction.flush());
  EXPECT_EQ(count("insert_tasks"), 2);
  EXPECT_EQ(count("archive_tasks"), 1);
  EXPECT_EQ(count("read_groups"), 1);
  EXPECT_EQ(count("update_task_counts"), 2);
  EXPECT_EQ(transaction.rows(), 35U);
  ASSERT_TRUE(writer_->commit());
  EXPECT_EQ(writer_->group_by_id(group_).value()->task_count, 25);
}

TEST_F(TransactionTest, ATaskOfTheSameRoundIsStoredAsClaimed) {
  Transaction transaction(*writer_, {});
  const WorkerId worker = add_worker(transaction);
  auto task = new_task(transaction);
  const TaskUuid uuid = task.uuid;
  ASSERT_TRUE(transaction.insert(std::move(task)));
  const auto claim = transaction.claim({.task = TaskId{last_}, .worker = worker, .now = {}});
  ASSERT_TRUE(claim);
  EXPECT_EQ(transaction.claimed()[*claim].what.uuid, uuid);
  ASSERT_TRUE(transaction.flush());
  EXPECT_EQ(count("claim_tasks"), 0);
  EXPECT_EQ(writer_->task_by_uuid(uuid).value()->assigned_worker, worker);
}

TEST_F(TransactionTest, OperationsOnTheSameRowsKeepTheirOrderWhateverTheirKinds) {
  Transaction transaction(*writer_, {});
  const WorkerId worker = add_worker(transaction);
  ASSERT_TRUE(transaction.insert(new_task(transaction)));
  const TaskId first{last_};
  ASSERT_TRUE(transaction.insert(new_task(transaction)));
  const TaskId second{last_};
  // Claimed, finished, archived, and the next one claimed, released, claimed again: six rounds by their kinds.
  ASSERT_TRUE(transaction.claim({.task = first, .worker = worker, .now = {}}));
  ASSERT_TRUE(transaction.report({.task = first, .worker = worker, .state = TaskState::kFinished, .now = {}}));
  ASSERT_TRUE(transaction.archive(archive(first, worker, TaskState::kFinished)));
  ASSERT_TRUE(transaction.claim({.task = second, .worker = worker, .now = {}}));
  ASSERT_TRUE(transaction.release({.task = second, .worker = worker, .count_loss = true, .now = {}}));
  const auto claim = transaction.claim({.task = second, .worker = worker, .now = {}});
  ASSERT_TRUE(transaction.flush());
  EXPECT_TRUE(transaction.conflicts().empty());
  EXPECT_TRUE(writer_->task_by_id(first).value()->archived);
  const auto row = writer_->task_by_id(second).value();
  EXPECT_EQ(row->state, TaskState::kRunning);
  EXPECT_EQ(row->losses, 1);
  EXPECT_EQ(transaction.claimed()[*claim].what.uuid, row->uuid);
}

TEST_F(TransactionTest, ARowThatIsNotAsKnownIsAConflict) {
  Transaction transaction(*writer_, {});
  const WorkerId worker = add_worker(transaction);
  ASSERT_TRUE(transaction.claim({.task = TaskId{77}, .worker = worker, .now = {}}));
  ASSERT_TRUE(transaction.archive(archive(TaskId{78}, std::nullopt, TaskState::kReady)));
  EXPECT_FALSE(transaction.flush());
  EXPECT_EQ(transaction.conflicts(), std::vector<TaskId>{TaskId{78}});
  transaction.abandon();
  EXPECT_TRUE(transaction.conflicts().empty());
  EXPECT_TRUE(transaction.flush());
}

TEST_F(TransactionTest, AnUnknownGroupHasNoNumbers) {
  Transaction transaction(*writer_, {});
  EXPECT_EQ(transaction.next_number(GroupId{99}).value(), std::nullopt);
  EXPECT_EQ(transaction.next_number(group_).value(), 1);
  EXPECT_EQ(transaction.next_number(group_).value(), 2);
  transaction.abandon();
  EXPECT_EQ(transaction.next_number(group_).value(), 1);
}

}  // namespace
}  // namespace mito::core
