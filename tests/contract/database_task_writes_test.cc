#include <algorithm>
#include <array>

#include "contract/database_place.h"

namespace mito::storage {
namespace {

class TaskWrites : public DatabaseTest {
 protected:
  WorkerId worker(std::uint64_t number = 1) {
    if (!owner_) owner_ = add_user("owner");
    return add_worker(number, owner_->first);
  }
  /// A Pending task that the given one has submitted.
  TaskId add_child(TaskId parent) {
    NewTask child = task_in(owner_->second, owner_->first);
    child.state = TaskState::kPending;
    child.upstream = task(parent).uuid;
    commit([&] {
      must(writer_->insert_tasks({&child, 1}));
      must(writer_->set_downstream(parent, child.uuid));
    });
    return child.id;
  }
  bool exists(TaskId id) { return must(reader_->task_by_id(id)).has_value(); }
};
MITO_ON_ALL_BACKENDS(TaskWrites);

TEST_P(TaskWrites, ClaimOfAReadyTaskAnswersWhatTheWorkerNeeds) {
  owner_ = add_user("owner");
  NewTask added = task_in(owner_->second, owner_->first);
  added.timeout_seconds = 99;
  added.spec = R"({"args":["echo","'ä\""]})";
  added.upstream = task_uuid(4711);
  insert({added});
  const WorkerId id = worker();
  const std::array claims{Claim{added.id, id, at(10)}, Claim{TaskId{999}, id, at(10)}, Claim{added.id, id, at(11)}};
  const auto claimed = commit([&] { return must(writer_->claim_tasks(claims)); });
  ASSERT_EQ(claimed.size(), 3U);
  ASSERT_TRUE(claimed[0].has_value());
  EXPECT_EQ(claimed[0]->uuid, added.uuid);
  EXPECT_EQ(claimed[0]->timeout_seconds, 99);
  EXPECT_EQ(claimed[0]->spec, added.spec);
  EXPECT_EQ(claimed[0]->upstream, added.upstream);
  EXPECT_FALSE(claimed[1].has_value());
  EXPECT_FALSE(claimed[2].has_value()) << "claimed twice";
  const Task stored = task(added.id);
  EXPECT_EQ(stored.state, TaskState::kRunning);
  EXPECT_EQ(stored.assigned_worker, id);
  EXPECT_EQ(stored.updated_at, at(10));
  EXPECT_EQ(stored.created_at, at(3));
}

TEST_P(TaskWrites, OnlyReadyTasksAreClaimed) {
  const WorkerId id = worker();
  const TaskId parent = add_running(id);
  const TaskId pending = add_child(parent);
  EXPECT_FALSE(claim(pending, id));
  ASSERT_TRUE(report(parent, id, TaskState::kCancelled));
  EXPECT_FALSE(claim(parent, id));
  ASSERT_TRUE(archive({.task = parent, .from = {TaskState::kCancelled}, .worker = id, .result = "{}", .now = at(9)}));
  EXPECT_FALSE(claim(parent, id));
}

TEST_P(TaskWrites, StatesAreReportedByTheHolderOnce) {
  const WorkerId id = worker(1);
  const WorkerId other = worker(2);
  const TaskId ready = add_task();
  const TaskId running = add_running(id);
  EXPECT_FALSE(report(ready, id, TaskState::kFinished));
  EXPECT_FALSE(report(running, other, TaskState::kFinished));
  EXPECT_FALSE(report(TaskId{99}, id, TaskState::kFinished));
  EXPECT_EQ(task(running).state, TaskState::kRunning);
  EXPECT_TRUE(report(running, id, TaskState::kCancelled, at(33)));
  EXPECT_EQ(task(running).state, TaskState::kCancelled);
  EXPECT_EQ(task(running).updated_at, at(33));
  EXPECT_EQ(task(running).assigned_worker, id);
  EXPECT_FALSE(report(running, id, TaskState::kFinished));
}

TEST_P(TaskWrites, ArchiveKeepsResultReporterAndDetail) {
  const WorkerId id = worker();
  const TaskId running = add_running(id);
  const std::string result = R"({"exit_status":256,"msg":"Exec'Timeout"})";
  ASSERT_TRUE(archive({.task = running,
                       .from = {TaskState::kRunning, TaskState::kFinished},
                       .worker = id,
                       .state = TaskState::kFinished,
                       .result = result,
                       .reporter = worker_uuid(1),
                       .detail = R"({"reason":"ä"})",
                       .now = at(44)}));
  const Task stored = task(running);
  EXPECT_TRUE(stored.archived);
  EXPECT_EQ(stored.state, TaskState::kFinished);
  EXPECT_EQ(stored.result, result);
  EXPECT_EQ(stored.reporter, worker_uuid(1));
  EXPECT_EQ(stored.updated_at, at(44));
  EXPECT_EQ(stored.assigned_worker, id);
  EXPECT_EQ(stored.detail, "");
  EXPECT_EQ(must(reader_->task_by_uuid(stored.uuid)).value().detail, R"({"reason":"ä"})");
}

TEST_P(TaskWrites, ArchiveHappensOnlyFromTheStatesAndTheHolderGiven) {
  const WorkerId id = worker(1);
  const WorkerId other = worker(2);
  const auto with = [](TaskId task, std::vector<TaskState> from, std::optional<WorkerId> holder) {
    return Archive{.task = task,
                   .from = std::move(from),
                   .worker = holder,
                   .state = TaskState::kCancelled,
                   .result = "{}",
                   .reporter = {},
                   .detail = {},
                   .now = at(50)};
  };
  const TaskId ready = add_task();
  const TaskId running = add_running(id);
  const TaskId pending = add_child(running);
  const std::array wrong{
      with(ready, {TaskState::kRunning}, std::nullopt),
      with(ready, {TaskState::kReady}, id),
      with(ready, {}, std::nullopt),
      with(running, {TaskState::kRunning}, other),
      with(running, {TaskState::kRunning}, std::nullopt),
      with(running, {TaskState::kFinished, TaskState::kReady}, id),
      with(pending, {TaskState::kReady}, std::nullopt),
      with(TaskId{999}, {TaskState::kReady}, std::nullopt),
  };
  const auto refused = commit([&] { return must(writer_->archive_tasks(wrong)); });
  EXPECT_EQ(std::ranges::count(refused, true), 0);
  EXPECT_FALSE(task(ready).archived);
  EXPECT_FALSE(task(running).archived);

  const std::array right{with(ready, {TaskState::kPending, TaskState::kReady}, std::nullopt),
                         with(pending, {TaskState::kPending, TaskState::kReady}, std::nullopt),
                         with(running, {TaskState::kFinished, TaskState::kRunning}, id),
                         with(ready, {TaskState::kPending, TaskState::kReady, TaskState::kCancelled}, std::nullopt)};
  EXPECT_EQ(commit([&] { return must(writer_->archive_tasks(right)); }), (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(task(ready).state, TaskState::kCancelled);
  EXPECT_EQ(task(ready).reporter, std::nullopt);
}

TEST_P(TaskWrites, EndOfOneAndClaimOfTheNextInOneTransaction) {
  const WorkerId id = worker();
  const TaskId first = add_running(id);
  const TaskId second = add_task();
  must(writer_->begin());
  const Archive end{.task = first, .from = {TaskState::kRunning}, .worker = id, .result = "{}", .now = at(60)};
  const Claim next{second, id, at(60)};
  EXPECT_EQ(must(writer_->archive_tasks({&end, 1})), std::vector<bool>{true});
  EXPECT_TRUE(must(writer_->claim_tasks({&next, 1})).at(0).has_value());
  EXPECT_EQ(must(writer_->worker_by_id(id)).value().assigned_task, second);
  EXPECT_EQ(must(reader_->worker_by_id(id)).value().assigned_task, first);
  must(writer_->commit());
  EXPECT_EQ(must(reader_->worker_by_id(id)).value().assigned_task, second);
}

TEST_P(TaskWrites, ReleaseReturnsATaskInAnyStateItsHolderCanHaveItIn) {
  const WorkerId id = worker();
  for (const TaskState state : {TaskState::kRunning, TaskState::kFinished, TaskState::kCancelled}) {
    const TaskId running = add_running(id);
    ASSERT_TRUE(state == TaskState::kRunning || report(running, id, state));
    EXPECT_FALSE(release({.task = running, .worker = WorkerId{999}, .now = at(70)}));
    EXPECT_TRUE(release({.task = running, .worker = id, .count_loss = true, .now = at(70)}));
    const Task stored = task(running);
    EXPECT_EQ(stored.state, TaskState::kReady);
    EXPECT_EQ(stored.assigned_worker, std::nullopt);
    EXPECT_EQ(stored.losses, 1);
    EXPECT_EQ(stored.updated_at, at(70));
    EXPECT_FALSE(release({.task = running, .worker = id, .now = at(71)}));
    ASSERT_TRUE(claim(running, id));
    EXPECT_TRUE(release({.task = running, .worker = id, .count_loss = false, .now = at(72)}));
    EXPECT_EQ(task(running).losses, 1);
  }
  EXPECT_FALSE(release({.task = TaskId{999}, .worker = id, .now = at(73)}));
}

TEST_P(TaskWrites, ARunningTaskInNobodysHandsIsReleasedAsSuch) {
  const auto [alice, group] = add_user("nobody");
  NewTask orphan = task_in(group, alice);
  orphan.state = TaskState::kRunning;
  insert({orphan});
  EXPECT_FALSE(release({.task = orphan.id, .worker = WorkerId{1}, .now = at(70)}));
  EXPECT_TRUE(release({.task = orphan.id, .worker = std::nullopt, .now = at(70)}));
  EXPECT_EQ(task(orphan.id).state, TaskState::kReady);
  EXPECT_FALSE(release({.task = orphan.id, .worker = std::nullopt, .now = at(70)})) << "nobody runs it";
  const WorkerId id = worker();
  const TaskId held = add_running(id);
  EXPECT_FALSE(release({.task = held, .worker = std::nullopt, .now = at(71)})) << "somebody holds it";
}

TEST_P(TaskWrites, ReleaseRemovesThePendingChild) {
  const WorkerId id = worker();
  const TaskId running = add_running(id);
  const TaskId child = add_child(running);
  EXPECT_FALSE(release({.task = running, .worker = WorkerId{99}, .now = at(70)}));
  EXPECT_TRUE(exists(child)) << "removed although nothing was released";
  EXPECT_TRUE(release({.task = running, .worker = id, .now = at(70)}));
  EXPECT_FALSE(exists(child));
  EXPECT_EQ(task(running).downstream, std::nullopt);
}

TEST_P(TaskWrites, ReleaseLeavesAChildThatIsNotPending) {
  const WorkerId id = worker();
  const TaskId running = add_running(id);
  const TaskId child = add_child(running);
  const std::array promoted{task(child).uuid};
  commit([&] { must(writer_->promote_tasks(promoted, at(5))); });
  EXPECT_TRUE(release({.task = running, .worker = id, .now = at(70)}));
  EXPECT_TRUE(exists(child));
}

TEST_P(TaskWrites, ArchivedTasksAreNotReleased) {
  const WorkerId id = worker();
  const TaskId running = add_running(id);
  const TaskId child = add_child(running);
  ASSERT_TRUE(archive({.task = running, .from = {TaskState::kRunning}, .worker = id, .result = "{}", .now = at(9)}));
  EXPECT_FALSE(release({.task = running, .worker = id, .now = at(70)}));
  EXPECT_TRUE(exists(child));
}

TEST_P(TaskWrites, PendingTasksArePromotedOnce) {
  const WorkerId id = worker();
  const TaskId running = add_running(id);
  const TaskId child = add_child(running);
  EXPECT_EQ(task(child).state, TaskState::kPending);
  EXPECT_EQ(task(child).upstream, task(running).uuid);
  EXPECT_EQ(task(running).downstream, task(child).uuid);
  const std::array uuids{task(child).uuid, task(running).uuid, task_uuid(999), task(child).uuid};
  EXPECT_EQ(commit([&] { return must(writer_->promote_tasks(uuids, at(80))); }),
            (std::vector<bool>{true, false, false, false}));
  EXPECT_EQ(task(child).state, TaskState::kReady);
  EXPECT_EQ(task(child).updated_at, at(80));
  EXPECT_TRUE(claim(child, WorkerId{7}));
}

TEST_P(TaskWrites, ChangesApplyToReadyTasksAndOnlyToWhatIsGiven) {
  const WorkerId id = worker();
  const TaskId ready = add_task();
  const TaskId running = add_running(id);
  const std::array first{
      TaskChange{.task = ready,
                 .tags = std::vector<std::string>{"a", "ü"},
                 .timeout_seconds = {},
                 .priority = {},
                 .spec = {},
                 .now = at(90)},
      TaskChange{.task = running, .tags = {}, .timeout_seconds = 5, .priority = {}, .spec = {}, .now = at(90)}};
  EXPECT_EQ(commit([&] { return must(writer_->change_tasks(first)); }), (std::vector<bool>{true, false}));
  Task stored = task(ready);
  EXPECT_EQ(stored.tags, (std::vector<std::string>{"a", "ü"}));
  EXPECT_EQ(stored.timeout_seconds, 60);
  EXPECT_EQ(stored.priority, 0);
  EXPECT_EQ(stored.spec, R"({"args":["true"]})");
  EXPECT_EQ(stored.updated_at, at(90));
  EXPECT_EQ(task(running).timeout_seconds, 60);

  const TaskChange second{.task = ready,
                          .tags = std::vector<std::string>{},
                          .timeout_seconds = 7,
                          .priority = -3,
                          .spec = R"({"args":[]})",
                          .now = at(91)};
  EXPECT_EQ(commit([&] { return must(writer_->change_tasks({&second, 1})); }), std::vector<bool>{true});
  stored = task(ready);
  EXPECT_TRUE(stored.tags.empty());
  EXPECT_EQ(stored.timeout_seconds, 7);
  EXPECT_EQ(stored.priority, -3);
  EXPECT_EQ(stored.spec, R"({"args":[]})");
}

TEST_P(TaskWrites, ANewSpecForgetsThatAWatchWasReached) {
  const TaskId ready = add_task();
  const std::array ids{ready, TaskId{999}};
  commit([&] { must(writer_->set_watch_reached(ids)); });
  EXPECT_TRUE(task(ready).watch_reached);
  TaskChange change{.task = ready, .tags = {}, .timeout_seconds = {}, .priority = 1, .spec = {}, .now = at(1)};
  commit([&] { must(writer_->change_tasks({&change, 1})); });
  EXPECT_TRUE(task(ready).watch_reached);
  change.spec = "{}";
  commit([&] { must(writer_->change_tasks({&change, 1})); });
  EXPECT_FALSE(task(ready).watch_reached);
}

TEST_P(TaskWrites, LabelsTimesAndDownstreamCanBeSetOnAnyTask) {
  const TaskId id = add_task();
  commit([&] {
    must(writer_->set_labels(id, {"x", "y'z"}, at(15)));
    must(writer_->set_labels(TaskId{999}, {"x"}, at(15)));
    must(writer_->set_downstream(id, task_uuid(5)));
    must(writer_->set_downstream(TaskId{999}, task_uuid(5)));
  });
  EXPECT_EQ(task(id).labels, (std::vector<std::string>{"x", "y'z"}));
  EXPECT_EQ(task(id).updated_at, at(15));
  EXPECT_EQ(task(id).downstream, task_uuid(5));
  commit([&] {
    must(writer_->touch_task(id, at(16)));
    must(writer_->touch_task(TaskId{999}, at(16)));
  });
  EXPECT_EQ(task(id).updated_at, at(16));
}

TEST_P(TaskWrites, EmptySpansAreFine) {
  commit([&] {
    must(writer_->insert_tasks({}));
    EXPECT_TRUE(must(writer_->claim_tasks({})).empty());
    EXPECT_TRUE(must(writer_->report_states({})).empty());
    EXPECT_TRUE(must(writer_->archive_tasks({})).empty());
    EXPECT_TRUE(must(writer_->release_tasks({})).empty());
    EXPECT_TRUE(must(writer_->promote_tasks({}, at(1))).empty());
    EXPECT_TRUE(must(writer_->change_tasks({})).empty());
    must(writer_->set_watch_reached({}));
  });
}

TEST_P(TaskWrites, LargeBatches) {
  constexpr std::size_t kTasks = 1'024;
  const WorkerId id = worker();
  std::vector<NewTask> tasks;
  for (std::size_t i = 0; i < kTasks; ++i)
    tasks.push_back(task_in(owner_->second, owner_->first));
  insert(tasks);
  std::vector<Claim> claims;
  std::vector<Archive> ends;
  for (std::size_t i = 0; i < kTasks; ++i) {
    // Every fourth claim meets a task that was claimed before.
    claims.push_back({tasks[i % 4 == 3 ? i - 1 : i].id, id, at(20)});
    ends.push_back({.task = tasks[i].id, .from = {TaskState::kRunning}, .worker = id, .result = "{}", .now = at(21)});
  }
  const auto claimed = commit([&] { return must(writer_->claim_tasks(claims)); });
  const auto ended = commit([&] { return must(writer_->archive_tasks(ends)); });
  ASSERT_EQ(claimed.size(), kTasks);
  ASSERT_EQ(ended.size(), kTasks);
  for (std::size_t i = 0; i < kTasks; ++i) {
    ASSERT_EQ(claimed[i].has_value(), i % 4 != 3) << i;
    ASSERT_TRUE(!claimed[i] || claimed[i]->uuid == tasks[i].uuid) << i;
    ASSERT_EQ(ended[i], i % 4 != 3) << i;
  }
  EXPECT_EQ(must(reader_->count_tasks({.group = owner_->second})), static_cast<std::int64_t>(kTasks));
  EXPECT_EQ(must(reader_->count_tasks({.group = owner_->second, .states = std::vector{TaskState::kReady}})),
            static_cast<std::int64_t>(kTasks / 4));
}

}  // namespace
}  // namespace mito::storage
