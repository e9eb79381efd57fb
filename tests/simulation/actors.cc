#include "simulation/actors.h"

#include <fmt/core.h>

#include "simulation/world_network.h"

namespace mito::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<std::string> any_tags(World& world) {
  std::vector<std::string> tags;
  for (const char* tag : {"a", "b"})
    if (world.chance(0.3)) tags.emplace_back(tag);
  return tags;
}

// --- Workers ---

void FakeWorker::later(milliseconds delay, std::function<void()> event) {
  world_.after(delay, [this, generation = generation_, event = std::move(event)] {
    if (generation != generation_) return;
    const auto now = world_.clock_.monotonic();
    if (now >= stalled_until_) return event();
    later(std::chrono::duration_cast<milliseconds>(stalled_until_ - now) + milliseconds(1), event);
  });
}

bool FakeWorker::mishap() {
  if (world_.chance(world_.roughness_.worker_dies)) {
    world_.tell(fmt::format("worker {} dies", number_));
    ++generation_;
    later(seconds(world_.between(5, 90)), [this] { start(); });
    return true;
  }
  if (world_.chance(world_.roughness_.worker_stalls)) {
    stalled_until_ = world_.clock_.monotonic() + seconds(world_.between(5, 120));
    world_.tell(fmt::format("worker {} stalls", number_));
  }
  return false;
}

void FakeWorker::start() {
  ++generation_;
  id_.reset();
  task_.reset();
  core::RegisterWorker worker;
  worker.worker.uuid = uuid_ = WorkerUuid{Uuid::make_ordered(world_.clock_.now())};
  worker.worker.creator = world_.user_;
  worker.worker.tags = nature_.tags;
  for (const GroupId group : nature_.groups)
    worker.worker.access.emplace_back(group, Role::kWrite);
  if (nature_.ours) worker.worker.lease = worker.heartbeat_timeout = seconds(30);
  worker.holds_watches = nature_.holds_watches;
  worker.sends_states = nature_.sends_states;
  if (nature_.holds_watches) worker.worker.features.emplace_back("watch");
  if (nature_.sends_states) worker.worker.features.emplace_back("state");
  // A registration that arrives twice would be two workers; the second one is refused by its uuid.
  world_.send<WorkerId>(
      [this, worker](core::Reply<WorkerId> reply) {
        world_.accept(core::RegisterRequest{.worker = worker, .reply = std::move(reply)}, core::Caller::kUser);
      },
      [this, generation = generation_](std::optional<Result<WorkerId>> answer) {
        if (generation != generation_) return;
        if (!answer || !answer->has_value()) return later(seconds(3), [this] { start(); });
        id_ = answer->value();
        world_.tell(fmt::format("worker {} is registered as {}", number_, id_->value));
        beat();
        fetch();
      });
}

template <class T>
bool FakeWorker::go_on(const std::optional<Result<T>>& answer, void (FakeWorker::*again)()) {
  if (!answer) {
    later(milliseconds(100), [this, again] { (this->*again)(); });
    return false;
  }
  if (answer->has_value()) return true;
  switch (answer->error().code()) {
    case ErrorCode::kWrongCredentials:
      world_.tell(fmt::format("worker {} learns that it was removed", number_));
      ++generation_;
      later(seconds(1), [this] { start(); });
      return false;
    case ErrorCode::kNotFound:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kPermissionDenied:
      return true;
    default:
      later(seconds(2), [this, again] { (this->*again)(); });
      return false;
  }
}

void FakeWorker::beat() {
  if (mishap()) return;
  world_.send<void>([this, id = *id_](core::Reply<void> reply) { world_.loop_->heartbeat(id, std::move(reply)); },
                    [this, generation = generation_](std::optional<Result<void>> answer) {
                      if (generation == generation_ && answer && !answer->has_value()) go_on(answer, &FakeWorker::beat);
                    });
  later(seconds(10), [this] { beat(); });
}

void FakeWorker::fetch() {
  if (mishap()) return;
  const core::Fetch fetch{.worker = *id_, .wait = nature_.ours ? seconds(25) : seconds(0)};
  const core::Core::Ticket ticket = ++world_.last_ticket_;
  if (world_.chance(0.05)) {
    later(milliseconds(world_.between(0, 30'000)), [this, ticket] {
      if (world_.loop_) world_.loop_->withdraw(ticket);
    });
  }
  world_.send<std::optional<core::AssignedTask>>(
      [this, fetch, ticket](core::Reply<std::optional<core::AssignedTask>> reply) {
        auto checked = [this, fetch, reply = std::move(reply)](Result<std::optional<core::AssignedTask>> task) mutable {
          if (task && *task) world_.auditor_.assigned(fetch.worker, **task);
          reply(std::move(task));
        };
        world_.accept(
            core::FetchRequest{.fetch = fetch, .ticket = ticket, .reply = std::move(checked), .withdrawn = false},
            core::Caller::kWorker);
      },
      [this, generation = generation_](std::optional<Result<std::optional<core::AssignedTask>>> answer) {
        if (generation != generation_ || !go_on(answer, &FakeWorker::fetch)) return;
        if (answer->has_value() && answer->value()) return run(*answer->value());
        later(milliseconds(world_.between(0, nature_.ours ? 100 : 5'000)), [this] { this->fetch(); });
      });
}

void FakeWorker::announce(TaskExecState state) {
  if (!nature_.sends_states) return;
  world_.send<bool>(
      [this, id = *id_, task = task_->uuid, state](core::Reply<bool> reply) {
        world_.accept(core::ExecStateRequest{.worker = id, .task = task, .state = state, .reply = std::move(reply)},
                      core::Caller::kWorker);
      },
      [](const std::optional<Result<bool>>&) {});
}

void FakeWorker::run(core::AssignedTask task) {
  task_ = std::move(task);
  world_.tell(fmt::format("worker {} runs task {}", number_, task_->id.value));
  outcome_ = world_.chance(0.2) ? TaskState::kCancelled : TaskState::kFinished;
  later(milliseconds(world_.between(0, 500)), [this] { announce(TaskExecState::kExecSpawned); });
  const bool hangs = !world_.calm_ && world_.chance(0.02);
  const auto length = hangs ? milliseconds(2'000'000) : milliseconds(world_.between(500, 15'000));
  later(length, [this] { nature_.ours ? complete() : finish(); });
}

void FakeWorker::report(core::ReportOp op, std::function<void(std::optional<Result<core::ReportAnswer>>)> take) {
  world_.send<core::ReportAnswer>(
      [this, id = *id_, task = task_->id, op](core::Reply<core::ReportAnswer> reply) {
        auto checked = [this, id, reply = std::move(reply)](Result<core::ReportAnswer> answer) mutable {
          if (answer && answer->next) world_.auditor_.assigned(id, *answer->next);
          reply(std::move(answer));
        };
        world_.accept(core::ReportRequest{.worker = id, .task = task, .op = op, .reply = std::move(checked)},
                      core::Caller::kWorker);
      },
      [this, generation = generation_, take = std::move(take)](std::optional<Result<core::ReportAnswer>> answer) {
        if (generation == generation_) take(std::move(answer));
      });
}

void FakeWorker::complete() {
  if (mishap()) return;
  const core::Complete op{.state = outcome_,
                          .commit = {.result = fmt::format(R"({{"exit_status":{},"msg":null}})", id_->value),
                                     .next = !world_.chance(0.2),
                                     .detail = {}}};
  report(op, [this](const auto& answer) {
    if (!go_on(answer, &FakeWorker::complete)) return;
    if (answer->has_value()) world_.auditor_.completed(uuid_, task_->uuid);
    ended(answer->has_value() ? answer->value().next : std::nullopt);
  });
}

void FakeWorker::finish() {
  if (mishap()) return;
  core::ReportOp op = core::Finish{};
  if (outcome_ == TaskState::kCancelled) op = core::CancelReport{};
  report(op, [this](const auto& answer) {
    if (!go_on(answer, &FakeWorker::finish)) return;
    if (!answer->has_value()) return ended(std::nullopt);
    later(milliseconds(world_.between(0, 2'000)), [this] { world_.chance(0.3) ? spawn() : commit(); });
  });
}

void FakeWorker::spawn() {
  core::SubmitTask child;
  child.tags = nature_.tags;
  child.timeout_seconds = 50;
  child.spec = R"({"args":["child"],"watch":null})";
  const std::string group = world_.any(world_.group_names_);
  report(core::SubmitChild{.task = child, .group_name = group}, [this](const auto& answer) {
    if (!go_on(answer, &FakeWorker::spawn)) return;
    later(milliseconds(world_.between(0, 2'000)), [this] { commit(); });
  });
}

void FakeWorker::commit() {
  if (mishap()) return;
  report(core::Commit{.result = R"({"exit_status":1,"msg":null})", .next = false, .detail = {}},
         [this](const auto& answer) {
           if (!go_on(answer, &FakeWorker::commit)) return;
           if (answer->has_value() || answer->error().text().starts_with("Pending"))
             world_.auditor_.completed(uuid_, task_->uuid);
           ended(std::nullopt);
         });
}

void FakeWorker::ended(std::optional<core::AssignedTask> next) {
  world_.tell(fmt::format("worker {} is done with task {}", number_, task_->id.value));
  task_.reset();
  if (next) return run(*std::move(next));
  later(milliseconds(world_.between(0, 200)), [this] { fetch(); });
}

// --- Clients ---

namespace {

std::string text_of(const std::optional<Watch>& watch) {
  return watch ? fmt::format(R"(["{}","{}"])", watch->task.to_string(), to_string(watch->state)) : "null";
}

}  // namespace

void FakeClient::start() {
  world_.after(milliseconds(world_.between(0, 4'000)), [this] {
    if (stopped_) return;
    act();
    start();
  });
}

void FakeClient::act() {
  const auto dice = world_.between(0, 99);
  if (dice < 60) return submit();
  if (dice < 72) return cancel();
  if (dice < 84) return change();
  if (dice < 91) return remove_worker();
  change_worker();
}

std::optional<TaskUuid> FakeClient::any_task() {
  if (tasks_.empty()) return std::nullopt;
  return world_.any(tasks_);
}

std::optional<Watch> FakeClient::any_watch() {
  const auto target = world_.chance(0.5) ? any_task() : std::nullopt;
  if (!target) return std::nullopt;
  const TaskExecState states[] = {TaskExecState::kExecSpawned, TaskExecState::kExecFinished,
                                  TaskExecState::kTaskCommitted, TaskExecState::kExecTimeout};
  return Watch{.task = *target, .state = states[world_.between(0, 3)]};
}

core::SubmitTask FakeClient::make_task() {
  core::SubmitTask task;
  task.creator = world_.user_;
  task.group = world_.any(world_.groups_);
  task.tags = any_tags(world_);
  task.timeout_seconds = world_.between(5, 100);
  task.priority = static_cast<std::int32_t>(world_.between(-1, 2));
  if (world_.chance(0.3)) task.watch = any_watch();
  task.spec = fmt::format(R"({{"args":["true"],"watch":{}}})", text_of(task.watch));
  if (world_.chance(0.7)) task.uuid = TaskUuid{Uuid::make_ordered(world_.clock_.now())};
  return task;
}

void FakeClient::submit() {
  auto tasks = std::make_shared<std::vector<core::SubmitTask>>();
  const auto count = world_.chance(0.05) ? world_.between(20, 40) : world_.between(1, 4);
  for (std::int64_t i = 0; i < count; ++i)
    tasks->push_back(make_task());
  send_tasks(std::move(tasks));
}

void FakeClient::send_tasks(std::shared_ptr<std::vector<core::SubmitTask>> tasks) {
  using Results = std::vector<Result<core::Submitted>>;
  const auto check = [this](const Result<Results>& results) {
    if (!results) return;
    for (const auto& member : *results) {
      if (!member) continue;
      world_.auditor_.submitted(*member);
      tasks_.push_back(member->uuid);
    }
  };
  world_.send<Results>(
      [this, tasks, check](core::Reply<Results> reply) {
        core::SubmitRequest request{.tasks = *tasks, .reply = {}, .results = {}};
        request.reply = [check, reply = std::move(reply)](Result<Results> results) mutable {
          check(results);
          reply(std::move(results));
        };
        request.results.assign(tasks->size(), fail(ErrorCode::kUnavailable));
        world_.accept(std::move(request), core::Caller::kUser, tasks->size());
      },
      [this, tasks](const std::optional<Result<Results>>& results) {
        // Under their own names tasks can be submitted again without harm.
        std::erase_if(*tasks, [](const auto& task) { return !task.uuid; });
        if (!results && !tasks->empty()) send_tasks(tasks);
      });
}

void FakeClient::cancel() {
  const auto target = any_task();
  if (!target) return;
  const bool also_pending = world_.chance(0.5);
  using Flags = std::vector<bool>;
  world_.send<Flags>(
      [this, target, also_pending](core::Reply<Flags> reply) {
        core::CancelRequest request;
        request.tasks = {*target};
        request.positions = {0};
        request.also_pending = also_pending;
        request.results = {false};
        request.reply = [this, target, reply = std::move(reply)](Result<Flags> flags) mutable {
          if (flags && flags->at(0)) world_.auditor_.cancelled(*target);
          reply(std::move(flags));
        };
        world_.accept(std::move(request), core::Caller::kUser);
      },
      [](const std::optional<Result<Flags>>&) {});
}

void FakeClient::change() {
  const auto target = any_task();
  if (!target) return;
  core::ChangeTask change;
  change.task = *target;
  if (world_.chance(0.5)) change.tags = any_tags(world_);
  if (world_.chance(0.5)) change.priority = static_cast<std::int32_t>(world_.between(-1, 2));
  if (world_.chance(0.2)) {
    change.watch = any_watch();
    change.spec = fmt::format(R"({{"args":["changed"],"watch":{}}})", text_of(change.watch));
  }
  world_.send<bool>(
      [this, change](core::Reply<bool> reply) {
        world_.accept(core::ChangeRequest{.change = change, .reply = std::move(reply)}, core::Caller::kUser);
      },
      [](const std::optional<Result<bool>>&) {});
}

void FakeClient::remove_worker() {
  const auto& worker = world_.any(world_.workers_);
  if (!worker->id()) return;
  const core::Removal removals[] = {core::Removal::kUnregister, core::Removal::kGraceful, core::Removal::kForced};
  const auto removal = removals[world_.between(0, 2)];
  world_.send<bool>(
      [this, id = *worker->id(), removal](core::Reply<bool> reply) {
        world_.accept(core::RemoveRequest{.worker = id, .removal = removal, .reply = std::move(reply)},
                      core::Caller::kUser);
      },
      [](const std::optional<Result<bool>>&) {});
}

void FakeClient::change_worker() {
  const auto& worker = world_.any(world_.workers_);
  if (!worker->id()) return;
  const auto tags = any_tags(world_);
  const GroupId group = world_.any(world_.groups_);
  const auto kind = world_.between(0, 2);
  world_.send<void>(
      [this, id = *worker->id(), tags, group, kind](core::Reply<void> reply) {
        core::ChangeWorkerRequest request;
        request.worker = id;
        if (kind == 0) request.tags = tags;
        if (kind == 1) request.new_access = {{group, Role::kWrite}};
        if (kind == 2) request.lost_access = {group};
        request.reply = std::move(reply);
        world_.accept(std::move(request), core::Caller::kUser);
      },
      [](const std::optional<Result<void>>&) {});
}

}  // namespace mito::simulation
