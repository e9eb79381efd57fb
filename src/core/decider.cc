#include "core/decider.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/core.h>

#include "base/logging.h"
#include "core/spec_text.h"

namespace mito::core {
namespace {

constexpr log::Source kLog{"netmito::core"};

std::span<const std::string> view(const std::vector<std::string>& items) {
  return {items.data(), items.size()};
}

}  // namespace

Decider::Mark Decider::mark() const {
  return Mark{.undo = context_.state.undo.mark(),
              .after_commit = effects_.after_commit.size(),
              .woken = effects_.woken.size(),
              .departed = effects_.departed.size(),
              .events = effects_.events.size(),
              .claimed = effects_.claimed.size(),
              .tally = effects_.tally,
              .free_waits = context_.free_waits};
}

void Decider::back_to(const Mark& mark) {
  context_.state.undo.undo_to(mark.undo);
  effects_.after_commit.erase(effects_.after_commit.begin() + static_cast<std::ptrdiff_t>(mark.after_commit),
                              effects_.after_commit.end());
  effects_.woken.resize(mark.woken);
  effects_.departed.resize(mark.departed);
  effects_.events.resize(mark.events);
  effects_.claimed.resize(mark.claimed);
  effects_.tally = mark.tally;
  context_.free_waits = mark.free_waits;
  std::erase_if(inserted_, [&](const auto& known) { return !context_.state.scheduler.place(known.second.id); });
  transaction_.abandon();
  described_ = transaction_.claimed().size();
}

Result<void> Decider::prefetch(std::span<const Item> items) {
  std::vector<TaskUuid> uuids;
  std::vector<GroupId> groups;
  std::size_t submissions = 0;
  const auto watched = [&](const std::optional<Watch>& watch) {
    if (watch) uuids.push_back(watch->task);
  };
  for (const Item& item : items) {
    Request& request = item.command->request;
    if (auto* submit = std::get_if<SubmitRequest>(&request)) {
      const SubmitTask& task = submit->tasks[item.member];
      ++submissions;
      groups.push_back(task.group);
      if (task.uuid) uuids.push_back(*task.uuid);
      watched(task.watch);
    } else if (auto* cancel = std::get_if<CancelRequest>(&request)) {
      uuids.push_back(cancel->tasks[item.member]);
    } else if (auto* change = std::get_if<ChangeRequest>(&request)) {
      uuids.push_back(change->change.task);
      watched(change->change.watch);
    } else if (auto* check = std::get_if<CheckWatch>(&request)) {
      uuids.push_back(check->target);
    }
  }
  if (!groups.empty()) MITO_TRY(transaction_.read_groups(std::move(groups)));
  if (!uuids.empty()) {
    MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
    MITO_TRY_ASSIGN(auto rows, reader->tasks_by_uuid(uuids));
    for (auto& task : rows)
      rows_.insert_or_assign(task.uuid, std::move(task));
  }
  State& state = context_.state;
  if (static_cast<std::int64_t>(submissions) > state.end_of_task_ids - state.next_task_id) {
    constexpr std::size_t kReserve = 1'024;
    MITO_TRY_ASSIGN(auto* writer, transaction_.reader());
    MITO_TRY_ASSIGN(const TaskId first, writer->reserve_task_ids(std::max(submissions, kReserve)));
    state.next_task_id = first.value;
    state.end_of_task_ids = first.value + static_cast<std::int64_t>(std::max(submissions, kReserve));
  }
  return {};
}

Result<void> Decider::read_rows(std::span<const TaskUuid> uuids) {
  MITO_TRY_ASSIGN(auto* reader, transaction_.reader());
  MITO_TRY_ASSIGN(auto rows, reader->tasks_by_uuid(uuids));
  for (auto& task : rows)
    rows_.insert_or_assign(task.uuid, std::move(task));
  return {};
}

Result<void> Decider::decide(const Item& item, Answer& answer) {
  return std::visit([&](auto& request) { return on(request, item.member, answer); }, item.command->request);
}

Result<void> Decider::finish() {
  MITO_TRY(transaction_.flush());
  describe_claims();
  return {};
}

Result<void> Decider::commit() {
  MITO_TRY(transaction_.commit());
  describe_claims();
  return {};
}

Result<void> Decider::learn_claims() {
  MITO_TRY(transaction_.read_claims());
  describe_claims();
  return {};
}

AssignedTask Decider::claimed(std::size_t claim) const {
  const Transaction::Claimed& claimed = transaction_.claimed()[claim];
  AssignedTask task{.id = claimed.task,
                    .uuid = claimed.what.uuid,
                    .timeout_seconds = claimed.what.timeout_seconds,
                    .upstream = claimed.what.upstream,
                    .spec = claimed.what.spec};
  const Scheduler& scheduler = context_.state.scheduler;
  const Worker* worker = scheduler.worker(claimed.worker);
  const bool kept = worker != nullptr && worker->profile->holds_watches;
  if (kept || (scheduler.place(task.id) && scheduler.watch_reached(task.id)))
    task.spec = without_watch(std::move(task.spec));
  return task;
}

void Decider::describe_claims() {
  const auto& claims = transaction_.claimed();
  for (; described_ < claims.size(); ++described_) {
    const Transaction::Claimed& claim = claims[described_];
    const Worker* worker = context_.state.scheduler.worker(claim.worker);
    if (worker != nullptr && worker->assignment && worker->assignment->task == claim.task)
      context_.state.scheduler.describe_task(claim.worker, claim.what.uuid, claim.what.timeout_seconds);
  }
}

void Decider::tell(TaskUuid task, GroupId group, std::variant<TaskState, TaskExecState> state) {
  effects_.events.push_back(storage::TaskEvent{.task = task, .group = group, .state = state, .time = context_.wall});
}

void Decider::name_claimed_tasks() {
  for (const auto& [event, claim] : effects_.claimed)
    effects_.events[event].task = transaction_.claimed()[claim].what.uuid;
}

Result<std::size_t> Decider::claim_for(WorkerId worker, TaskId task) {
  ++effects_.tally.claimed;
  MITO_TRY_ASSIGN(const std::size_t claim,
                  transaction_.claim(storage::Claim{.task = task, .worker = worker, .now = context_.wall}));
  effects_.claimed.emplace_back(effects_.events.size(), claim);
  tell(TaskUuid{}, context_.state.scheduler.group(task), TaskState::kRunning);
  return claim;
}

Result<void> Decider::wake(std::optional<WorkerId> worker, TaskId task) {
  if (!worker) return {};
  MITO_TRY_ASSIGN(const std::size_t claim, claim_for(*worker, task));
  effects_.woken.push_back(Woken{.worker = *worker, .claim = claim});
  return {};
}

Result<void> Decider::take_next(WorkerId worker, Answer& answer) {
  if (context_.state.draining) return {};
  const auto task = context_.state.scheduler.next(worker, context_.now);
  if (!task) return {};
  MITO_TRY_ASSIGN(answer.claim, claim_for(worker, *task));
  return {};
}

const storage::Task* Decider::row(TaskUuid uuid) const {
  const auto found = rows_.find(uuid);
  return found == rows_.end() ? nullptr : &found->second;
}

Result<TaskId> Decider::take_task_id() {
  State& state = context_.state;
  if (state.next_task_id == state.end_of_task_ids) {
    MITO_TRY_ASSIGN(auto* writer, transaction_.reader());
    MITO_TRY_ASSIGN(const TaskId first, writer->reserve_task_ids(1));
    return first;
  }
  return TaskId{state.next_task_id++};
}

storage::NewTask Decider::new_task(const SubmitTask& task, TaskId id, TaskUuid uuid, std::int64_t number) const {
  return storage::NewTask{.id = id,
                          .uuid = uuid,
                          .creator = task.creator,
                          .group = task.group,
                          .number = number,
                          .tags = task.tags,
                          .labels = task.labels,
                          .now = context_.wall,
                          .state = TaskState::kReady,
                          .assigned_worker = std::nullopt,
                          .timeout_seconds = task.timeout_seconds,
                          .priority = task.priority,
                          .spec = task.spec,
                          .upstream = std::nullopt,
                          .has_watch = false};
}

Result<void> Decider::on(SubmitRequest& request, std::size_t member, Answer& answer) {
  const SubmitTask& task = request.tasks[member];
  if (task.uuid) {
    const auto known = [&]() -> std::optional<Inserted> {
      if (const auto* before = row(*task.uuid))
        return Inserted{.id = before->id, .number = before->number, .creator = before->creator, .group = before->group};
      const auto found = inserted_.find(*task.uuid);
      return found == inserted_.end() ? std::nullopt : std::optional(found->second);
    }();
    if (known && known->creator == task.creator && known->group == task.group) {
      answer.submitted = Submitted{.uuid = *task.uuid, .number = known->number};
      return {};
    }
    if (known) {
      answer.error = Error(ErrorCode::kInvalidRequest,
                           fmt::format("The uuid {} is taken: choose another", task.uuid->to_string()));
      return {};
    }
  }
  MITO_TRY_ASSIGN(const Outlook outlook, this->outlook(task.watch, task.creator, task.uuid));
  MITO_TRY_ASSIGN(const auto number, transaction_.next_number(task.group));
  if (!number) {
    const auto name = context_.directory.group_name(task.group).value_or(std::to_string(task.group.value));
    answer.error = Error(ErrorCode::kNotFound, "User or group with name " + name);
    return {};
  }
  MITO_TRY_ASSIGN(const TaskId id, take_task_id());
  const TaskUuid uuid = task.uuid.value_or(TaskUuid{Uuid::make_ordered(context_.wall)});
  const bool held = outlook == Outlook::kHopeful || outlook == Outlook::kHopeless;
  storage::NewTask row = new_task(task, id, uuid, *number);
  row.has_watch = held;
  MITO_TRY(transaction_.insert(std::move(row)));
  target_appeared(uuid, task.group);
  hold(id, task.watch, task.creator, outlook);
  if (task.uuid)
    inserted_.insert_or_assign(uuid,
                               Inserted{.id = id, .number = *number, .creator = task.creator, .group = task.group});
  answer.submitted = Submitted{.uuid = uuid, .number = *number};
  ++effects_.tally.submitted;
  tell(uuid, task.group, TaskState::kReady);
  const auto worker = context_.state.scheduler.submit(TaskRequirements{.id = id,
                                                                       .group = task.group,
                                                                       .tags = view(task.tags),
                                                                       .priority = task.priority,
                                                                       .losses = 0,
                                                                       .held = held ? Held::kYes : Held::kNo,
                                                                       .watch_reached = outlook == Outlook::kReached},
                                                      context_.now);
  return wake(worker, id);
}

Result<void> Decider::cancel(TaskId task, TaskUuid uuid, TaskState from, TaskResultMessage message) {
  const std::string result = fmt::format(R"({{"exit_status":0,"msg":"{}"}})", to_string(message));
  State& state = context_.state;
  const GroupId group = state.scheduler.group(task);
  MITO_TRY(transaction_.archive(storage::Archive{.task = task,
                                                 .from = {from},
                                                 .worker = std::nullopt,
                                                 .state = TaskState::kCancelled,
                                                 .result = result,
                                                 .reporter = std::nullopt,
                                                 .detail = {},
                                                 .now = context_.wall}));
  state.watches.remove(task);
  state.scheduler.cancel(task, uuid);
  ++effects_.tally.archived;
  tell(uuid, group, TaskState::kCancelled);
  return target_over(uuid, group, TaskState::kCancelled, result);
}

Result<void> Decider::on(CancelRequest& request, std::size_t member, Answer& answer) {
  const TaskUuid uuid = request.tasks[member];
  const auto* known = row(uuid);
  const auto inserted = inserted_.find(uuid);
  if (known == nullptr && inserted == inserted_.end()) return {};
  const TaskId task = known != nullptr ? known->id : inserted->second.id;
  const auto place = context_.state.scheduler.place(task);
  if (!place || *place == TaskPlace::kAssigned) return {};
  if (*place == TaskPlace::kPending && !request.also_pending) return {};
  answer.flag = true;
  const TaskState from = *place == TaskPlace::kPending ? TaskState::kPending : TaskState::kReady;
  return cancel(task, uuid, from, TaskResultMessage::kUserCancellation);
}

Result<void> Decider::on(ChangeRequest& request, std::size_t, Answer& answer) {
  const ChangeTask& change = request.change;
  const auto* known = row(change.task);
  State& state = context_.state;
  if (known == nullptr || state.scheduler.place(known->id) != TaskPlace::kQueued) return {};
  const TaskId task = known->id;
  RequirementsChange requirements;
  if (change.tags) requirements.tags = view(*change.tags);
  requirements.priority = change.priority;
  Outlook outlook = Outlook::kNoWatch;
  if (change.spec) {
    MITO_TRY_ASSIGN(outlook, this->outlook(change.watch, known->creator, known->uuid));
    requirements.held = outlook == Outlook::kHopeful || outlook == Outlook::kHopeless ? Held::kYes : Held::kNo;
  }
  MITO_TRY(transaction_.change(storage::TaskChange{.task = task,
                                                   .tags = change.tags,
                                                   .timeout_seconds = change.timeout_seconds,
                                                   .priority = change.priority,
                                                   .spec = change.spec,
                                                   .has_watch = requirements.held == Held::kYes,
                                                   .now = context_.wall}));
  if (change.spec) {
    state.watches.remove(task);
    hold(task, change.watch, known->creator, outlook);
  }
  answer.flag = true;
  return wake(state.scheduler.change(task, requirements, context_.now), task);
}

Result<void> Decider::on(WriteRequest& request, std::size_t, Answer& answer) {
  MITO_TRY_ASSIGN(auto* writer, transaction_.writer());
  MITO_TRY(writer->savepoint());
  Result<AfterCommit> done = fail(ErrorCode::kInternal);
  try {
    done = request.work(*writer);
  } catch (const std::exception& exception) {
    done = fail(ErrorCode::kInternal, "", exception.what());
  }
  if (done) {
    if (*done) effects_.after_commit.push_back(*std::move(done));
    return writer->release_savepoint();
  }
  const ErrorCode code = done.error().code();
  if (code == ErrorCode::kUnavailable || code == ErrorCode::kFenced) return std::unexpected(std::move(done).error());
  if (code == ErrorCode::kInternal) kLog.error("a write failed: {}", describe(done.error()));
  MITO_TRY(writer->rollback_to_savepoint());
  answer.error = std::move(done).error();
  return {};
}

}  // namespace mito::core
