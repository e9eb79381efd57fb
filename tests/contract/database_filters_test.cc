#include "contract/database_place.h"

namespace mito::storage {
namespace {

/// Six tasks of two users: 1 Ready, 2 Running, 3 Pending, 4 finished (0), 5 finished (256), 6 cancelled (9).
class TaskFilters : public DatabaseTest {
 protected:
  TaskFilters() {
    const auto [alice, alices] = add_user("alice");
    const auto [bob, bobs] = add_user("bob");
    group_ = add_group("lab", alice);
    const WorkerId one = add_worker(1, alice);
    const WorkerId two = add_worker(2, alice);
    std::vector<NewTask> tasks;
    for (int i = 0; i < 6; ++i)
      tasks.push_back(task_in(group_, i % 2 == 0 ? alice : bob));
    tasks[0].tags = {"a"};
    tasks[1].tags = {"a", "b"};
    tasks[2].state = TaskState::kPending;
    tasks[3].tags = {"a", "b", "c"};
    tasks[3].labels = {"x", "y"};
    tasks[4].labels = {"x"};
    tasks[5].labels = {"\"", "%", "x\",\"y"};
    const std::int32_t priorities[] = {0, 10, -10, 5, 10, 100};
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].priority = priorities[i];
      tasks[i].number = static_cast<std::int64_t>(i) + 1;
    }
    insert(tasks);
    const auto end = [&](const NewTask& task, WorkerId worker, WorkerUuid reporter, TaskState state,
                         const std::string& result) {
      if (!claim(task.id, worker) || !archive({.task = task.id,
                                               .from = {TaskState::kRunning},
                                               .worker = worker,
                                               .state = state,
                                               .result = result,
                                               .reporter = reporter,
                                               .detail = {},
                                               .now = at(30)}))
        throw std::runtime_error("not archived");
    };
    if (!claim(tasks[1].id, two)) throw std::runtime_error("not claimed");
    end(tasks[3], one, worker_uuid(1), TaskState::kFinished, R"({"exit_status":0,"msg":null})");
    end(tasks[4], one, worker_uuid(1), TaskState::kFinished, R"({"exit_status":256,"msg":null})");
    end(tasks[5], one, worker_uuid(2), TaskState::kCancelled, R"({"exit_status":9,"msg":"ExecTimeout"})");
    insert({task_in(alices, alice)});
  }

  std::vector<std::int64_t> numbers(TaskFilter filter, Page page = {}) {
    filter.group = group_;
    std::vector<std::int64_t> answer;
    for (const Task& task : must(reader_->tasks(filter, page)))
      answer.push_back(task.number);
    return answer;
  }

  GroupId group_;
};
MITO_ON_ALL_BACKENDS(TaskFilters);

using Numbers = std::vector<std::int64_t>;
using Set = std::vector<std::string>;
using Operator = NumberFilter::Operator;

TEST_P(TaskFilters, AloneAndCombined) {
  const auto status = [](Operator op, std::int32_t value) {
    return TaskFilter{.exit_status = NumberFilter{op, value}};
  };
  const auto priority = [](Operator op, std::int32_t value) { return TaskFilter{.priority = NumberFilter{op, value}}; };
  struct Case {
    const char* name;
    TaskFilter filter;
    Numbers expected;
  };
  const Case cases[] = {
      {"none", {}, {1, 2, 3, 4, 5, 6}},
      {"creator", {.creators = Set{"alice"}}, {1, 3, 5}},
      {"any of the creators", {.creators = Set{"bob", "alice", "carol"}}, {1, 2, 3, 4, 5, 6}},
      {"unknown creator", {.creators = Set{"carol"}}, {}},
      {"tag", {.tags = Set{"a"}}, {1, 2, 4}},
      {"all of the tags", {.tags = Set{"b", "c"}}, {4}},
      {"unknown tag", {.tags = Set{"a", "z"}}, {}},
      {"part of a tag", {.tags = Set{""}}, {}},
      {"label", {.labels = Set{"x"}}, {4, 5}},
      {"all of the labels", {.labels = Set{"x", "y"}}, {4}},
      {"a label with quotes", {.labels = Set{"\"", "x\",\"y"}}, {6}},
      {"a wildcard is a text", {.labels = Set{"%"}}, {6}},
      {"state", {.states = std::vector{TaskState::kReady}}, {1}},
      {"any of the states", {.states = std::vector{TaskState::kFinished, TaskState::kPending}}, {3, 4, 5}},
      {"no state", {.states = std::vector<TaskState>{}}, {}},
      {"exit status =", status(Operator::kEqual, 0), {4}},
      {"exit status !=", status(Operator::kNotEqual, 0), {5, 6}},
      {"exit status <", status(Operator::kLess, 9), {4}},
      {"exit status <=", status(Operator::kLessEqual, 9), {4, 6}},
      {"exit status > compares numbers", status(Operator::kGreater, 9), {5}},
      {"exit status >=", status(Operator::kGreaterEqual, -1), {4, 5, 6}},
      {"priority =", priority(Operator::kEqual, 10), {2, 5}},
      {"priority !=", priority(Operator::kNotEqual, 10), {1, 3, 4, 6}},
      {"priority <", priority(Operator::kLess, 0), {3}},
      {"priority <=", priority(Operator::kLessEqual, 0), {1, 3}},
      {"priority >", priority(Operator::kGreater, 9), {2, 5, 6}},
      {"priority >=", priority(Operator::kGreaterEqual, 100), {6}},
      {"reporter", {.reporter = worker_uuid(1)}, {4, 5}},
      {"unknown reporter", {.reporter = worker_uuid(9)}, {}},
      {"everything",
       {.creators = Set{"bob"},
        .tags = Set{"a"},
        .labels = Set{"y"},
        .states = std::vector{TaskState::kFinished},
        .exit_status = NumberFilter{Operator::kEqual, 0},
        .priority = NumberFilter{Operator::kLess, 6},
        .reporter = worker_uuid(1)},
       {4}},
      {"one thing wrong",
       {.creators = Set{"bob"},
        .tags = Set{"a"},
        .labels = Set{"y"},
        .states = std::vector{TaskState::kFinished},
        .exit_status = NumberFilter{Operator::kEqual, 0},
        .priority = NumberFilter{Operator::kLess, 5},
        .reporter = worker_uuid(1)},
       {}},
      {"state and status that exclude each other",
       {.states = std::vector{TaskState::kReady}, .exit_status = NumberFilter{Operator::kEqual, 0}},
       {}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(numbers(c.filter), c.expected) << c.name;
    TaskFilter filter = c.filter;
    filter.group = group_;
    EXPECT_EQ(must(reader_->count_tasks(filter)), static_cast<std::int64_t>(c.expected.size())) << c.name;
  }
}

TEST_P(TaskFilters, ActiveOnesComeFirstEachOldestFirst) {
  // Archived before the older ones were: 3, whose number lies between those of active tasks.
  const TaskId third = must(reader_->tasks({.group = group_, .states = std::vector{TaskState::kPending}}, {})).at(0).id;
  ASSERT_TRUE(archive({.task = third,
                       .from = {TaskState::kPending},
                       .worker = {},
                       .state = TaskState::kCancelled,
                       .result = "{}",
                       .reporter = {},
                       .detail = {},
                       .now = at(40)}));
  EXPECT_EQ(numbers({}), (Numbers{1, 2, 3, 4, 5, 6}));
  const TaskId fourth =
      must(reader_->tasks({.group = group_, .states = std::vector{TaskState::kRunning}}, {})).at(0).id;
  ASSERT_TRUE(release({.task = fourth, .worker = WorkerId{2}, .now = at(41)}));
  EXPECT_EQ(numbers({.states = std::vector{TaskState::kReady, TaskState::kCancelled}}), (Numbers{1, 2, 3, 6}));
  ASSERT_TRUE(archive({.task = must(reader_->tasks({.group = group_}, {})).at(0).id,
                       .from = {TaskState::kReady},
                       .worker = {},
                       .state = TaskState::kCancelled,
                       .result = "{}",
                       .reporter = {},
                       .detail = {},
                       .now = at(42)}));
  EXPECT_EQ(numbers({}), (Numbers{2, 1, 3, 4, 5, 6}));
}

TEST_P(TaskFilters, PagesPutTogetherAreTheWholeList) {
  for (std::uint64_t size = 1; size <= 7; ++size) {
    Numbers all;
    for (std::uint64_t offset = 0; offset < 10; offset += size) {
      const Numbers page = numbers({}, {.limit = size, .offset = offset});
      EXPECT_LE(page.size(), size);
      all.insert(all.end(), page.begin(), page.end());
    }
    EXPECT_EQ(all, (Numbers{1, 2, 3, 4, 5, 6})) << "pages of " << size;
  }
  EXPECT_EQ(numbers({}, {.limit = std::nullopt, .offset = 2}), (Numbers{3, 4, 5, 6}));
  EXPECT_EQ(numbers({}, {.limit = std::nullopt, .offset = 4}), (Numbers{5, 6}));
  EXPECT_EQ(numbers({}, {.limit = 0, .offset = 0}), Numbers{});
  EXPECT_EQ(numbers({}, {.limit = ~0ULL, .offset = ~0ULL}), Numbers{});
  EXPECT_EQ(numbers({.reporter = worker_uuid(1)}, {.limit = 1, .offset = 1}), Numbers{5});
  EXPECT_EQ(numbers({.tags = Set{"a"}}, {.limit = 2, .offset = 1}), (Numbers{2, 4}));
}

}  // namespace
}  // namespace mito::storage
