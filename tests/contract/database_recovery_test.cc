#include <algorithm>

#include "contract/database_place.h"

namespace mito::storage {
namespace {

class Recovery : public DatabaseTest {
 protected:
  std::vector<Queries::ActiveTask> active() {
    std::vector<Queries::ActiveTask> answer;
    must(reader_->each_active_task([&](Queries::ActiveTask&& task) { answer.push_back(std::move(task)); }));
    return answer;
  }
};
MITO_ON_ALL_BACKENDS(Recovery);

TEST_P(Recovery, OfAnEmptyDatabaseCallsNobody) {
  int calls = 0;
  must(reader_->each_user([&](User&&) { ++calls; }));
  must(reader_->each_group([&](Group&&) { ++calls; }));
  must(reader_->each_membership([&](Membership&&) { ++calls; }));
  must(reader_->each_worker([&](Worker&&) { ++calls; }));
  must(reader_->each_worker_access([&](WorkerAccess&&) { ++calls; }));
  must(reader_->each_active_task([&](Queries::ActiveTask&&) { ++calls; }));
  EXPECT_EQ(calls, 0);
}

TEST_P(Recovery, StreamsUsersGroupsAndWorkers) {
  const auto [alice, alices] = add_user("alice");
  const auto [bob, bobs] = add_user("bob");
  const WorkerId one = add_worker(1, bob, {{alices, Role::kWrite}, {bobs, Role::kAdmin}}, {"t"}, {"l"});
  add_worker(2, bob);
  owner_ = {alice, alices};
  const TaskId task = add_running(one);

  std::vector<std::string> users;
  must(reader_->each_user([&](User&& user) { users.push_back(user.username); }));
  std::ranges::sort(users);
  EXPECT_EQ(users, (std::vector<std::string>{"alice", "bob"}));
  std::vector<std::string> groups;
  must(reader_->each_group([&](Group&& group) { groups.push_back(group.name); }));
  std::ranges::sort(groups);
  EXPECT_EQ(groups, (std::vector<std::string>{"alice", "bob"}));
  int memberships = 0;
  must(reader_->each_membership([&](Membership&& row) {
    ++memberships;
    EXPECT_EQ(row.group, row.user == alice ? alices : bobs);
    EXPECT_EQ(row.role, Role::kAdmin);
  }));
  EXPECT_EQ(memberships, 2);
  std::vector<Worker> workers;
  must(reader_->each_worker([&](Worker&& worker) { workers.push_back(std::move(worker)); }));
  ASSERT_EQ(workers.size(), 2U);
  const Worker& first = workers[workers[0].id == one ? 0 : 1];
  EXPECT_EQ(first.uuid, worker_uuid(1));
  EXPECT_EQ(first.tags, std::vector<std::string>{"t"});
  EXPECT_EQ(first.assigned_task, task);
  int access = 0;
  must(reader_->each_worker_access([&](WorkerAccess&& row) {
    ++access;
    EXPECT_EQ(row.worker, one);
    EXPECT_EQ(row.role, row.group == alices ? Role::kWrite : Role::kAdmin);
  }));
  EXPECT_EQ(access, 2);
}

TEST_P(Recovery, StreamsActiveTasksById) {
  const auto [alice, group] = add_user("alice");
  const GroupId lab = add_group("lab", alice);
  const WorkerId worker = add_worker(1, alice);
  // Numbers run against the ids and groups alternate: the order must be that of the ids.
  std::vector<NewTask> tasks;
  for (int i = 0; i < 6; ++i) {
    tasks.push_back(task_in(i % 2 == 0 ? lab : group, alice));
    tasks.back().number = 100 - i;
  }
  tasks[1].tags = {"a", "b"};
  tasks[1].priority = 7;
  tasks[1].timeout_seconds = 33;
  tasks[4].state = TaskState::kPending;
  insert({tasks.rbegin(), tasks.rend()});
  for (const int i : {0, 2, 3})
    ASSERT_TRUE(claim(tasks[static_cast<std::size_t>(i)].id, worker, at(10)));
  ASSERT_TRUE(report(tasks[2].id, worker, TaskState::kFinished, at(11)));
  ASSERT_TRUE(
      archive({.task = tasks[0].id, .from = {TaskState::kRunning}, .worker = worker, .result = "{}", .now = at(12)}));
  ASSERT_TRUE(release({.task = tasks[3].id, .worker = worker, .count_loss = true, .now = at(13)}));
  commit([&] { must(writer_->set_downstream(tasks[2].id, tasks[4].uuid)); });

  const auto found = active();
  ASSERT_EQ(found.size(), 5U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].id, tasks[i + 1].id);
    EXPECT_EQ(found[i].uuid, tasks[i + 1].uuid);
    EXPECT_EQ(found[i].creator, alice);
    EXPECT_EQ(found[i].group, tasks[i + 1].group);
    EXPECT_FALSE(found[i].watch.has_value());
  }
  EXPECT_EQ(found[0].tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(found[0].priority, 7);
  EXPECT_EQ(found[0].timeout_seconds, 33);
  EXPECT_EQ(found[0].state, TaskState::kReady);
  EXPECT_EQ(found[0].updated_at, at(3));
  EXPECT_EQ(found[1].state, TaskState::kFinished);
  EXPECT_EQ(found[1].assigned_worker, worker);
  EXPECT_EQ(found[1].updated_at, at(11));
  EXPECT_EQ(found[1].downstream, tasks[4].uuid);
  EXPECT_EQ(found[2].state, TaskState::kReady);
  EXPECT_EQ(found[2].assigned_worker, std::nullopt);
  EXPECT_EQ(found[2].losses, 1);
  EXPECT_EQ(found[3].state, TaskState::kPending);
}

TEST_P(Recovery, ReadsAWatchUntilItIsReached) {
  const auto [alice, group] = add_user("alice");
  const TaskUuid target = task_uuid(4711);
  const std::string spec = R"({"args":["true"],"watch":[")" + target.to_string() + R"(","ExecFinished"]})";
  std::vector<NewTask> tasks{task_in(group, alice), task_in(group, alice), task_in(group, alice)};
  for (NewTask& task : tasks)
    task.spec = spec;
  tasks[0].has_watch = tasks[1].has_watch = true;
  insert(tasks);
  const TaskId reached[] = {tasks[1].id};
  commit([&] { must(writer_->set_watch_reached(reached)); });

  auto found = active();
  ASSERT_EQ(found.size(), 3U);
  ASSERT_TRUE(found[0].watch.has_value());
  EXPECT_EQ(found[0].watch->task, target);
  EXPECT_EQ(found[0].watch->state, TaskExecState::kExecFinished);
  EXPECT_FALSE(found[0].watch_reached);
  EXPECT_FALSE(found[1].watch.has_value());
  EXPECT_TRUE(found[1].watch_reached);
  EXPECT_FALSE(found[2].watch.has_value());
  EXPECT_FALSE(found[2].watch_reached);

  TaskChange change{.task = tasks[2].id,
                    .tags = {},
                    .timeout_seconds = {},
                    .priority = {},
                    .spec = spec,
                    .has_watch = true,
                    .now = at(5)};
  commit([&] { must(writer_->change_tasks({&change, 1})); });
  EXPECT_TRUE(active()[2].watch.has_value());
  change.spec = R"({"args":[],"watch":null})";
  change.has_watch = false;
  commit([&] { must(writer_->change_tasks({&change, 1})); });
  EXPECT_FALSE(active()[2].watch.has_value());
}

TEST_P(Recovery, ASpecThatIsNotUnderstoodIsAnErrorThatNamesTheTask) {
  const auto [alice, group] = add_user("alice");
  NewTask task = task_in(group, alice);
  task.has_watch = true;
  task.spec = R"({"watch":["nonsense"]})";
  insert({task});
  const auto answer = reader_->each_active_task([](Queries::ActiveTask&&) {});
  ASSERT_EQ(code_of(answer), ErrorCode::kInternal);
  EXPECT_NE(answer.error().internal().find(task.uuid.to_string()), std::string::npos) << answer.error().internal();
}

}  // namespace
}  // namespace mito::storage
