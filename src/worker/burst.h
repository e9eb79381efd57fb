#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "worker/slot.h"

// A task that takes a millisecond is over long before its result has been to the coordinator and the next one is here.
// When a slot sees one short task after the other, it fetches ahead: further registrations of its own, *seats*, hold
// tasks that wait for their turn, and results go to the courier, who brings those of all slots together. So neither the
// way to the coordinator nor its commit is in the way of the next command. One command runs at a time, as ever.
//
// Each seat is an ordinary registration with at most one task and its own place in the spool: to the coordinator, to
// `mito workers` and to whoever comes after a crash it is a worker like any other. A task must not wait long. So only
// as many are held as are over within kHeldTime; and when a command turns out to take its time, or a task needs inputs
// or uploads, the seats whose tasks wait unregister, which gives these to whoever is free, and the slot goes on as one
// that holds a single task.
namespace mito::worker {

/// Runs short tasks of one slot ahead of their reports. One thread, that of the slot.
class Burst {
 public:
  /// How a run has ended.
  enum class End {
    kOver,         ///< With nothing at hand.
    kInterrupted,  ///< A task was left unfinished: the worker stops.
    kUndelivered,  ///< A result is in the spool: the worker stops.
  };
  /// `first`: the registration of the slot; what its tags, labels and groups are changed to, the seats follow within
  /// seconds. `wants_more`: whether the slot takes further tasks. All outlive the burst.
  Burst(const SlotShared& shared, const Session& first, ProcessRunner& runner, WorkDirectory& directory,
        const StopTokens& stops, std::function<bool()> wants_more);
  /// Unregisters what is left; at most some seconds.
  ~Burst();
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

  /// A task was run in the ordinary way: how it went, and whether it had come with the answer to the one before, so
  /// that more are to be expected.
  void note(const TaskOutcome& outcome, bool followed);
  /// Whether the last tasks were such that run() is worth its while. No task should be held then.
  [[nodiscard]] bool is_due() const;
  /// Runs tasks until there are none, one turns out not to be short, or no more are wanted. The directory is clean
  /// before and has to be reset after it.
  End run();
  /// To be called now and then: gives up seats that have not been used for minutes.
  void rest();

 private:
  class Seat;
  class Mailbox;
  struct Mail;

  // Seats
  [[nodiscard]] std::size_t most_seats() const;
  [[nodiscard]] bool has_need(const Seat& seat) const;
  void take_seats();
  /// Whether the seats are what the first registration is.
  bool are_up_to_date();
  /// A further seat, if one can be had.
  Seat* open_seat();
  /// Whether the seat got a task.
  bool fetch(Seat& seat);
  /// Another task for the slot, if there is a seat for it.
  void refill();
  void leave(Seat& seat);
  /// Once more, what was not answered before.
  void try_abandoned();
  void give_back_waiting();
  void remove_gone();

  // Tasks
  void run_next();
  void conclude(Seat& seat, TaskOutcome outcome);
  void hand_over(Seat& seat, const protocol::ReportTaskReq& report);
  std::optional<std::chrono::milliseconds> look_after_others();
  void give_up_others();

  // Answers
  void take_mail();
  void take_answer(Seat& seat, Call<std::string> answer);
  void post(Seat& seat, std::chrono::milliseconds patience);
  void settle_failed();
  void keep_unanswered();

  const SlotShared& shared_;
  const Session& first_;
  ProcessRunner& runner_;
  WorkDirectory& directory_;
  const StopTokens& stops_;
  std::function<bool()> wants_more_;
  std::shared_ptr<Mailbox> mailbox_;  ///< Also of those who still owe an answer.
  std::vector<std::unique_ptr<Seat>> seats_;
  std::optional<protocol::WorkerQueryResp> known_;  ///< What the seats are registered as.
  Clock::Monotonic looked_up_{};
  bool outdated_ = false;      ///< The seats are not what they should be.
  std::deque<Seat*> waiting_;  ///< With a task, in the order in which they got it.
  std::uint64_t last_number_ = 0;
  std::size_t under_way_ = 0;            ///< Reports that are not answered.
  std::size_t leaving_ = 0;              ///< Seats whose end is not answered.
  std::size_t short_tasks_ = 0;          ///< In a row, run in the ordinary way.
  std::size_t since_refill_ = 0;         ///< Tasks.
  std::size_t looks_ = 0;                ///< At the command that runs.
  std::chrono::nanoseconds typical_{0};  ///< Time a command takes here.
  bool over_ = true;                     ///< No further tasks for now.
  bool clean_ = true;                    ///< The directory is.
  bool interrupted_ = false;
  bool undelivered_ = false;
  Clock::Monotonic not_before_{};
  Clock::Monotonic last_used_{};
};

}  // namespace mito::worker
