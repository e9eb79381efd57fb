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
// Each seat is an ordinary registration with at most one task and its own place in the spool: for the coordinator,
// after a crash, and for `mito workers` it is a worker like others. A task that waits must not wait long: when a
// command turns out to take its time, the seats that hold others unregister, which gives the tasks to whoever is free,
// and the slot goes on as one that holds one task.
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
  /// `wants_more`: whether the slot takes further tasks.
  Burst(const SlotShared& shared, ProcessRunner& runner, WorkDirectory& directory, const StopTokens& stops,
        std::function<bool()> wants_more);
  /// Unregisters what is left.
  ~Burst();
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

  /// A task was run in the ordinary way: whether it had come with the answer to the one before, so that more are to be
  /// expected, and how it went.
  void note(bool followed, const TaskOutcome& outcome);
  /// Whether the last tasks were such that run() is worth its while. No task should be held then.
  [[nodiscard]] bool is_due() const;
  /// Runs tasks until there are none, or one is not short, or no more are wanted.
  End run();
  /// Gives up seats that have not been used for minutes.
  void rest();

 private:
  struct Seat;
  class Mailbox;
  struct Mail;

  [[nodiscard]] std::size_t most_seats() const;
  void open_seats();
  std::unique_ptr<Seat> make_seat();
  /// Whether the seat got a task.
  bool fetch(Seat& seat);
  [[nodiscard]] bool has_need() const;
  void run_one(Seat& seat);
  void conclude(Seat& seat, TaskOutcome outcome);
  void hand_over(Seat& seat, const protocol::ReportTaskReq& report);
  /// What came meanwhile. While a command runs, nothing that could block is begun.
  enum class Meanwhile { kIdle, kRunning };
  void take_mail(Meanwhile meanwhile);
  void take_answer(Seat& seat, Call<std::string> answer, Meanwhile meanwhile);
  std::optional<std::chrono::milliseconds> look_after_others();
  void settle_failed();
  void give_back_waiting();
  void leave(Seat& seat);
  void keep_unanswered();
  void remove_gone();

  const SlotShared& shared_;
  ProcessRunner& runner_;
  WorkDirectory& directory_;
  const StopTokens& stops_;
  std::function<bool()> wants_more_;
  std::shared_ptr<Mailbox> mailbox_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::deque<Seat*> waiting_;  ///< With a task, in the order in which they got it.
  std::uint64_t last_seat_ = 0;
  std::size_t under_way_ = 0;    ///< Reports that are not answered.
  std::size_t leaving_ = 0;      ///< Seats whose end is not answered.
  std::size_t short_tasks_ = 0;  ///< In a row.
  std::size_t since_refill_ = 0;
  std::size_t looks_ = 0;                ///< At the command that runs now.
  std::chrono::nanoseconds typical_{0};  ///< Time a command takes here.
  bool over_ = true;                     ///< No further tasks for now.
  bool interrupted_ = false;
  bool undelivered_ = false;
  Clock::Monotonic not_before_{};
  Clock::Monotonic last_used_{};
};

}  // namespace mito::worker
