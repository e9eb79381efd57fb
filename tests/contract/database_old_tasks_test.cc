#include <array>

#include "contract/database_place.h"

// What retention needs: which archived tasks are old, and their end.
namespace mito::storage {
namespace {

class OldTasks : public DatabaseTest {
 protected:
  TaskId archived(Timestamp when, std::string detail = {}) {
    const TaskId id = add_task();
    if (!archive({.task = id,
                  .from = {TaskState::kReady},
                  .state = TaskState::kCancelled,
                  .result = "{}",
                  .detail = std::move(detail),
                  .now = when}))
      throw std::runtime_error("not archived");
    return id;
  }
  std::vector<TaskId> old(TaskId after, std::size_t count, Timestamp before) {
    std::vector<TaskId> ids;
    for (const auto& task : must(reader_->old_tasks(after, count, before)).tasks)
      ids.push_back(task.id);
    return ids;
  }
  void remove(std::vector<TaskId> tasks) {
    commit([&] { must(writer_->delete_tasks(tasks)); });
  }
};
MITO_ON_ALL_BACKENDS(OldTasks);

TEST_P(OldTasks, AreArchivedAndLastChangedBefore) {
  const TaskId early = archived(at(100));
  const TaskId ready = add_task();
  const TaskId late = archived(at(200));
  EXPECT_EQ(old(TaskId{0}, 10, at(100)), std::vector<TaskId>{});
  EXPECT_EQ(old(TaskId{0}, 10, at(150)), std::vector<TaskId>{early});
  EXPECT_EQ(old(TaskId{0}, 10, at(300)), (std::vector<TaskId>{early, late}));
  EXPECT_EQ(old(early, 10, at(300)), std::vector<TaskId>{late});
  const auto found = must(reader_->old_tasks(ready, 10, at(300))).tasks;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].uuid, task(late).uuid);
  EXPECT_EQ(found[0].group, task(late).group);
}

TEST_P(OldTasks, AreFoundInStepsThatSayWhereTheyEnded) {
  const TaskId first = archived(at(1));
  const TaskId second = add_task();
  const TaskId third = archived(at(1));
  const auto one = must(reader_->old_tasks(TaskId{0}, 2, at(5)));
  EXPECT_EQ(one.tasks.size(), 1U);
  EXPECT_EQ(one.last, second);
  const auto two = must(reader_->old_tasks(*one.last, 2, at(5)));
  EXPECT_EQ(two.tasks.size(), 1U);
  EXPECT_EQ(two.last, third);
  EXPECT_EQ(must(reader_->old_tasks(*two.last, 2, at(5))).last, std::nullopt);
  EXPECT_LT(first, second);
}

TEST_P(OldTasks, GoWithTheirDetails) {
  const TaskId gone = archived(at(1), R"({"reason":"x"})");
  const TaskId kept = archived(at(1), R"({"reason":"y"})");
  const TaskUuid uuid = task(gone).uuid;
  remove({gone});
  EXPECT_FALSE(must(reader_->task_by_uuid(uuid)).has_value());
  EXPECT_EQ(must(reader_->task_by_uuid(task(kept).uuid)).value().detail, R"({"reason":"y"})");
  EXPECT_EQ(must(reader_->details_of(std::array{gone, kept})), (std::vector<std::string>{"", R"({"reason":"y"})"}));
}

TEST_P(OldTasks, OnlyArchivedTasksAreRemoved) {
  const TaskId ready = add_task();
  remove({ready, TaskId{9'999}});
  EXPECT_EQ(task(ready).state, TaskState::kReady);
}

TEST_P(OldTasks, ComeBackWhenTheTransactionIsRolledBack) {
  const TaskId id = archived(at(1), R"({"reason":"x"})");
  must(writer_->begin());
  must(writer_->delete_tasks(std::array{id}));
  writer_->rollback();
  EXPECT_EQ(must(reader_->details_of(std::array{id})), (std::vector<std::string>{R"({"reason":"x"})"}));
}

TEST_P(OldTasks, EveryObjectWithARowIsNamed) {
  const auto [user, group] = add_user("alice");
  commit([&] {
    must(writer_->upsert_artifact({.task = task_uuid(7), .content_type = ArtifactContentType::kStdLog, .size = 3}));
    must(writer_->upsert_attachment({.group = group, .key = "a/b", .size = 4}));
  });
  std::vector<Artifact> artifacts;
  std::vector<Attachment> attachments;
  must(reader_->each_artifact([&](Artifact&& row) { artifacts.push_back(row); }));
  must(reader_->each_attachment([&](Attachment&& row) { attachments.push_back(std::move(row)); }));
  ASSERT_EQ(artifacts.size(), 1U);
  EXPECT_EQ(artifacts[0].task, task_uuid(7));
  EXPECT_EQ(artifacts[0].content_type, ArtifactContentType::kStdLog);
  ASSERT_EQ(attachments.size(), 1U);
  EXPECT_EQ(attachments[0].key, "a/b");
  EXPECT_GT(user.value, 0);
}

}  // namespace
}  // namespace mito::storage
