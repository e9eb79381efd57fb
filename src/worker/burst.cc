#include "worker/burst.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/logging.h"
#include "protocol/codec.h"
#include "worker/courier.h"
#include "worker/task_run.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr std::chrono::milliseconds kShort{50};
/// So many short tasks in a row make it likely that more will come; fewer do when it was so before.
constexpr std::size_t kFirstStreak = 8;
constexpr std::size_t kLaterStreak = 2;
/// Registrations of all slots together are enough at about so many: a request is full enough then.
constexpr std::size_t kManySeats = 32;
/// A seat that got no task with its last answer asks again after so many tasks of the others.
constexpr std::size_t kRefill = 8;
/// How long a command may take before the tasks that wait for it are given back.
constexpr std::chrono::milliseconds kPatience{100};
/// Between two looks at reports that are under way while a command runs.
constexpr std::chrono::milliseconds kLook{500};
/// Seats that had to be given up are not made again before.
constexpr std::chrono::seconds kAfterGivingBack{60};
constexpr std::chrono::seconds kAfterFailure{10};
constexpr std::chrono::minutes kIdleLife{5};
constexpr std::chrono::seconds kLeavePatience{5};
/// As for any result that is not synced to the disk.
constexpr std::chrono::seconds kUnsyncedPatience{2};

}  // namespace

/// What other threads have to say to the slot. Outlives the burst with whoever still owes an answer.
struct Burst::Mail {
  std::uint64_t seat = 0;
  std::optional<Call<std::string>> answer{};  ///< To a report; else …
  bool has_left = false;                      ///< … to the end of the registration.
};

class Burst::Mailbox {
 public:
  void put(Mail mail) {
    const std::lock_guard lock(mutex_);
    mails_.push_back(std::move(mail));
    changed_.notify_one();
  }
  std::vector<Mail> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(mails_, {});
  }
  /// False when `stop` came first.
  bool wait(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    return changed_.wait(lock, stop, [this] { return !mails_.empty(); });
  }
  void wait_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [this] { return !mails_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Mail> mails_;
};

/// A registration of the slot beside its first.
struct Burst::Seat {
  enum class State {
    kIdle,
    kWaiting,  ///< With a task that has not begun.
    kRunning,
    kReporting,  ///< Its report is with the courier.
    kFailed,     ///< The report was not answered as it should be.
    kLeaving,    ///< Its end is under way.
    kGone,       ///< It may be destroyed.
  };
  std::uint64_t number = 0;
  std::unique_ptr<Session> session;
  std::unique_ptr<SpoolEntry> spool;
  std::unique_ptr<StateSink> states;
  std::optional<SlotParts> parts;
  std::optional<Timestamp> end_of_service;
  State state = State::kIdle;
  std::optional<protocol::WorkerTaskResp> task;
  std::string report;  ///< Of the task that has ended.
  CallError failure;
};

Burst::Burst(const SlotShared& shared, ProcessRunner& runner, WorkDirectory& directory, const StopTokens& stops,
             std::function<bool()> wants_more)
    : shared_(shared),
      runner_(runner),
      directory_(directory),
      stops_(stops),
      wants_more_(std::move(wants_more)),
      mailbox_(std::make_shared<Mailbox>()) {}

Burst::~Burst() {
  waiting_.clear();
  for (const auto& seat : seats_)
    if (seat->state == Seat::State::kIdle || seat->state == Seat::State::kWaiting) leave(*seat);
  const auto deadline = std::chrono::steady_clock::now() + kLeavePatience;
  while (leaving_ > 0 && std::chrono::steady_clock::now() < deadline) {
    mailbox_->wait_until(deadline);
    for (const auto& mail : mailbox_->take())
      if (!mail.answer) --leaving_;
  }
}

void Burst::note(bool followed, const TaskOutcome& outcome) {
  const bool is_short = outcome.kind == TaskOutcome::Kind::kDelivered && outcome.ran < kShort;
  short_tasks_ = followed && is_short ? short_tasks_ + 1 : 0;
}

bool Burst::is_due() const {
  return short_tasks_ >= (seats_.empty() ? kFirstStreak : kLaterStreak) && most_seats() > 0 &&
         shared_.timer.monotonic() >= not_before_;
}

Burst::End Burst::run() {
  const EitherStop stop(stops_.end, stops_.kill);
  short_tasks_ = 0;
  over_ = false;
  open_seats();
  for (const auto& seat : seats_)
    if (seat->state == Seat::State::kIdle && !fetch(*seat)) break;
  while (!interrupted_ && !undelivered_) {
    take_mail(Meanwhile::kIdle);
    settle_failed();
    if (!wants_more_()) give_back_waiting();
    if (waiting_.empty()) {
      if (under_way_ == 0) break;
      shared_.courier.send_off();
      if (!mailbox_->wait(stop.token())) break;
      continue;
    }
    auto& seat = *waiting_.front();
    waiting_.pop_front();
    // The answers are to be here when this one has ended.
    if (waiting_.empty()) shared_.courier.send_off(typical_ / 2);
    run_one(seat);
  }
  keep_unanswered();
  remove_gone();
  over_ = true;
  last_used_ = shared_.timer.monotonic();
  if (interrupted_) return End::kInterrupted;
  return undelivered_ ? End::kUndelivered : End::kOver;
}

std::size_t Burst::most_seats() const {
  const auto& settings = shared_.settings;
  return std::min(settings.prefetch, std::max<std::size_t>(2, kManySeats / settings.slots));
}

void Burst::rest() {
  take_mail(Meanwhile::kIdle);
  if (shared_.timer.monotonic() - last_used_ >= kIdleLife)
    for (const auto& seat : seats_)
      if (seat->state == Seat::State::kIdle) leave(*seat);
  remove_gone();
}

// ------------------------------------------------------------------------------------------------------------ seats

void Burst::open_seats() {
  const auto now = shared_.timer.now();
  for (const auto& seat : seats_)
    if (seat->state == Seat::State::kIdle && seat->end_of_service && now >= *seat->end_of_service) leave(*seat);
  remove_gone();
  while (seats_.size() < most_seats() && wants_more_()) {
    auto seat = make_seat();
    if (!seat) {
      not_before_ = shared_.timer.monotonic() + kAfterFailure;
      return;
    }
    seats_.push_back(std::move(seat));
  }
}

std::unique_ptr<Burst::Seat> Burst::make_seat() {
  auto session = shared_.registrar.register_once(stops_.drain);
  if (!session) {
    kLog.debug("No tasks are fetched ahead: {}", session.error().text());
    return nullptr;
  }
  auto seat = std::make_unique<Seat>();
  seat->number = ++last_seat_;
  seat->session = std::move(*session);
  auto spool = shared_.spool.create(*seat->session);
  if (!spool) {
    kLog.warn("No tasks are fetched ahead: {}", spool.error().text());
    static_cast<void>(shared_.link.unregister(*seat->session, {}));
    return nullptr;
  }
  seat->spool = std::move(*spool);
  seat->spool->remove_at_end();
  seat->states = shared_.heartbeats.add(*seat->session);
  seat->end_of_service = end_of_service(shared_.settings, *seat->session);
  seat->parts.emplace(SlotParts{.link = shared_.link,
                                .runner = runner_,
                                .timer = shared_.timer,
                                .settings = shared_.settings,
                                .inherited = shared_.inherited,
                                .directory = directory_,
                                .states = *seat->states,
                                .spool = *seat->spool,
                                .wants_next = [this] { return has_need(); },
                                .hand_over = [this, &seat = *seat](const auto& report) { hand_over(seat, report); },
                                .is_long = [this] { return look_after_others(); }});
  kLog.debug("Worker {} holds tasks that wait for their turn", seat->session->uuid.to_string());
  return seat;
}

bool Burst::has_need() const {
  return !over_ && wants_more_() && directory_.free_space() >= shared_.settings.min_free;
}

bool Burst::fetch(Seat& seat) {
  if (!has_need()) return false;
  auto task = shared_.link.fetch(*seat.session, std::chrono::milliseconds{0}, stops_.drain);
  if (!task) {
    over_ = true;
    if (seat.session->removed.stop_requested()) seat.state = Seat::State::kGone;
    return false;
  }
  if (!*task) return false;
  seat.task = std::move(**task);
  seat.state = Seat::State::kWaiting;
  waiting_.push_back(&seat);
  return true;
}

void Burst::leave(Seat& seat) {
  seat.task.reset();
  if (seat.session->removed.stop_requested()) {
    seat.state = Seat::State::kGone;
    return;
  }
  seat.state = Seat::State::kLeaving;
  ++leaving_;
  shared_.link.send_unregister(*seat.session, [mailbox = mailbox_, number = seat.number](Call<void> answer) {
    mailbox->put({.seat = number, .has_left = answer || answer.error().kind != CallError::Kind::kAway});
  });
}

void Burst::give_back_waiting() {
  if (waiting_.empty()) return;
  kLog.debug("{} tasks that wait for their turn are given back", waiting_.size());
  for (auto* seat : std::exchange(waiting_, {}))
    leave(*seat);
}

void Burst::remove_gone() {
  std::erase_if(seats_, [](const auto& seat) { return seat->state == Seat::State::kGone; });
}

// ------------------------------------------------------------------------------------------------------------ tasks

void Burst::run_one(Seat& seat) {
  seat.state = Seat::State::kRunning;
  looks_ = 0;
  auto outcome = run_task(*seat.parts, *seat.session, *seat.task, stops_);
  typical_ = (7 * typical_ + outcome.ran) / 8;
  seat.task.reset();
  if (const auto reset = directory_.reset(); !reset) over_ = true;  // who runs the next task tells why
  if (outcome.kind != TaskOutcome::Kind::kHandedOver) {
    over_ = true;
    conclude(seat, std::move(outcome));
  }
  if (++since_refill_ < kRefill) return;
  since_refill_ = 0;
  const auto idle = std::ranges::find(seats_, Seat::State::kIdle, &Seat::state);
  if (idle != seats_.end()) fetch(**idle);
}

/// The task of a seat is over for us, its result delivered or not.
void Burst::conclude(Seat& seat, TaskOutcome outcome) {
  using Kind = TaskOutcome::Kind;
  seat.state = Seat::State::kIdle;
  if (outcome.kind == Kind::kKept) {
    seat.spool->leave_at_end();
    seat.state = Seat::State::kGone;
    undelivered_ = true;
  } else if (seat.session->removed.stop_requested()) {
    seat.state = Seat::State::kGone;
    over_ = true;
  } else if (outcome.kind == Kind::kInterrupted) {
    interrupted_ = true;
  } else if (outcome.next) {
    seat.task = std::move(outcome.next);
    seat.state = Seat::State::kWaiting;
    waiting_.push_back(&seat);
  }
}

void Burst::hand_over(Seat& seat, const protocol::ReportTaskReq& report) {
  seat.report = protocol::encode(report);
  seat.state = Seat::State::kReporting;
  ++under_way_;
  shared_.courier.take({seat.session->token, seat.report, kUnsyncedPatience},
                       [mailbox = mailbox_, number = seat.number](Call<std::string> answer) {
                         mailbox->put({.seat = number, .answer = std::move(answer)});
                       });
}

// ---------------------------------------------------------------------------------------------------------- answers

void Burst::take_mail(Meanwhile meanwhile) {
  for (auto& mail : mailbox_->take()) {
    const auto found = std::ranges::find(seats_, mail.seat, [](const auto& seat) { return seat->number; });
    if (found == seats_.end()) continue;
    auto& seat = **found;
    if (mail.answer) {
      --under_way_;
      take_answer(seat, std::move(*mail.answer), meanwhile);
    } else {
      --leaving_;
      if (!mail.has_left) seat.spool->leave_at_end();
      seat.state = Seat::State::kGone;
    }
  }
}

void Burst::take_answer(Seat& seat, Call<std::string> answer, Meanwhile meanwhile) {
  auto read = shared_.link.read_report(*seat.session, std::move(answer));
  if (read) {
    conclude(seat, settle(*seat.parts, *seat.session, std::move(read), stops_));
    return;
  }
  over_ = true;
  seat.state = Seat::State::kFailed;
  seat.failure = std::move(read).error();
  if (meanwhile == Meanwhile::kIdle || seat.failure.kind != CallError::Kind::kAway) return;
  // The result is not to wait for the command: it goes again and again, as it would by itself.
  if (const auto synced = seat.spool->sync(); !synced) kLog.warn("{}", synced.error().text());
  seat.state = Seat::State::kReporting;
  ++under_way_;
  shared_.courier.take({seat.session->token, seat.report},
                       [mailbox = mailbox_, number = seat.number](Call<std::string> again) {
                         mailbox->put({.seat = number, .answer = std::move(again)});
                       });
}

/// While a command runs that is not short: nobody shall wait for it.
std::optional<std::chrono::milliseconds> Burst::look_after_others() {
  if (looks_++ == 0) return kShort;
  shared_.courier.send_off();
  if (looks_ == 2) return kPatience;
  over_ = true;
  take_mail(Meanwhile::kRunning);
  if (!waiting_.empty()) not_before_ = shared_.timer.monotonic() + kAfterGivingBack;
  give_back_waiting();
  return under_way_ > 0 || leaving_ > 0 ? std::optional(kLook) : std::nullopt;
}

void Burst::settle_failed() {
  for (const auto& seat : seats_) {
    if (seat->state != Seat::State::kFailed) continue;
    not_before_ = shared_.timer.monotonic() + kAfterFailure;
    conclude(*seat, settle(*seat->parts, *seat->session, std::unexpected(std::move(seat->failure)), stops_));
  }
}

/// The worker stops: what was not answered is in the spool, for the next one.
void Burst::keep_unanswered() {
  for (const auto& seat : seats_) {
    if (seat->state != Seat::State::kReporting && seat->state != Seat::State::kFailed) continue;
    if (const auto synced = seat->spool->sync(); !synced) kLog.warn("{}", synced.error().text());
    seat->spool->leave_at_end();
    seat->state = Seat::State::kGone;
    undelivered_ = true;
  }
  under_way_ = 0;
}

}  // namespace mito::worker
