#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/commands.h"
#include "core/directory.h"
#include "domain/rules.h"
#include "storage/database/database.h"
#include "storage/events/event_bus.h"

namespace mito::core {

struct Settings {
  TagMatching tag_matching = TagMatching::kDocumented;
  int max_worker_losses = 3;
  std::chrono::milliseconds heartbeat_timeout{600'000};
  /// A Running task is taken from a heartbeating worker this long after its timeout …
  std::chrono::milliseconds overrun_grace{60'000};
  /// … and this much longer when the worker sends no execution states (it may be fetching resources or watching).
  std::chrono::milliseconds stateless_grace{1'800'000};
  std::size_t max_batch_rows = 1'024;
  std::size_t max_batch_bytes = 8 << 20;
  std::size_t max_queued_commands = 65'536;         ///< Beyond it, user commands are refused with kUnavailable.
  std::size_t max_queued_bytes = 256 << 20;         ///< Of user commands that wait; as above.
  std::size_t max_waiting_fetches = 100'000;        ///< Beyond it, fetches are answered at once.
  std::chrono::milliseconds database_wait{30'000};  ///< How long user commands wait for a database that is away.
};

/// Counters for `/metrics` and `/health`. A copy, taken at any time from any thread.
struct Statistics {
  std::uint64_t batches = 0;
  std::uint64_t commands = 0;
  std::uint64_t failed_batches = 0;
  std::uint64_t refused_commands = 0;
  std::uint64_t tasks_submitted = 0;
  std::uint64_t tasks_claimed = 0;
  std::uint64_t tasks_archived = 0;
  std::uint64_t tasks_released = 0;
  std::uint64_t queued_tasks = 0;                 ///< Ready tasks in the scheduler.
  std::optional<Clock::Monotonic> oldest_queued;  ///< When the oldest of them was submitted.
  std::uint64_t running_tasks = 0;
  std::uint64_t workers = 0;
  std::uint64_t workers_lost = 0;  ///< Removed because they were silent or their task overran.
  std::uint64_t waiting_fetches = 0;
  std::uint64_t queue_length = 0;           ///< Commands waiting now.
  double batch_size_mean = 0;               ///< Over the last 1,024 batches.
  std::chrono::microseconds commit_p50{0};  ///< Writing included.
  std::chrono::microseconds commit_p99{0};
  bool database_away = false;
};

/// The scheduler, the loop that makes its decisions durable, and their thread ("core").
///
/// All functions may be called from any thread and never block. Replies: see commands.h. Between start() and stop()
/// every accepted command is answered; after stop() commands are refused with kUnavailable.
class Core {
 public:
  /// `writer` and `directory` are used on the core thread only from now on (the directory is also read elsewhere).
  Core(Settings settings, const Clock& clock, std::unique_ptr<storage::Writer> writer, Directory& directory);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// Loads what the database holds into scheduler and directory, then starts the thread. Fails when it cannot be read.
  Result<void> start();
  /// Answers waiting fetches with nothing, finishes what is queued, ends the thread. Idempotent.
  void stop();
  /// From now on fetches and `next` answer nothing (the coordinator drains).
  void drain();
  /// Reads users, groups, memberships and workers anew, after somebody has changed their rows by hand. Until it is
  /// done, what was known holds.
  void reload_directory();
  /// Called on the core thread when another coordinator has taken over; the process must end.
  void on_fenced(std::move_only_function<void()> handler);

  /// What tasks have come to, in order, after the transaction that made it so. Called on the core thread; must not
  /// block. Before start().
  void on_events(std::move_only_function<void(std::span<const storage::TaskEvent>)> handler);

  /// One result per task, in order. The whole is stored or refused together only as far as single members allow:
  /// a member can fail alone.
  void submit(std::vector<SubmitTask> tasks, Reply<std::vector<Result<Submitted>>> reply);

  /// Names a waiting fetch, for withdraw().
  using Ticket = std::uint64_t;
  /// Nothing: no task within `wait`. kWrongCredentials: no such worker (it was removed).
  Ticket fetch(Fetch fetch, Reply<std::optional<AssignedTask>> reply);
  /// The worker does not wait any more (its connection closed). A task that was given to it meanwhile stays assigned;
  /// the next fetch of that worker answers it again. Harmless when the fetch was answered. Its reply still comes.
  void withdraw(Ticket ticket);

  /// kNotFound ("Task <id>"): no active task of that id held by this worker. kInvalidRequest with the original's texts.
  void report(WorkerId worker, TaskId task, ReportOp op, Reply<ReportAnswer> reply);
  struct Report {
    WorkerId worker;
    TaskId task;
    ReportOp op;
    Reply<ReportAnswer> reply;
  };
  /// Several at once, as far as a batch holds them in one transaction; each is answered by itself.
  void report(std::vector<Report> reports);

  void register_worker(RegisterWorker worker, Reply<WorkerId> reply);
  /// `false`: no such worker. Graceful with a task: it leaves when its task is committed.
  void remove_worker(WorkerId worker, Removal removal, Reply<bool> reply);
  /// Answers at once from memory, also while the database is away; written behind. kWrongCredentials: no such worker.
  /// Takes an overrunning task away together with the worker, as the original does (reference/server.md 5.5).
  void heartbeat(WorkerId worker, Reply<void> reply);
  /// Latest execution state of the task the worker holds; `false`: it does not hold it.
  void set_exec_state(WorkerId worker, TaskUuid task, TaskExecState state, Reply<bool> reply,
                      Telling telling = Telling::kEvent);
  /// Replaces tags or access rows (rows already written in `write`'s transaction are re-read by the caller): takes
  /// effect at once for tasks that wait.
  void set_worker_tags(WorkerId worker, std::vector<std::string> tags, Reply<void> reply);
  void set_worker_labels(WorkerId worker, std::vector<std::string> labels, Reply<void> reply);
  void upsert_worker_access(WorkerId worker, std::vector<std::pair<GroupId, Role>> access, Reply<void> reply);
  void remove_worker_access(WorkerId worker, std::vector<GroupId> groups, Reply<void> reply);

  /// Only Ready tasks, or also Pending ones. One flag per task, in order: whether it was cancelled.
  void cancel(std::vector<TaskUuid> tasks, bool also_pending, Reply<std::vector<bool>> reply);
  /// `false`: not a Ready task.
  void change(ChangeTask change, Reply<bool> reply);

  /// Any other write (users, groups, objects, labels): see Write. The reply carries no value; let the closure keep one.
  void write(Write work, Reply<void> reply, Caller caller = Caller::kUser);

  [[nodiscard]] Statistics statistics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mito::core
