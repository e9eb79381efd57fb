#include "unit/core/loop_fixture.h"

#include "base/logging.h"

namespace mito::core {

LoopTest::LoopTest() : database_(storage::open_memory()) {
  log::Settings quiet;
  quiet.console_filter = "off";
  EXPECT_EQ(log::setup(quiet), "");
  auto setup = database_->open_writer().value();
  EXPECT_TRUE(setup->begin());
  std::tie(alice_, home_) =
      setup->insert_user({.username = "alice", .encrypted_password = "x", .admin = false, .now = clock_.now()}).value();
  lab_ = setup->insert_group("lab", alice_, clock_.now()).value();
  EXPECT_TRUE(setup->commit());
  reader_ = database_->open_reader().value();
  restart();
}

void LoopTest::restart(Settings settings) {
  loop_.reset();
  writer_ = std::make_unique<simulation::FaultyWriter>(database_->open_writer().value());
  loop_ = std::make_unique<Loop>(settings, clock_, *writer_, directory_);
  ASSERT_TRUE(loop_->load());
}

void LoopTest::run() {
  do {
    loop_->run();
    if (loop_->database_away()) continue;
    ASSERT_EQ(loop_->state().scheduler.audit(), "");
  } while (loop_->has_work());
}

void LoopTest::advance(std::chrono::nanoseconds by) {
  const auto end = clock_.monotonic() + by;
  for (auto next = loop_->wake_at(); next && *next <= end; next = loop_->wake_at()) {
    clock_.advance_to(*next);
    run();
    if (loop_->wake_at() == next) break;
  }
  clock_.advance_to(end);
  run();
}

SubmitTask LoopTest::make_task(const TaskOptions& options) const {
  std::string watch = "null";
  if (options.watch)
    watch = "[\"" + options.watch->task.to_string() + "\",\"" + std::string(to_string(options.watch->state)) + "\"]";
  return SubmitTask{
      .creator = alice_,
      .group = options.group.value_or(home_),
      .tags = options.tags,
      .labels = {},
      .timeout_seconds = options.timeout_seconds,
      .priority = options.priority,
      .spec = R"({"args":["true"],"envs":{},"resources":[],"terminal_output":false,"watch":)" + watch + "}",
      .watch = options.watch,
      .uuid = options.uuid};
}

Pending<std::vector<Result<Submitted>>> LoopTest::submit_later(std::vector<SubmitTask> tasks) {
  Pending<std::vector<Result<Submitted>>> pending;
  const std::size_t members = tasks.size();
  SubmitRequest request{.tasks = std::move(tasks), .reply = pending.reply(), .results = {}};
  request.results.assign(members, fail(ErrorCode::kUnavailable));
  accept(std::move(request), Caller::kUser, members);
  return pending;
}

Submitted LoopTest::submit(const TaskOptions& options) {
  auto pending = submit_later({make_task(options)});
  run();
  return pending.value().at(0).value();
}

Pending<WorkerId> LoopTest::register_later(const WorkerOptions& options) {
  Pending<WorkerId> pending;
  RegisterWorker worker;
  worker.worker = storage::NewWorker{.uuid = WorkerUuid{Uuid::make_ordered(clock_.now())},
                                     .creator = alice_,
                                     .tags = options.tags,
                                     .labels = {},
                                     .access = {},
                                     .lease = options.lease,
                                     .features = options.features,
                                     .info = {},
                                     .now = clock_.now()};
  for (const GroupId group : options.groups.empty() ? std::vector{home_} : options.groups)
    worker.worker.access.emplace_back(group, options.role);
  worker.heartbeat_timeout = options.lease;
  worker.holds_watches = std::ranges::find(options.features, "watch") != options.features.end();
  worker.sends_states = std::ranges::find(options.features, "state") != options.features.end();
  accept(RegisterRequest{.worker = std::move(worker), .reply = pending.reply()});
  return pending;
}

WorkerId LoopTest::add_worker(const WorkerOptions& options) {
  auto pending = register_later(options);
  run();
  return pending.value();
}

Pending<std::optional<AssignedTask>> LoopTest::fetch_later(WorkerId worker, std::chrono::milliseconds wait,
                                                           Core::Ticket ticket) {
  static Core::Ticket last = 1'000'000;
  Pending<std::optional<AssignedTask>> pending;
  accept(FetchRequest{.fetch = Fetch{.worker = worker, .wait = wait},
                      .ticket = ticket == 0 ? ++last : ticket,
                      .reply = pending.reply(),
                      .withdrawn = false},
         Caller::kWorker);
  return pending;
}

std::optional<AssignedTask> LoopTest::fetch(WorkerId worker) {
  auto pending = fetch_later(worker, std::chrono::milliseconds(0));
  run();
  return pending.value();
}

Pending<ReportAnswer> LoopTest::report_later(WorkerId worker, TaskId task, ReportOp op) {
  Pending<ReportAnswer> pending;
  accept(ReportRequest{.worker = worker, .task = task, .op = std::move(op), .reply = pending.reply()}, Caller::kWorker);
  return pending;
}

Result<ReportAnswer> LoopTest::report(WorkerId worker, TaskId task, ReportOp op) {
  auto pending = report_later(worker, task, std::move(op));
  run();
  return pending.result();
}

Result<ReportAnswer> LoopTest::complete(WorkerId worker, TaskId task, bool next, TaskState state) {
  return report(worker, task,
                Complete{.state = state,
                         .commit = Commit{.result = R"({"exit_status":0,"msg":null})", .next = next, .detail = {}}});
}

Pending<bool> LoopTest::remove_later(WorkerId worker, Removal removal) {
  Pending<bool> pending;
  accept(RemoveRequest{.worker = worker, .removal = removal, .reply = pending.reply()},
         removal == Removal::kUnregister ? Caller::kWorker : Caller::kUser);
  return pending;
}

bool LoopTest::remove(WorkerId worker, Removal removal) {
  auto pending = remove_later(worker, removal);
  run();
  return pending.value();
}

bool LoopTest::heartbeat(WorkerId worker) {
  Pending<void> pending;
  loop_->heartbeat(worker, pending.reply());
  return pending.result().has_value();
}

std::vector<bool> LoopTest::cancel(std::vector<TaskUuid> tasks, bool also_pending) {
  Pending<std::vector<bool>> pending;
  CancelRequest request;
  const std::size_t members = tasks.size();
  for (std::size_t i = 0; i < members; ++i)
    request.positions.push_back(i);
  request.tasks = std::move(tasks);
  request.also_pending = also_pending;
  request.reply = pending.reply();
  request.results.assign(members, false);
  accept(std::move(request), Caller::kUser, members);
  run();
  return pending.value();
}

Pending<bool> LoopTest::change_later(ChangeTask change) {
  Pending<bool> pending;
  accept(ChangeRequest{.change = std::move(change), .reply = pending.reply()});
  return pending;
}

Pending<void> LoopTest::write_later(Write work, Caller caller) {
  Pending<void> pending;
  accept(WriteRequest{.work = std::move(work), .reply = pending.reply()}, caller);
  return pending;
}

bool LoopTest::set_exec_state(WorkerId worker, TaskUuid task, TaskExecState state) {
  Pending<bool> pending;
  accept(ExecStateRequest{.worker = worker, .task = task, .state = state, .reply = pending.reply()}, Caller::kWorker);
  run();
  return pending.value();
}

std::optional<storage::Task> LoopTest::find_row(TaskUuid uuid) {
  return reader_->task_by_uuid(uuid).value();
}

storage::Task LoopTest::row(TaskUuid uuid) {
  const auto found = find_row(uuid);
  EXPECT_TRUE(found) << "task " << uuid.to_string() << " is gone";
  return found.value_or(storage::Task{});
}

std::optional<storage::Worker> LoopTest::worker_row(WorkerId id) {
  return reader_->worker_by_id(id).value();
}

std::int64_t LoopTest::task_count(GroupId group) {
  return reader_->group_by_id(group).value()->task_count;
}

}  // namespace mito::core
