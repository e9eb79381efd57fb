#include "core/scheduler.h"

#include <gtest/gtest.h>

namespace mito::core {
namespace {

using Tags = std::vector<std::string>;

class SchedulerTest : public testing::Test {
 protected:
  explicit SchedulerTest(TagMatching rule = TagMatching::kDocumented) : scheduler_(rule, undo_) {}
  ~SchedulerTest() override { EXPECT_EQ(scheduler_.audit(), ""); }

  std::optional<WorkerId> submit(std::int64_t id, const Tags& tags = {}, std::int32_t priority = 0,
                                 std::int64_t group = 1, Held held = Held::kNo) {
    return scheduler_.submit(requirements(id, tags, priority, group, held), now_);
  }
  static TaskRequirements requirements(std::int64_t id, const Tags& tags, std::int32_t priority = 0,
                                       std::int64_t group = 1, Held held = Held::kNo) {
    return TaskRequirements{.id = TaskId{id},
                            .group = GroupId{group},
                            .tags = {tags.data(), tags.size()},
                            .priority = priority,
                            .losses = 0,
                            .held = held,
                            .watch_reached = false};
  }
  WorkerId add(std::int64_t id, const Tags& tags = {}, std::vector<std::int64_t> groups = {1},
               bool holds_watches = false) {
    Scheduler::WorkerTraits traits;
    traits.tags = tags;
    traits.holds_watches = holds_watches;
    for (const auto group : groups)
      traits.groups.push_back(GroupId{group});
    scheduler_.add_worker(WorkerId{id}, traits);
    return WorkerId{id};
  }
  std::int64_t next(WorkerId worker) {
    const auto task = scheduler_.next(worker, now_);
    return task ? task->value : 0;
  }
  /// Fetches and finishes until nothing is left.
  std::vector<std::int64_t> take_all(WorkerId worker) {
    std::vector<std::int64_t> tasks;
    for (auto task = next(worker); task != 0; task = next(worker)) {
      tasks.push_back(task);
      scheduler_.finish(worker);
    }
    return tasks;
  }

  UndoList undo_;
  Scheduler scheduler_;
  Clock::Monotonic now_{};
};

TEST_F(SchedulerTest, PriorityFirstThenOrderOfSubmissionAcrossClassesAndGroups) {
  submit(1, {"a"});
  submit(2, {}, 0, 2);
  submit(3, {"b"}, 5);
  submit(4, {"a", "b"}, 5, 2);
  submit(5, {}, -1);
  submit(6, {"a"});
  EXPECT_EQ(take_all(add(1, {"a", "b"}, {1, 2})), (std::vector<std::int64_t>{3, 4, 1, 2, 6, 5}));
}

TEST_F(SchedulerTest, OtherGroupsTasksAreNotSeen) {
  submit(1, {}, 0, 2);
  EXPECT_EQ(next(add(1)), 0);
  EXPECT_EQ(next(add(2, {}, {})), 0);
  EXPECT_EQ(next(add(3, {}, {2})), 1);
}

TEST_F(SchedulerTest, AReleasedTaskTakesItsOldPlace) {
  for (int id = 1; id <= 3; ++id)
    submit(id);
  const WorkerId worker = add(1);
  EXPECT_EQ(next(worker), 1);
  scheduler_.release(worker, 1, now_);
  EXPECT_EQ(scheduler_.losses(TaskId{1}), 1);
  EXPECT_EQ(take_all(worker), (std::vector<std::int64_t>{1, 2, 3}));
}

TEST_F(SchedulerTest, TheWorkerThatWaitsLongestGetsTheTask) {
  const WorkerId first = add(1, {"a"});
  const WorkerId second = add(2, {"a", "b"});
  const WorkerId third = add(3, {"b"});
  for (const WorkerId worker : {second, first, third})
    scheduler_.start_waiting(worker);
  EXPECT_EQ(submit(1, {"b"}), second);
  EXPECT_EQ(submit(2, {"b"}), third);
  EXPECT_EQ(submit(3, {"b"}), std::nullopt);
  EXPECT_EQ(submit(4), first);
}

TEST_F(SchedulerTest, HeldTasksGoOnlyToWorkersThatDoNotKnowWatches) {
  const WorkerId aware = add(1, {}, {1}, true);
  const WorkerId unaware = add(2);
  submit(1, {}, 9, 1, Held::kYes);
  submit(2);
  EXPECT_EQ(next(aware), 2);
  EXPECT_EQ(next(unaware), 1);
  scheduler_.finish(aware);
  submit(3, {}, 0, 1, Held::kYes);
  scheduler_.start_waiting(aware);
  EXPECT_EQ(scheduler_.end_holding(TaskId{3}, now_), aware);
  EXPECT_TRUE(scheduler_.watch_reached(TaskId{3}));
}

TEST_F(SchedulerTest, ALeavingWorkerGetsNothingMore) {
  const WorkerId worker = add(1);
  submit(1);
  submit(2);
  EXPECT_EQ(next(worker), 1);
  scheduler_.set_leaving(worker);
  scheduler_.finish(worker);
  EXPECT_EQ(next(worker), 0);
  scheduler_.start_waiting(worker);
  EXPECT_FALSE(scheduler_.worker(worker)->waiting_since);
}

TEST_F(SchedulerTest, WhatNobodyUsesIsForgotten) {
  for (int id = 1; id <= 100; ++id)
    submit(id, {"tag" + std::to_string(id)});
  const WorkerId worker = add(1, {"w"});
  undo_.clear();
  scheduler_.collect();
  EXPECT_EQ(scheduler_.tags(), 101U);
  for (int id = 1; id <= 100; ++id)
    scheduler_.cancel(TaskId{id}, TaskUuid{});
  scheduler_.remove_worker(worker);
  undo_.clear();
  scheduler_.collect();
  EXPECT_EQ(scheduler_.tags(), 0U);
  EXPECT_EQ(scheduler_.tasks(), 0U);
}

TEST_F(SchedulerTest, ChildrenWaitForTheirPromotionAndGoWithALostParent) {
  const WorkerId worker = add(1);
  submit(1);
  EXPECT_EQ(next(worker), 1);
  const TaskUuid child{Uuid::make_v4()};
  scheduler_.add_pending(requirements(2, {}), child);
  scheduler_.set_downstream(worker, child);
  EXPECT_EQ(scheduler_.pending(child), TaskId{2});
  EXPECT_EQ(next(add(2)), 0);
  scheduler_.release(worker, 0, now_);
  EXPECT_FALSE(scheduler_.pending(child));
  EXPECT_EQ(scheduler_.tasks(), 1U);
}

TEST_F(SchedulerTest, TheClockOfExecutionStartsAtExecPending) {
  const WorkerId worker = add(1);
  submit(1);
  next(worker);
  scheduler_.set_exec_state(worker, TaskExecState::kFetchResource, now_ + std::chrono::seconds(1));
  EXPECT_FALSE(scheduler_.worker(worker)->assignment->execution_began);
  scheduler_.set_exec_state(worker, TaskExecState::kExecPending, now_ + std::chrono::seconds(2));
  scheduler_.set_exec_state(worker, TaskExecState::kExecSpawned, now_ + std::chrono::seconds(3));
  EXPECT_EQ(scheduler_.worker(worker)->assignment->execution_began, now_ + std::chrono::seconds(2));
}

TEST_F(SchedulerTest, UndoRestoresEveryStep) {
  const WorkerId worker = add(1, {"a"});
  const WorkerId waiter = add(2, {"b"});
  scheduler_.start_waiting(waiter);
  submit(1, {"a"}, 1);
  submit(2, {"a"});
  EXPECT_EQ(next(worker), 1);
  undo_.clear();

  const auto mark = undo_.mark();
  const TaskUuid child{Uuid::make_v4()};
  scheduler_.set_task_state(worker, TaskState::kFinished);
  scheduler_.add_pending(requirements(3, {"c"}), child);
  scheduler_.set_downstream(worker, child);
  scheduler_.finish(worker);
  scheduler_.promote(child, now_);
  EXPECT_EQ(next(worker), 2);
  const Tags b{"b"};
  EXPECT_EQ(submit(4, b), waiter);
  EXPECT_EQ(scheduler_.release(worker, 1, now_), std::nullopt);
  RequirementsChange change;
  change.tags = std::span<const std::string>(b);
  change.priority = 8;
  EXPECT_EQ(scheduler_.change(TaskId{2}, change, now_), std::nullopt);
  scheduler_.cancel(TaskId{3}, child);
  scheduler_.set_worker_tags(worker, b);
  scheduler_.set_worker_groups(worker, {GroupId{7}});
  scheduler_.set_leaving(worker);
  scheduler_.remove_worker(worker);
  add(3);
  EXPECT_EQ(scheduler_.audit(), "");
  undo_.undo_to(mark);

  EXPECT_EQ(scheduler_.audit(), "");
  scheduler_.collect();
  EXPECT_EQ(scheduler_.tasks(), 2U);
  EXPECT_EQ(scheduler_.workers(), 2U);
  EXPECT_EQ(scheduler_.tags(), 2U);
  EXPECT_EQ(scheduler_.worker(worker)->assignment->task, TaskId{1});
  EXPECT_EQ(scheduler_.worker(worker)->assignment->state, TaskState::kRunning);
  EXPECT_FALSE(scheduler_.worker(worker)->assignment->downstream);
  EXPECT_FALSE(scheduler_.worker(worker)->leaving);
  EXPECT_EQ(scheduler_.losses(TaskId{2}), 0);
  EXPECT_TRUE(scheduler_.worker(waiter)->waiting_since);
  EXPECT_EQ(submit(5, b), waiter);
  scheduler_.finish(worker);
  EXPECT_EQ(next(worker), 2);
}

struct TagCase {
  std::string name;
  TagMatching rule;
  Tags worker;
  Tags task;
  bool fits;
};

class TagRules : public testing::TestWithParam<TagCase> {};

// Both ways in which a worker and a task meet must agree with the rule.
TEST_P(TagRules, HoldForFetchesAndForSubmissions) {
  const TagCase& param = GetParam();
  EXPECT_EQ(tags_match(param.rule, param.worker, param.task), param.fits);
  for (const bool waits : {false, true}) {
    UndoList undo;
    Scheduler scheduler(param.rule, undo);
    Scheduler::WorkerTraits traits;
    traits.tags = param.worker;
    traits.groups = {GroupId{1}};
    scheduler.add_worker(WorkerId{1}, traits);
    TaskRequirements task;
    task.id = TaskId{1};
    task.group = GroupId{1};
    task.tags = param.task;
    if (waits) {
      scheduler.start_waiting(WorkerId{1});
      EXPECT_EQ(scheduler.submit(task, {}).has_value(), param.fits);
    } else {
      scheduler.submit(task, {});
      EXPECT_EQ(scheduler.next(WorkerId{1}, {}).has_value(), param.fits);
    }
    EXPECT_EQ(scheduler.audit(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Table, TagRules,
                         testing::Values(TagCase{"DocumentedBothEmpty", TagMatching::kDocumented, {}, {}, true},
                                         TagCase{"DocumentedWorkerEmpty", TagMatching::kDocumented, {}, {"a"}, true},
                                         TagCase{"DocumentedTaskEmpty", TagMatching::kDocumented, {"a"}, {}, true},
                                         TagCase{"DocumentedEqual", TagMatching::kDocumented, {"a"}, {"a"}, true},
                                         TagCase{"DocumentedMore", TagMatching::kDocumented, {"a", "b"}, {"b"}, true},
                                         TagCase{"DocumentedLess", TagMatching::kDocumented, {"b"}, {"a", "b"}, false},
                                         TagCase{"DocumentedOther", TagMatching::kDocumented, {"a"}, {"b"}, false},
                                         TagCase{"StrictBothEmpty", TagMatching::kStrict, {}, {}, true},
                                         TagCase{"StrictWorkerEmpty", TagMatching::kStrict, {}, {"a"}, false},
                                         TagCase{"StrictTaskEmpty", TagMatching::kStrict, {"a"}, {}, true},
                                         TagCase{"StrictMore", TagMatching::kStrict, {"a", "b"}, {"b"}, true},
                                         TagCase{"StrictLess", TagMatching::kStrict, {"b"}, {"a", "b"}, false},
                                         TagCase{"SubsetBothEmpty", TagMatching::kSubset, {}, {}, true},
                                         TagCase{"SubsetWorkerEmpty", TagMatching::kSubset, {}, {"a"}, true},
                                         TagCase{"SubsetTaskEmpty", TagMatching::kSubset, {"a"}, {}, false},
                                         TagCase{"SubsetLess", TagMatching::kSubset, {"b"}, {"a", "b"}, true},
                                         TagCase{"SubsetMore", TagMatching::kSubset, {"a", "b"}, {"b"}, false}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace mito::core
