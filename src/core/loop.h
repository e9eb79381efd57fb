#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "base/time.h"
#include "core/core.h"
#include "core/decider.h"
#include "core/requests.h"

namespace mito::core {

/// Makes decisions durable: takes the commands that wait, lets the decider decide, runs one transaction, then answers.
///
/// Passive and single-threaded: whoever owns it calls run() when has_work() says so or wake_at() has come. The thread
/// of Core does, and so does the simulation, which turns the clock itself. Nothing is answered before its transaction
/// has committed, but what needs none: heartbeats, and fetches that find nothing.
class Loop {
 public:
  Loop(const Settings& settings, const Clock& clock, storage::Writer& writer, Directory& directory);

  /// Reads everything from the database.
  Result<void> load();

  void accept(std::shared_ptr<Command> command);
  void heartbeat(WorkerId worker, Reply<void> reply);
  void withdraw(Core::Ticket ticket);
  /// No task is handed out any more; waiting fetches are answered with nothing.
  void drain();
  /// Reads anew who may do what; a failure is logged and leaves it as it was.
  void reload_directory();
  /// Runs at most one batch.
  void run();
  /// Drains, does what is queued, refuses what cannot be done now. Nothing may be accepted after it.
  void finish();

  [[nodiscard]] bool has_work() const;
  /// When there will be something to do if nothing is accepted before.
  [[nodiscard]] std::optional<Clock::Monotonic> wake_at() const;

  /// Called once, when another coordinator has taken over.
  void on_fenced(std::move_only_function<void()> handler) { on_fenced_ = std::move(handler); }
  [[nodiscard]] bool fenced() const { return fenced_; }
  /// Called after each transaction with what it has brought tasks to.
  void on_events(std::move_only_function<void(std::span<const storage::TaskEvent>)> handler) {
    on_events_ = std::move(handler);
  }

  /// Any thread.
  [[nodiscard]] Statistics statistics() const;

  /// For tests: what is in memory.
  [[nodiscard]] const State& state() const { return state_; }
  [[nodiscard]] bool database_away() const { return away_; }

 private:
  struct Batch {
    std::vector<Item> items;
    std::vector<Answer> answers;
    std::vector<std::pair<WorkerId, Timestamp>> heartbeats;
    std::unique_ptr<Decider> decider;
    Decider::Mark start;
    std::uint64_t number = 0;
  };
  struct Waiting {
    std::shared_ptr<Command> command;
    Core::Ticket ticket = 0;
  };

  // loop_recovery.cc
  Result<void> load_directory();
  Result<void> read_directory(Directory& into);
  Result<void> load_workers(std::unordered_map<WorkerId, std::optional<TaskId>>& holdings);
  Result<void> load_tasks(const std::unordered_map<WorkerId, std::optional<TaskId>>& holdings);
  void load_task(storage::Queries::ActiveTask task,
                 const std::unordered_map<WorkerId, std::optional<TaskId>>& holdings);

  // loop_batch.cc
  Batch form(Clock::Monotonic now);
  void form_internal(Batch& batch, Clock::Monotonic now);
  void attempt(Batch batch);
  Result<void> decide_all(Batch& batch);
  Result<void> bisect(Batch& batch);
  Result<void> bisect(Batch& batch, std::size_t first, std::size_t last);
  Result<void> decide_range(Batch& batch, std::size_t first, std::size_t last);
  void join_heartbeats(Batch& batch);
  void start_decider(Batch& batch);
  void take_back(Batch& batch);
  Result<void> reconcile(std::span<const TaskId> tasks);
  Result<void> commit(Batch& batch);
  void commit_failed(Batch batch, const Error& error);
  void commit_apart(Batch batch, const Error& error);
  void deliver(Batch& batch);

  // loop_answers.cc
  void answer_item(const Item& item, Answer& answer, Decider& decider);
  void answer(SubmitRequest& request, const Item& item, Answer& answer, Decider& decider);
  void answer(FetchRequest& request, const Item& item, Answer& answer, Decider& decider);
  void answer(ReportRequest& request, const Item& item, Answer& answer, Decider& decider);
  void answer(RegisterRequest& request, const Item& item, Answer& answer, Decider& decider);
  void answer(RemoveRequest& request, const Item& item, Answer& answer, Decider& decider);
  void answer(ExecStateRequest& request, const Item& item, Answer& answer, Decider& decider);
  void answer(ChangeWorkerRequest& request, const Item& item, Answer& answer, Decider& decider);
  void answer(CancelRequest& request, const Item& item, Answer& answer, Decider& decider);
  void answer(ChangeRequest& request, const Item& item, Answer& answer, Decider& decider);
  void answer(WriteRequest& request, const Item& item, Answer& answer, Decider& decider);
  void bring(WorkerId id, Answer& answer, Decider& decider);
  void answer_woken(const Decider::Woken& woken, Decider& decider);
  void postpone(Command& command);
  /// Answers the worker's waiting fetch, if there is one; the scheduler knows already.
  void answer_waiting(WorkerId worker, Result<std::optional<AssignedTask>> answer);
  /// The worker's fetch waits no longer.
  void end_waiting(WorkerId worker);
  void expire_waiting(Clock::Monotonic now);
  void drop_orphan_waiters();
  void refuse(Command& command, const Error& error);

  // loop.cc
  void enqueue(std::shared_ptr<Command> command);
  void enqueue(Request request);
  void requeue(Batch& batch);
  void go_away(Batch batch, const Error& error);
  void back_off(const Error& error);
  bool come_back(Clock::Monotonic now);
  /// The database writes again.
  void end_trouble();
  void refuse_overdue(Clock::Monotonic now);
  void refuse_if_overdue(Command& command, Clock::Monotonic now);
  void fence();
  void notice_stall(Clock::Monotonic now);
  void publish();
  [[nodiscard]] bool heartbeats_due(Clock::Monotonic now) const;

  const Settings settings_;
  const Clock& clock_;
  storage::Writer& writer_;
  Directory& directory_;
  State state_;

  std::deque<std::shared_ptr<Command>> queue_;
  std::unordered_map<WorkerId, Waiting> waiting_;
  std::unordered_map<Core::Ticket, WorkerId> tickets_;  ///< Of those that wait.
  Deadlines<WorkerId> waiting_until_;
  std::vector<WorkerId> ended_while_uncertain_;
  std::multimap<Clock::Monotonic, Request> later_;  ///< Of our own requests, what failed and is to be tried again.

  std::size_t batch_limit_;  ///< Items; fewer than the settings allow while a commit fails for an unknown reason.
  std::optional<Batch> uncertain_;  ///< Its commit may or may not have happened.
  /// Of a database that cannot be written: it is away until it can be reached, and in trouble until something is
  /// committed.
  struct Trouble {
    Clock::Monotonic since;
    Clock::Monotonic told;  ///< When the log said so last.
    std::chrono::milliseconds back_off;
    ErrorCode cause;
  };
  std::optional<Trouble> trouble_;
  bool away_ = false;
  Clock::Monotonic retry_at_;
  Clock::Monotonic heartbeats_written_;
  Clock::Monotonic no_loss_before_;
  std::optional<Clock::Monotonic> expected_wake_;
  bool fenced_ = false;
  std::move_only_function<void()> on_fenced_;
  std::move_only_function<void(std::span<const storage::TaskEvent>)> on_events_;

  struct Samples {
    Statistics counters;
    std::array<std::uint32_t, 1'024> rows{};
    std::array<std::chrono::microseconds, 1'024> commits{};
    std::size_t taken = 0;
  };
  Sync<Samples> samples_;
};

}  // namespace mito::core
