#include "core/core.h"

#include <atomic>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "base/logging.h"
#include "storage/database/memory/memory.h"

// The thread and the queue in front of it; what commands do is tested on the loop.
namespace mito::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

template <class T>
struct Awaited {
  std::shared_ptr<std::promise<Result<T>>> promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future = promise->get_future();

  Reply<T> reply() {
    return [to = promise](Result<T> result) { to->set_value(std::move(result)); };
  }
  Result<T> get() {
    if (future.wait_for(seconds(20)) != std::future_status::ready) return fail(ErrorCode::kTimeout);
    return future.get();
  }
};

class CoreTest : public testing::Test {
 protected:
  CoreTest() {
    log::Settings quiet;
    quiet.console_filter = "off";
    EXPECT_EQ(log::setup(quiet), "");
    auto setup = database_->open_writer().value();
    EXPECT_TRUE(setup->begin());
    std::tie(alice_, home_) =
        setup->insert_user({.username = "alice", .encrypted_password = "x", .admin = false, .now = {}}).value();
    EXPECT_TRUE(setup->commit());
  }
  std::unique_ptr<Core> make(Settings settings = {}) {
    return std::make_unique<Core>(settings, Clock::system(), database_->open_writer().value(), directory_);
  }
  SubmitTask task() const {
    SubmitTask task;
    task.creator = alice_;
    task.group = home_;
    task.timeout_seconds = 60;
    task.spec = R"({"args":["true"],"watch":null})";
    return task;
  }
  WorkerId add_worker(Core& core) {
    RegisterWorker worker;
    worker.worker.uuid = WorkerUuid{Uuid::make_v4()};
    worker.worker.creator = alice_;
    worker.worker.access = {{home_, Role::kWrite}};
    Awaited<WorkerId> answer;
    core.register_worker(std::move(worker), answer.reply());
    return answer.get().value();
  }

  std::unique_ptr<storage::Database> database_ = storage::open_memory();
  Directory directory_;
  UserId alice_;
  GroupId home_;
};

TEST_F(CoreTest, AJobRunsThroughTheThread) {
  const auto core = make();
  ASSERT_TRUE(core->start());
  const WorkerId worker = add_worker(*core);
  Awaited<std::optional<AssignedTask>> fetched;
  core->fetch({.worker = worker, .wait = seconds(20)}, fetched.reply());
  Awaited<std::vector<Result<Submitted>>> submitted;
  core->submit({task()}, submitted.reply());
  ASSERT_TRUE(submitted.get());
  const auto assigned = fetched.get();
  ASSERT_TRUE(assigned && *assigned);
  Awaited<ReportAnswer> done;
  core->report(worker, (*assigned)->id, Complete{.state = TaskState::kFinished, .commit = {}}, done.reply());
  EXPECT_TRUE(done.get());
  Awaited<void> beat;
  core->heartbeat(worker, beat.reply());
  EXPECT_TRUE(beat.get());
  core->stop();
  const auto statistics = core->statistics();
  EXPECT_EQ(statistics.tasks_submitted, 1U);
  EXPECT_EQ(statistics.tasks_claimed, 1U);
  EXPECT_EQ(statistics.tasks_archived, 1U);
  EXPECT_GE(statistics.batches, 3U);
  EXPECT_GT(statistics.batch_size_mean, 0.0);
}

TEST_F(CoreTest, SeveralReportsAreOneTransactionAndEachHasItsAnswer) {
  const auto core = make();
  ASSERT_TRUE(core->start());
  Awaited<std::vector<Result<Submitted>>> submitted;
  core->submit({task(), task(), task()}, submitted.reply());
  ASSERT_TRUE(submitted.get());
  std::vector<Core::Report> reports;
  std::vector<Awaited<ReportAnswer>> answers(4);
  for (std::size_t i = 0; i < 3; ++i) {
    const WorkerId worker = add_worker(*core);
    Awaited<std::optional<AssignedTask>> fetched;
    core->fetch({.worker = worker, .wait = seconds(20)}, fetched.reply());
    reports.push_back({.worker = worker,
                       .task = fetched.get().value()->id,
                       .op = Complete{.state = TaskState::kFinished, .commit = {}},
                       .reply = answers[i].reply()});
  }
  reports.push_back({.worker = reports[0].worker, .task = TaskId{999}, .op = Finish{}, .reply = answers[3].reply()});
  const std::uint64_t before = core->statistics().batches;
  core->report(std::move(reports));
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_TRUE(answers[i].get());
  EXPECT_EQ(answers[3].get().error().code(), ErrorCode::kNotFound);
  core->stop();
  EXPECT_EQ(core->statistics().batches, before + 1);
  EXPECT_EQ(core->statistics().tasks_archived, 3U);
}

TEST_F(CoreTest, AWaitingFetchEndsByItsTimeAndByWithdrawal) {
  const auto core = make();
  ASSERT_TRUE(core->start());
  Awaited<std::optional<AssignedTask>> timed;
  core->fetch({.worker = add_worker(*core), .wait = milliseconds(20)}, timed.reply());
  Awaited<std::optional<AssignedTask>> withdrawn;
  const auto ticket = core->fetch({.worker = add_worker(*core), .wait = seconds(60)}, withdrawn.reply());
  EXPECT_FALSE(timed.get().value());
  core->withdraw(ticket);
  EXPECT_FALSE(withdrawn.get().value());
}

TEST_F(CoreTest, UserCommandsBeyondTheBoundAreRefusedAndWorkersCommandsAreNot) {
  Settings settings;
  settings.max_queued_commands = 2;
  const auto core = make(settings);  // Not started: nothing leaves the queue.
  std::vector<Awaited<std::vector<Result<Submitted>>>> submitted(4);
  for (auto& each : submitted)
    core->submit({task()}, each.reply());
  Awaited<std::optional<AssignedTask>> fetched;
  core->fetch({.worker = WorkerId{1}, .wait = {}}, fetched.reply());
  EXPECT_EQ(submitted[2].get().error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(submitted[3].get().error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(core->statistics().refused_commands, 2U);
  ASSERT_TRUE(core->start());
  EXPECT_TRUE(submitted[0].get());
  EXPECT_TRUE(submitted[1].get());
  EXPECT_EQ(fetched.get().error().code(), ErrorCode::kWrongCredentials);
  Awaited<std::vector<Result<Submitted>>> later;
  core->submit({task()}, later.reply());
  EXPECT_TRUE(later.get()) << "there is room again";
}

TEST_F(CoreTest, WaitingCommandsAreBoundedInBytes) {
  Settings settings;
  settings.max_queued_bytes = 100'000;
  const auto core = make(settings);
  auto large = task();
  large.spec.append(90'000, ' ');
  Awaited<std::vector<Result<Submitted>>> first;
  Awaited<std::vector<Result<Submitted>>> second;
  core->submit({large}, first.reply());
  core->submit({large}, second.reply());
  EXPECT_EQ(second.get().error().code(), ErrorCode::kUnavailable);
}

TEST_F(CoreTest, EveryCommandIsAnsweredAlsoWhenTheCoreStopsOrNeverRan) {
  std::atomic<int> answers = 0;
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  {
    const auto core = make();
    ASSERT_TRUE(core->start());
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i)
          core->submit({task()}, [&](Result<std::vector<Result<Submitted>>>) { ++answers; });
      });
    core->stop();
    for (auto& thread : threads)
      thread.join();
  }
  EXPECT_EQ(answers, kThreads * kEach);
  {
    const auto idle = make();
    idle->submit({task()}, [&](Result<std::vector<Result<Submitted>>>) { ++answers; });
  }
  EXPECT_EQ(answers, kThreads * kEach + 1);
}

TEST_F(CoreTest, SeveralReportsToAStoppedCoreAreAllRefused) {
  const auto core = make();
  ASSERT_TRUE(core->start());
  core->stop();
  std::vector<Core::Report> reports;
  std::vector<Awaited<ReportAnswer>> answers(2);
  for (auto& answer : answers)
    reports.push_back({.worker = WorkerId{1}, .task = TaskId{1}, .op = Finish{}, .reply = answer.reply()});
  core->report(std::move(reports));
  for (auto& answer : answers)
    EXPECT_EQ(answer.get().error().code(), ErrorCode::kUnavailable);
}

TEST_F(CoreTest, ACancelListMayNameATaskTwice) {
  const auto core = make();
  ASSERT_TRUE(core->start());
  Awaited<std::vector<Result<Submitted>>> submitted;
  core->submit({task()}, submitted.reply());
  const TaskUuid uuid = submitted.get().value().at(0)->uuid;
  Awaited<std::vector<bool>> cancelled;
  core->cancel({uuid, TaskUuid{Uuid::make_v4()}, uuid}, false, cancelled.reply());
  EXPECT_EQ(cancelled.get().value(), (std::vector<bool>{true, false, true}));
  Awaited<std::vector<bool>> nothing;
  core->cancel({}, false, nothing.reply());
  EXPECT_TRUE(nothing.get().value().empty());
  Awaited<std::vector<Result<Submitted>>> none;
  core->submit({}, none.reply());
  EXPECT_TRUE(none.get().value().empty());
}

TEST_F(CoreTest, TheHandlerHearsOfATakeOver) {
  const auto core = make();
  std::promise<void> told;
  core->on_fenced([&] { told.set_value(); });
  ASSERT_TRUE(core->start());
  const auto usurper = database_->open_writer().value();
  Awaited<std::vector<Result<Submitted>>> submitted;
  core->submit({task()}, submitted.reply());
  EXPECT_FALSE(submitted.get());
  EXPECT_EQ(told.get_future().wait_for(seconds(20)), std::future_status::ready);
}

}  // namespace
}  // namespace mito::core
