#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "core/scheduler.h"

// The scheduler against a model that keeps plain lists and looks at everything each time.
namespace mito::core {
namespace {

struct ModelTask {
  std::int64_t group = 0;
  std::vector<std::string> tags;
  std::int32_t priority = 0;
  bool held = false;
  int losses = 0;
  bool pending = false;
  std::optional<std::int64_t> worker;

  [[nodiscard]] bool queued() const { return !pending && !worker; }
};
struct ModelWorker {
  std::vector<std::string> tags;
  std::set<std::int64_t> groups;
  bool holds_watches = false;
  bool leaving = false;
  std::optional<std::int64_t> task;
  std::optional<std::int64_t> child;  ///< Of the task it holds; Pending.
  std::optional<std::int64_t> waiting_since;
};

class Model {
 public:
  explicit Model(TagMatching rule) : rule_(rule) {}

  bool fits(const ModelWorker& worker, const ModelTask& task) const {
    return worker.groups.contains(task.group) && tags_match(rule_, worker.tags, task.tags) &&
           !(task.held && worker.holds_watches);
  }
  std::optional<std::int64_t> next(std::int64_t id) {
    ModelWorker& worker = workers.at(id);
    if (worker.task || worker.leaving) return std::nullopt;
    std::optional<std::int64_t> best;
    for (const auto& [task, entry] : tasks)
      if (entry.queued() && fits(worker, entry) && (!best || entry.priority > tasks.at(*best).priority)) best = task;
    if (best) assign(id, *best);
    return best;
  }
  std::optional<std::int64_t> offer(std::int64_t id) {
    std::optional<std::int64_t> longest;
    for (const auto& [worker, entry] : workers)
      if (entry.waiting_since && fits(entry, tasks.at(id)) &&
          (!longest || *entry.waiting_since < *workers.at(*longest).waiting_since))
        longest = worker;
    if (longest) assign(*longest, id);
    return longest;
  }
  void assign(std::int64_t worker, std::int64_t task) {
    workers.at(worker).task = task;
    workers.at(worker).waiting_since.reset();
    tasks.at(task).worker = worker;
  }

  /// The worker holds nothing any more; a child that was not promoted is gone.
  std::int64_t take_task(std::int64_t id) {
    ModelWorker& worker = workers.at(id);
    if (worker.child) tasks.erase(*worker.child);
    worker.child.reset();
    const std::int64_t task = *worker.task;
    worker.task.reset();
    return task;
  }

  std::map<std::int64_t, ModelTask> tasks;
  std::map<std::int64_t, ModelWorker> workers;
  std::int64_t arrivals = 0;

 private:
  TagMatching rule_;
};

std::vector<std::string> any_tags() {
  const unsigned chosen = *rc::gen::inRange(0U, 16U);
  std::vector<std::string> tags;
  for (const char tag : {'a', 'b', 'c', 'd'})
    if ((chosen >> static_cast<unsigned>(tag - 'a') & 1U) != 0 && tags.size() < 3) tags.emplace_back(1, tag);
  return tags;
}

template <class Map>
std::optional<std::int64_t> any_key(const Map& map) {
  if (map.empty()) return std::nullopt;
  return std::next(map.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(map.size())))->first;
}

/// Runs the same steps on both and compares every answer.
class Comparison {
 public:
  explicit Comparison(TagMatching rule) : scheduler_(rule, undo_), model_(rule) {}

  void step() {
    const auto before_scheduler = undo_.mark();
    const Model before = model_;
    act();
    const std::string audit = scheduler_.audit();
    RC_ASSERT(audit.empty());
    compare();
    if (*rc::gen::inRange(0, 4) == 0) {
      undo_.undo_to(before_scheduler);
      model_ = before;
      const std::string undone = scheduler_.audit();
      RC_ASSERT(undone.empty());
      compare();
    } else if (*rc::gen::inRange(0, 3) == 0) {
      undo_.clear();
      scheduler_.collect();
    }
  }

 private:
  void act() {
    switch (*rc::gen::weightedElement<int>(
        {{6, 0}, {5, 1}, {3, 2}, {3, 3}, {2, 4}, {2, 5}, {2, 6}, {2, 7}, {1, 8}, {2, 9}, {1, 10}, {1, 11}})) {
      case 0:
        return submit();
      case 1:
        return fetch();
      case 2:
        return add_worker();
      case 3:
        return end_task();
      case 4:
        return cancel();
      case 5:
        return change_task();
      case 6:
        return change_worker();
      case 7:
        return end_holding();
      case 8:
        return remove_worker();
      case 9:
        return add_child();
      case 10:
        return let_leave();
      default:
        return forget_task();
    }
  }

  static void same(const std::optional<WorkerId>& real, const std::optional<std::int64_t>& expected) {
    RC_ASSERT(real.has_value() == expected.has_value());
    if (expected) RC_ASSERT(real->value == *expected);
  }

  void submit() {
    const std::int64_t id = ++last_task_;
    ModelTask task;
    task.group = *rc::gen::inRange<std::int64_t>(1, 4);
    task.tags = any_tags();
    task.priority = *rc::gen::inRange(-1, 3);
    task.held = *rc::gen::inRange(0, 5) == 0;
    model_.tasks[id] = task;
    const auto worker = scheduler_.submit(TaskRequirements{.id = TaskId{id},
                                                           .group = GroupId{task.group},
                                                           .tags = task.tags,
                                                           .priority = task.priority,
                                                           .losses = 0,
                                                           .held = task.held ? Held::kYes : Held::kNo,
                                                           .watch_reached = false},
                                          {});
    same(worker, model_.offer(id));
  }
  void fetch() {
    const auto id = any_key(model_.workers);
    if (!id) return;
    ModelWorker& worker = model_.workers.at(*id);
    if (worker.waiting_since) {
      scheduler_.stop_waiting(WorkerId{*id});
      worker.waiting_since.reset();
      return;
    }
    const auto real = scheduler_.next(WorkerId{*id}, {});
    const auto expected = model_.next(*id);
    RC_ASSERT(real.has_value() == expected.has_value());
    if (expected) RC_ASSERT(real->value == *expected);
    if (real || worker.task || worker.leaving) return;
    scheduler_.start_waiting(WorkerId{*id});
    worker.waiting_since = ++model_.arrivals;
  }
  void add_worker() {
    const std::int64_t id = ++last_worker_;
    ModelWorker worker;
    worker.tags = any_tags();
    worker.groups = any_groups();
    worker.holds_watches = *rc::gen::inRange(0, 3) == 0;
    Scheduler::WorkerTraits traits;
    traits.tags = worker.tags;
    traits.groups = ids(worker.groups);
    traits.holds_watches = worker.holds_watches;
    scheduler_.add_worker(WorkerId{id}, traits);
    model_.workers[id] = worker;
  }
  void end_task() {
    const auto id = any_key(model_.workers);
    if (!id || !model_.workers.at(*id).task) return;
    ModelWorker& worker = model_.workers.at(*id);
    switch (*rc::gen::inRange(0, 3)) {
      case 0: {
        const auto child = worker.child;
        worker.child.reset();
        scheduler_.finish(WorkerId{*id});
        model_.tasks.erase(model_.take_task(*id));
        if (!child) return;
        model_.tasks.at(*child).pending = false;
        return same(scheduler_.promote(name_of(*child), {}), model_.offer(*child));
      }
      case 1:
        scheduler_.give_up(WorkerId{*id});
        model_.tasks.erase(model_.take_task(*id));
        return;
      default:
        break;
    }
    const std::int64_t task = model_.take_task(*id);
    model_.tasks.at(task).worker.reset();
    ++model_.tasks.at(task).losses;
    same(scheduler_.release(WorkerId{*id}, 1, {}), model_.offer(task));
  }
  void add_child() {
    const auto id = any_key(model_.workers);
    if (!id || !model_.workers.at(*id).task || model_.workers.at(*id).child) return;
    const std::int64_t child = ++last_task_;
    ModelTask task;
    task.group = *rc::gen::inRange<std::int64_t>(1, 4);
    task.tags = any_tags();
    task.priority = *rc::gen::inRange(-1, 3);
    task.pending = true;
    model_.tasks[child] = task;
    model_.workers.at(*id).child = child;
    scheduler_.add_pending(TaskRequirements{.id = TaskId{child},
                                            .group = GroupId{task.group},
                                            .tags = task.tags,
                                            .priority = task.priority,
                                            .losses = 0,
                                            .held = Held::kNo,
                                            .watch_reached = false},
                           name_of(child));
    scheduler_.set_downstream(WorkerId{*id}, name_of(child));
  }
  void let_leave() {
    const auto id = any_key(model_.workers);
    if (!id || !model_.workers.at(*id).task) return;  // One without a task goes at once.
    scheduler_.set_leaving(WorkerId{*id});
    model_.workers.at(*id).leaving = true;
  }
  void forget_task() {
    const auto id = any_key(model_.tasks);
    if (!id) return;
    scheduler_.forget(TaskId{*id});
    for (auto& [worker, entry] : model_.workers) {
      if (entry.child == *id) entry.child.reset();
      if (entry.task != *id) continue;
      entry.task.reset();
      // Its child is nobody's: it stays Pending.
      entry.child.reset();
    }
    model_.tasks.erase(*id);
  }
  void cancel() {
    const auto id = any_key(model_.tasks);
    if (!id || model_.tasks.at(*id).worker) return;
    scheduler_.cancel(TaskId{*id}, name_of(*id));
    for (auto& [worker, entry] : model_.workers)
      if (entry.child == *id) entry.child.reset();
    model_.tasks.erase(*id);
  }
  void change_task() {
    const auto id = any_key(model_.tasks);
    if (!id || !model_.tasks.at(*id).queued()) return;
    ModelTask& task = model_.tasks.at(*id);
    RequirementsChange change;
    if (*rc::gen::inRange(0, 2) == 0) {
      task.tags = any_tags();
      change.tags = std::span<const std::string>(task.tags);
    }
    if (*rc::gen::inRange(0, 2) == 0) change.priority = task.priority = *rc::gen::inRange(-1, 3);
    if (*rc::gen::inRange(0, 3) == 0) {
      task.held = !task.held;
      change.held = task.held ? Held::kYes : Held::kNo;
    }
    const auto worker = scheduler_.change(TaskId{*id}, change, {});
    same(worker, model_.offer(*id));
  }
  void change_worker() {
    const auto id = any_key(model_.workers);
    if (!id) return;
    ModelWorker& worker = model_.workers.at(*id);
    if (*rc::gen::inRange(0, 2) == 0) {
      worker.tags = any_tags();
      scheduler_.set_worker_tags(WorkerId{*id}, worker.tags);
    } else {
      worker.groups = any_groups();
      scheduler_.set_worker_groups(WorkerId{*id}, ids(worker.groups));
    }
    if (!worker.waiting_since) return;
    const auto real = scheduler_.next(WorkerId{*id}, {});
    const auto expected = model_.next(*id);
    RC_ASSERT(real.has_value() == expected.has_value());
    if (expected) RC_ASSERT(real->value == *expected);
  }
  void end_holding() {
    const auto id = any_key(model_.tasks);
    if (!id || !model_.tasks.at(*id).held) return;
    model_.tasks.at(*id).held = false;
    const auto worker = scheduler_.end_holding(TaskId{*id}, {});
    if (!model_.tasks.at(*id).queued())
      RC_ASSERT(!worker.has_value());
    else
      same(worker, model_.offer(*id));
  }
  void remove_worker() {
    const auto id = any_key(model_.workers);
    if (!id || model_.workers.at(*id).task) return;
    scheduler_.remove_worker(WorkerId{*id});
    model_.workers.erase(*id);
  }

  void compare() const {
    std::size_t queued = 0;
    for (const auto& [id, task] : model_.tasks) {
      const auto place = task.pending ? TaskPlace::kPending : task.worker ? TaskPlace::kAssigned : TaskPlace::kQueued;
      RC_ASSERT(scheduler_.place(TaskId{id}) == place);
      RC_ASSERT(scheduler_.losses(TaskId{id}) == task.losses);
      queued += task.queued() ? 1U : 0U;
    }
    RC_ASSERT(scheduler_.tasks() == model_.tasks.size());
    RC_ASSERT(scheduler_.queued() == queued);
    RC_ASSERT(scheduler_.workers() == model_.workers.size());
    for (const auto& [id, worker] : model_.workers) {
      const auto* real = scheduler_.worker(WorkerId{id});
      RC_ASSERT(real->waiting_since.has_value() == worker.waiting_since.has_value());
      RC_ASSERT(real->assignment.has_value() == worker.task.has_value());
      if (worker.task) RC_ASSERT(real->assignment->task.value == *worker.task);
    }
  }

  static TaskUuid name_of(std::int64_t task) {
    Uuid uuid;
    for (std::size_t i = 0; i < sizeof(task); ++i)
      uuid.bytes[i] = static_cast<std::uint8_t>(task >> (8 * i));
    return TaskUuid{uuid};
  }

  static std::set<std::int64_t> any_groups() {
    const unsigned chosen = *rc::gen::inRange(0U, 8U);
    std::set<std::int64_t> groups;
    for (const unsigned group : {1U, 2U, 3U})
      if ((chosen >> (group - 1) & 1U) != 0) groups.insert(group);
    return groups;
  }
  static std::vector<GroupId> ids(const std::set<std::int64_t>& groups) {
    std::vector<GroupId> answer;
    for (const auto group : groups)
      answer.push_back(GroupId{group});
    return answer;
  }

  UndoList undo_;
  Scheduler scheduler_;
  Model model_;
  std::int64_t last_task_ = 0;
  std::int64_t last_worker_ = 0;
};

class SchedulerProperties : public testing::TestWithParam<TagMatching> {};

TEST_P(SchedulerProperties, BehavesLikeTheModel) {
  EXPECT_TRUE(rc::check("the scheduler does what looking at everything would do", [] {
    Comparison comparison(GetParam());
    const int steps = *rc::gen::inRange(1, 150);
    for (int step = 0; step < steps; ++step)
      comparison.step();
  }));
}

INSTANTIATE_TEST_SUITE_P(Rules, SchedulerProperties,
                         testing::Values(TagMatching::kDocumented, TagMatching::kStrict, TagMatching::kSubset));

}  // namespace
}  // namespace mito::core
