#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/logging.h"
#include "core/loop.h"

// One batch: formed, decided, written, committed; and what is done when that fails.
namespace mito::core {
namespace {

constexpr log::Source kLog{"netmito::core"};

/// Members a request may have decided before the next one has its turn.
constexpr std::size_t kTurn = 256;
/// How often a batch is decided anew because rows were not as we knew them.
constexpr int kReconciliations = 3;

std::size_t text_bytes(const std::vector<std::string>& items) {
  std::size_t bytes = 0;
  for (const auto& item : items)
    bytes += item.size() + 8;
  return bytes;
}

/// Roughly what the member adds to the transaction.
std::size_t weight(const Command& command, std::size_t member) {
  constexpr std::size_t kRow = 200;
  if (const auto* submit = std::get_if<SubmitRequest>(&command.request)) {
    const SubmitTask& task = submit->tasks[member];
    return kRow + task.spec.size() + text_bytes(task.tags) + text_bytes(task.labels);
  }
  if (const auto* report = std::get_if<ReportRequest>(&command.request)) {
    if (const auto* commit = std::get_if<Commit>(&report->op)) return kRow + commit->detail.size();
    if (const auto* complete = std::get_if<Complete>(&report->op)) return kRow + complete->commit.detail.size();
    if (const auto* child = std::get_if<SubmitChild>(&report->op)) return kRow + child->task.spec.size();
  }
  if (const auto* change = std::get_if<ChangeRequest>(&command.request))
    return kRow + (change->change.spec ? change->change.spec->size() : 0);
  return kRow;
}

bool is_away(const Error& error) {
  return error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kStorageFull;
}

bool is_write(const Item& item) {
  return std::holds_alternative<WriteRequest>(item.command->request);
}

}  // namespace

void Loop::form_internal(Batch& batch, Clock::Monotonic now) {
  while (!later_.empty() && later_.begin()->first <= now)
    enqueue(std::move(later_.extract(later_.begin()).mapped()));
  const auto add = [&](Request request) {
    auto command = std::make_shared<Command>();
    command->request = std::move(request);
    command->caller = Caller::kWorker;
    command->accepted = now;
    command->taken = 1;
    batch.items.push_back(Item{.command = std::move(command), .member = 0});
    return batch.items.size() < batch_limit_;
  };
  if (now >= no_loss_before_) {
    state_.leases.deadlines().each_passed(
        now, [&](WorkerId worker) { return add(LoseWorker{.worker = worker, .why = LoseWorker::Why::kLeaseExpired}); });
  }
  if (batch.items.size() < batch_limit_)
    state_.watches.deadlines().each_passed(now, [&](TaskId task) { return add(EndWatch{.task = task}); });
}

Loop::Batch Loop::form(Clock::Monotonic now) {
  Batch batch;
  form_internal(batch, now);
  std::size_t bytes = 0;
  const auto is_full = [&] {
    return batch.items.size() >= batch_limit_ || (bytes >= settings_.max_batch_bytes && bytes > 0);
  };
  while (!queue_.empty() && !is_full()) {
    const std::shared_ptr<Command> command = std::move(queue_.front());
    queue_.pop_front();
    command->queued = false;
    if (command->answered) continue;
    for (std::size_t turn = 0; turn < kTurn && command->taken < command->members && !is_full(); ++turn) {
      bytes += weight(*command, command->taken);
      batch.items.push_back(Item{.command = command, .member = command->taken++});
    }
    if (command->taken < command->members) enqueue(command);
  }
  return batch;
}

void Loop::start_decider(Batch& batch) {
  const std::size_t waiting = waiting_.size();
  const std::size_t free = settings_.max_waiting_fetches - std::min(waiting, settings_.max_waiting_fetches);
  batch.decider = std::make_unique<Decider>(Decider::Context{.settings = settings_,
                                                             .state = state_,
                                                             .directory = directory_,
                                                             .now = clock_.monotonic(),
                                                             .wall = clock_.now(),
                                                             .free_waits = free},
                                            directory_, writer_);
  batch.start = batch.decider->mark();
  batch.answers.assign(batch.items.size(), Answer{});
}

void Loop::take_back(Batch& batch) {
  if (batch.decider) batch.decider->back_to(batch.start);
}

Result<void> Loop::decide_range(Batch& batch, std::size_t first, std::size_t last) {
  MITO_TRY(batch.decider->prefetch(std::span(batch.items).subspan(first, last - first)));
  for (std::size_t i = first; i < last; ++i) {
    batch.answers[i] = Answer{};
    MITO_TRY(batch.decider->decide(batch.items[i], batch.answers[i]));
  }
  return {};
}

// They ride along with a transaction that runs anyway, or, when none did for a while, have one of their own.
void Loop::join_heartbeats(Batch& batch) {
  const bool due = heartbeats_due(clock_.monotonic());
  Transaction& transaction = batch.decider->transaction();
  if (!state_.leases.any_unwritten() || (!due && !transaction.begun() && !transaction.has_round())) return;
  batch.heartbeats = state_.leases.take_unwritten();
  heartbeats_written_ = clock_.monotonic();
  transaction.heartbeats(batch.heartbeats);
}

Result<void> Loop::decide_all(Batch& batch) {
  MITO_TRY(decide_range(batch, 0, batch.items.size()));
  join_heartbeats(batch);
  return {};
}

void Loop::attempt(Batch batch) {
  for (int round = 0; round < kReconciliations; ++round) {
    start_decider(batch);
    auto done = decide_all(batch);
    if (done) {
      done = commit(batch);
      if (done) return deliver(batch);
      if (batch.decider->transaction().committing()) return commit_failed(std::move(batch), done.error());
    }
    const auto conflicts = batch.decider->transaction().conflicts();
    if (batch.decider->transaction().begun()) writer_.rollback();
    take_back(batch);
    state_.leases.put_back(std::exchange(batch.heartbeats, {}));
    if (done.error().code() == ErrorCode::kFenced) {
      requeue(batch);
      return fence();
    }
    if (is_away(done.error())) return go_away(std::move(batch), done.error());
    samples_.lock()->counters.failed_batches++;
    if (conflicts.empty()) {
      kLog.error("a batch of {} commands failed: {}", batch.items.size(), describe(done.error()));
      break;
    }
    if (const auto known = reconcile(conflicts); !known) {
      if (is_away(known.error())) return go_away(std::move(batch), known.error());
      break;
    }
  }
  start_decider(batch);
  auto done = bisect(batch);
  if (done) {
    done = commit(batch);
    if (done) return deliver(batch);
    if (batch.decider->transaction().committing()) return commit_failed(std::move(batch), done.error());
  }
  if (batch.decider->transaction().begun()) writer_.rollback();
  take_back(batch);
  if (done.error().code() == ErrorCode::kFenced) {
    requeue(batch);
    return fence();
  }
  go_away(std::move(batch), done.error());
}

Result<void> Loop::bisect(Batch& batch) {
  if (batch.items.empty()) {
    // Only heartbeats could not be written: they are facts of the past, the next ones will do.
    heartbeats_written_ = clock_.monotonic();
    state_.leases.take_unwritten();
    return {};
  }
  return bisect(batch, 0, batch.items.size());
}

// In one transaction: each part that fails is taken back to its savepoint and tried again in halves, until only the
// item that is the cause fails.
Result<void> Loop::bisect(Batch& batch, std::size_t first, std::size_t last) {
  if (first == last) return {};
  const auto write = std::find_if(batch.items.begin() + static_cast<std::ptrdiff_t>(first),
                                  batch.items.begin() + static_cast<std::ptrdiff_t>(last), is_write);
  const auto at = static_cast<std::size_t>(write - batch.items.begin());
  if (at != last && last - first > 1) {  // A write has a savepoint of its own, and there is one level of them.
    MITO_TRY(bisect(batch, first, at));
    MITO_TRY(bisect(batch, at, at + 1));
    return bisect(batch, at + 1, last);
  }
  if (at != last) {
    MITO_TRY(decide_range(batch, first, last));
    return batch.decider->finish();
  }

  Decider& decider = *batch.decider;
  MITO_TRY_ASSIGN(auto* writer, decider.transaction().writer());
  const auto mark = decider.mark();
  MITO_TRY(writer->savepoint());
  auto done = decide_range(batch, first, last);
  if (done) done = decider.finish();
  if (done) return writer->release_savepoint();
  if (is_away(done.error()) || done.error().code() == ErrorCode::kFenced) return done;
  MITO_TRY(writer->rollback_to_savepoint());
  decider.back_to(mark);
  if (last - first > 1) {
    const std::size_t middle = first + (last - first) / 2;
    MITO_TRY(bisect(batch, first, middle));
    return bisect(batch, middle, last);
  }
  kLog.error("a command failed: {}", describe(done.error()));
  batch.answers[first] = Answer{};
  batch.answers[first].error = Error(ErrorCode::kInternal, {}, done.error().internal());
  return {};
}

Result<void> Loop::reconcile(std::span<const TaskId> tasks) {
  for (const TaskId task : tasks) {
    if (!state_.scheduler.place(task)) continue;
    MITO_TRY_ASSIGN(const auto row, writer_.task_by_id(task));
    kLog.error("task {} is not in the database as we knew it; it is read anew", task.value);
    state_.watches.remove(task);
    state_.scheduler.forget(task);
    state_.undo.clear();
    if (row && !row->archived) {
      auto command = std::make_shared<Command>();
      command->request = ReloadTask{.task = task, .hands = ReloadTask::Hands::kKeep};
      command->caller = Caller::kWorker;
      command->accepted = clock_.monotonic();
      command->queued = true;
      queue_.push_front(std::move(command));
    }
  }
  return {};
}

/// What is still to be written goes along with the commit.
Result<void> Loop::commit(Batch& batch) {
  const auto began = clock_.monotonic();
  MITO_TRY(batch.decider->commit());
  if (!batch.decider->transaction().begun()) return {};
  end_trouble();
  batch_limit_ = std::min(batch_limit_ * 2, settings_.max_batch_rows);
  const auto samples = samples_.lock();
  const std::size_t slot = samples->taken++ % samples->rows.size();
  samples->rows[slot] = static_cast<std::uint32_t>(batch.decider->transaction().rows());
  samples->commits[slot] = std::chrono::duration_cast<std::chrono::microseconds>(clock_.monotonic() - began);
  ++samples->counters.batches;
  return {};
}

void Loop::commit_failed(Batch batch, const Error& error) {
  if (error.code() == ErrorCode::kUnavailable) {
    batch.number = writer_.batch();
    uncertain_ = std::move(batch);
    return back_off(error);
  }
  writer_.rollback();
  take_back(batch);
  if (is_away(error)) return go_away(std::move(batch), error);
  if (error.code() != ErrorCode::kFenced) return commit_apart(std::move(batch), error);
  requeue(batch);
  fence();
}

// The statements went well and their commit did not: savepoints would not tell which item is the cause. So the items
// are committed in ever smaller transactions, until the cause is alone and fails.
void Loop::commit_apart(Batch batch, const Error& error) {
  samples_.lock()->counters.failed_batches++;
  kLog.error("the commit of {} commands failed: {}", batch.items.size(), describe(error));
  if (batch.items.empty()) {  // As in bisect().
    heartbeats_written_ = clock_.monotonic();
    return;
  }
  if (batch.items.size() > 1) {
    batch_limit_ = batch.items.size() / 2;
    return requeue(batch);
  }
  state_.leases.put_back(std::exchange(batch.heartbeats, {}));
  batch.answers.assign(1, Answer{});
  batch.answers.front().error = Error(ErrorCode::kInternal, {}, error.internal());
  answer_item(batch.items.front(), batch.answers.front(), *batch.decider);
}

void Loop::deliver(Batch& batch) {
  Decider& decider = *batch.decider;
  Decider::Effects& effects = decider.effects();
  for (auto& effect : effects.after_commit)
    effect();
  state_.undo.clear();
  {
    const auto samples = samples_.lock();
    Statistics& counters = samples->counters;
    counters.commands += batch.items.size();
    counters.tasks_submitted += effects.tally.submitted;
    counters.tasks_claimed += effects.tally.claimed;
    counters.tasks_archived += effects.tally.archived;
    counters.tasks_released += effects.tally.released;
    counters.workers_lost += effects.tally.workers_lost;
  }
  // Before the answers: who asks again at once finds what he has reported.
  if (on_events_ && !effects.events.empty()) {
    decider.name_claimed_tasks();
    on_events_(effects.events);
  }
  for (std::size_t i = 0; i < batch.items.size(); ++i)
    answer_item(batch.items[i], batch.answers[i], decider);
  for (const auto& woken : effects.woken)
    answer_woken(woken, decider);
  for (const WorkerId worker : effects.departed)
    answer_waiting(worker, fail(ErrorCode::kWrongCredentials));
  state_.undo.clear();
  state_.scheduler.collect();
}

}  // namespace mito::core
