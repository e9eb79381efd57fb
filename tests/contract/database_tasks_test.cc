#include <algorithm>
#include <array>
#include <set>

#include "contract/database_place.h"

namespace mito::storage {
namespace {

class Tasks : public DatabaseTest {};
MITO_ON_ALL_BACKENDS(Tasks);

TEST_P(Tasks, KeepWhatTheyWereSubmittedWith) {
  const auto [user, group] = add_user("alice");
  NewTask added;
  added.id = must(writer_->reserve_task_ids(1));
  added.uuid = task_uuid(77);
  added.creator = user;
  added.group = group;
  added.number = 12;
  added.tags = {"gpu", "zürich"};
  added.labels = {"a\"b", "c\\d", "e\nf", "日本"};
  added.now = at(3) + std::chrono::microseconds(123'456);
  added.state = TaskState::kPending;
  added.timeout_seconds = 1'000'000'000'000;
  added.priority = -2'147'483'648;
  added.spec = R"({"args":["echo","it's \"ü\""],"envs":{}})";
  added.upstream = task_uuid(5);
  insert({added});

  const Task stored = must(reader_->task_by_uuid(added.uuid)).value();
  EXPECT_EQ(stored.id, added.id);
  EXPECT_EQ(stored.uuid, added.uuid);
  EXPECT_EQ(stored.creator, user);
  EXPECT_EQ(stored.group, group);
  EXPECT_EQ(stored.number, 12);
  EXPECT_EQ(stored.tags, added.tags);
  EXPECT_EQ(stored.labels, added.labels);
  EXPECT_EQ(stored.created_at, added.now);
  EXPECT_EQ(stored.updated_at, added.now);
  EXPECT_EQ(stored.state, TaskState::kPending);
  EXPECT_FALSE(stored.archived);
  EXPECT_EQ(stored.assigned_worker, std::nullopt);
  EXPECT_EQ(stored.timeout_seconds, added.timeout_seconds);
  EXPECT_EQ(stored.priority, added.priority);
  EXPECT_EQ(stored.spec, added.spec);
  EXPECT_EQ(stored.result, std::nullopt);
  EXPECT_EQ(stored.upstream, added.upstream);
  EXPECT_EQ(stored.downstream, std::nullopt);
  EXPECT_EQ(stored.reporter, std::nullopt);
  EXPECT_EQ(stored.losses, 0);
  EXPECT_FALSE(stored.watch_reached);
  EXPECT_EQ(stored.detail, "");
  EXPECT_EQ(must(reader_->task_by_id(added.id)).value().uuid, added.uuid);
}

TEST_P(Tasks, CanBeStoredAsClaimed) {
  const auto [user, group] = add_user("alice");
  const WorkerId worker = add_worker(1, user);
  NewTask added = task_in(group, user);
  added.state = TaskState::kRunning;
  added.assigned_worker = worker;
  insert({added});
  EXPECT_EQ(task(added.id).assigned_worker, worker);
  EXPECT_EQ(must(reader_->worker_by_id(worker)).value().assigned_task, added.id);
  EXPECT_FALSE(claim(added.id, worker));
}

TEST_P(Tasks, UnknownOnesAreNothing) {
  EXPECT_FALSE(must(reader_->task_by_id(TaskId{1})).has_value());
  EXPECT_FALSE(must(reader_->task_by_uuid(task_uuid(1))).has_value());
  EXPECT_TRUE(must(reader_->tasks({.group = GroupId{1}}, {})).empty());
  EXPECT_EQ(must(reader_->count_tasks({.group = GroupId{1}})), 0);
}

TEST_P(Tasks, ByUuidAreThoseThatExist) {
  const TaskId one = add_task();
  const TaskId two = add_task();
  const std::array asked{task(two).uuid, task_uuid(999), task(one).uuid};
  const auto found = must(reader_->tasks_by_uuid(asked));
  std::set<TaskId> ids;
  for (const Task& found_task : found)
    ids.insert(found_task.id);
  EXPECT_EQ(ids, (std::set{one, two}));
  EXPECT_EQ(found.size(), 2U);
  EXPECT_TRUE(must(reader_->tasks_by_uuid({})).empty());
}

TEST_P(Tasks, AUuidIdOrNumberThatExistsFailsTheCall) {
  const auto [user, group] = add_user("alice");
  const NewTask first = task_in(group, user);
  insert({first});
  NewTask same_uuid = task_in(group, user);
  same_uuid.uuid = first.uuid;
  NewTask same_number = task_in(group, user);
  same_number.number = first.number;
  NewTask same_id = task_in(group, user);
  same_id.id = first.id;
  for (const NewTask& wrong : {same_uuid, same_number, same_id}) {
    const std::array both{task_in(group, user), wrong};
    must(writer_->begin());
    EXPECT_EQ(code_of(writer_->insert_tasks(both)), ErrorCode::kInternal);
    EXPECT_EQ(code_of(writer_->commit()), ErrorCode::kInternal) << "part of a failed call was committed";
    writer_->rollback();
  }
  EXPECT_EQ(must(reader_->count_tasks({.group = group})), 1);
}

TEST_P(Tasks, NumbersStayTakenWhenArchived) {
  const auto [user, group] = add_user("alice");
  const WorkerId worker = add_worker(1, user);
  const NewTask first = task_in(group, user);
  insert({first});
  ASSERT_TRUE(claim(first.id, worker));
  ASSERT_TRUE(
      archive({.task = first.id, .from = {TaskState::kRunning}, .worker = worker, .result = "{}", .now = at(9)}));
  NewTask again = task_in(group, user);
  again.number = first.number;
  must(writer_->begin());
  if (const auto inserted = writer_->insert_tasks({&again, 1}); inserted) {
    // Active and archived tasks are two tables: it fails at the latest when it would go into the archive.
    const Archive gone{.task = again.id, .from = {TaskState::kReady}, .result = "{}", .now = at(9)};
    EXPECT_EQ(code_of(writer_->archive_tasks({&gone, 1})), ErrorCode::kInternal);
  } else {
    EXPECT_EQ(inserted.error().code(), ErrorCode::kInternal);
  }
  writer_->rollback();
  again = task_in(add_group("other", user), user);
  again.number = first.number;
  insert({again});
}

TEST_P(Tasks, IdsAreNeverUsedTwice) {
  const TaskId first = must(writer_->reserve_task_ids(10));
  const TaskId second = must(writer_->reserve_task_ids(1));
  EXPECT_GE(second.value, first.value + 10);
  must(writer_->begin());
  const TaskId third = must(writer_->reserve_task_ids(5));
  EXPECT_GT(third, second);
  writer_->rollback();
  EXPECT_GE(must(writer_->reserve_task_ids(1)).value, third.value + 5);
  EXPECT_GE(first.value, 1);
}

TEST_P(Tasks, IdsOfRemovedTasksAreNotUsedByTheNextWriter) {
  const auto user = add_user("owner");
  owner_ = user;
  const WorkerId worker = add_worker(1, user.first);
  const TaskId parent = add_running(worker);
  NewTask child = task_in(user.second, user.first);
  child.state = TaskState::kPending;
  commit([&] {
    must(writer_->insert_tasks({&child, 1}));
    must(writer_->set_downstream(parent, child.uuid));
  });
  ASSERT_TRUE(release({.task = parent, .worker = worker, .now = at(5)}));
  writer_ = must(database_->open_writer());
  EXPECT_GT(must(writer_->reserve_task_ids(1)), child.id);
}

}  // namespace
}  // namespace mito::storage
