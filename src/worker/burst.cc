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
/// A command that takes less is short. Alone it would take a fraction, but cores may have many of them at a time.
constexpr std::chrono::milliseconds kShort{200};
/// So many short tasks in a row make it likely that more will come; fewer do when it was so before.
constexpr std::size_t kFirstStreak = 8;
constexpr std::size_t kLaterStreak = 2;
/// The tasks of a slot together are to be over within this.
constexpr std::chrono::milliseconds kHeldTime{50};
/// With fewer seats each result would be waited for.
constexpr std::size_t kFewSeats = 2;
/// A seat is added, or asks anew, after so many tasks.
constexpr std::size_t kRefill = 8;
/// After this long no result waits for others to go with it.
constexpr std::chrono::milliseconds kLongestWait{40};
/// Between two looks at what is under way while a command runs.
constexpr std::chrono::milliseconds kLook{500};
/// Without further bursts.
constexpr std::chrono::seconds kAfterGivingBack{60};
constexpr std::chrono::seconds kAfterFailure{10};
constexpr std::chrono::minutes kIdleLife{5};
constexpr std::chrono::seconds kLookUpInterval{5};
/// For answers that are to come before something else can be done.
constexpr std::chrono::seconds kAnswerPatience{5};
/// As for any result that is not synchronised to the disk.
constexpr std::chrono::seconds kUnsyncedPatience{2};

}  // namespace

/// What other threads have to say to the slot.
struct Burst::Mail {
  std::uint64_t seat = 0;
  std::optional<Call<std::string>> answer{};  ///< To a report; else …
  bool has_left = false;                      ///< … to the end of the registration.
};

class Burst::Mailbox {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  void put(Mail mail) {
    const std::lock_guard lock(mutex_);
    mails_.push_back(std::move(mail));
    changed_.notify_one();
  }
  std::vector<Mail> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(mails_, {});
  }
  /// Whether there is mail before `stop` and `deadline`.
  bool wait(const std::stop_token& stop, Deadline deadline = Deadline::max()) {
    std::unique_lock lock(mutex_);
    const auto has_mail = [this] { return !mails_.empty(); };
    if (deadline == Deadline::max()) return changed_.wait(lock, stop, has_mail);
    return changed_.wait_until(lock, stop, deadline, has_mail);
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Mail> mails_;
};

/// A registration of the slot beside its first.
class Burst::Seat : public TasksHeld {
 public:
  enum class State {
    kIdle,
    kWaiting,  ///< With a task that has not begun.
    kRunning,
    kReporting,  ///< Its report is with the courier.
    kFailed,     ///< The report was not answered as it should be.
    kLeaving,    ///< Its end is under way.
    kAbandoned,  ///< That was not answered. It has no heartbeats any more, and is tried again.
    kGone,       ///< It may be destroyed.
  };
  Seat(Burst& owner, std::uint64_t its_number, std::unique_ptr<Session> its_session, std::unique_ptr<SpoolEntry> entry)
      : number(its_number),
        session(std::move(its_session)),
        spool(std::move(entry)),
        states(owner.shared_.heartbeats.add(*session)),
        end_of_service(worker::end_of_service(owner.shared_.settings, *session)),
        parts{.link = owner.shared_.link,
              .runner = owner.runner_,
              .timer = owner.shared_.timer,
              .settings = owner.shared_.settings,
              .inherited = owner.shared_.inherited,
              .directory = owner.directory_,
              .states = *states,
              .spool = *spool,
              .wants_next = [this] { return asks_ = burst_.has_need(*this); },
              .held = this},
        burst_(owner) {}

  void hand_over(const protocol::ReportTaskReq& request) override { burst_.hand_over(*this, request); }
  std::optional<std::chrono::milliseconds> is_long() override { return burst_.look_after_others(); }
  void will_take_time() override { burst_.give_up_others(); }
  [[nodiscard]] bool is_removed() const { return session->removed.stop_requested(); }
  /// It has a task, or has asked for one.
  [[nodiscard]] bool is_busy() const {
    return state == State::kWaiting || state == State::kRunning || (state == State::kReporting && asks_);
  }

  const std::uint64_t number;
  const std::unique_ptr<Session> session;
  const std::unique_ptr<SpoolEntry> spool;
  std::unique_ptr<StateSink> states;
  const std::optional<Timestamp> end_of_service;
  const SlotParts parts;
  State state = State::kIdle;
  std::optional<protocol::WorkerTaskResp> task;
  std::string report;  ///< Of the task that has ended.
  CallError failure;   ///< With kFailed.

 private:
  Burst& burst_;
  bool asks_ = false;  ///< With the last report, for the next task.
};

Burst::Burst(const SlotShared& shared, const Session& first, ProcessRunner& runner, WorkDirectory& directory,
             const StopTokens& stops, std::function<bool()> wants_more)
    : shared_(shared),
      first_(first),
      runner_(runner),
      directory_(directory),
      stops_(stops),
      wants_more_(std::move(wants_more)),
      mailbox_(std::make_shared<Mailbox>()) {}

Burst::~Burst() {
  waiting_.clear();
  using enum Seat::State;
  for (const auto& seat : seats_)
    if (seat->state == kIdle || seat->state == kWaiting || seat->state == kAbandoned) leave(*seat);
  const auto deadline = std::chrono::steady_clock::now() + kAnswerPatience;
  while (leaving_ > 0 && mailbox_->wait({}, deadline))
    take_mail();
  for (const auto& seat : seats_)
    if (seat->state != kGone) seat->spool->leave_at_end();  // the next worker tries it
}

void Burst::note(const TaskOutcome& outcome, bool followed) {
  const bool is_short = outcome.kind == TaskOutcome::Kind::kDelivered && outcome.plain && outcome.ran < kShort;
  short_tasks_ = followed && is_short ? short_tasks_ + 1 : 0;
}

bool Burst::is_due() const {
  return short_tasks_ >= (seats_.empty() ? kFirstStreak : kLaterStreak) && shared_.prefetch >= kFewSeats &&
         shared_.timer.monotonic() >= not_before_ && shared_.courier.serves(first_.registered_at);
}

Burst::End Burst::run() {
  const EitherStop stop(stops_.end, stops_.kill);
  short_tasks_ = 0;
  over_ = false;
  clean_ = true;
  take_seats();
  while (!interrupted_ && !undelivered_) {
    take_mail();
    settle_failed();
    if (!clean_ || !wants_more_()) give_back_waiting();
    if (!waiting_.empty()) {
      run_next();
      continue;
    }
    if (under_way_ == 0) break;
    shared_.courier.send_off();
    if (!mailbox_->wait(stop.token())) break;
  }
  keep_unanswered();
  remove_gone();
  over_ = true;
  last_used_ = shared_.timer.monotonic();
  if (interrupted_) return End::kInterrupted;
  return undelivered_ ? End::kUndelivered : End::kOver;
}

void Burst::rest() {
  take_mail();
  try_abandoned();
  if (shared_.timer.monotonic() - last_used_ >= kIdleLife)
    for (const auto& seat : seats_)
      if (seat->state == Seat::State::kIdle) leave(*seat);
  remove_gone();
}

// -------------------------------------------------------------------------------------------------------------- seats

std::size_t Burst::most_seats() const {
  const auto in_time = typical_.count() == 0 ? kFewSeats : static_cast<std::size_t>(kHeldTime / typical_);
  return std::min(shared_.prefetch, std::max(in_time, kFewSeats));
}

bool Burst::has_need(const Seat& seat) const {
  const auto is_another = [&](const auto& each) { return each.get() != &seat && each->is_busy(); };
  const auto others = static_cast<std::size_t>(std::ranges::count_if(seats_, is_another));
  return !over_ && others < most_seats() && wants_more_() &&
         (!seat.end_of_service || shared_.timer.now() < *seat.end_of_service) &&
         directory_.free_space() >= shared_.settings.min_free;
}

/// Those that are there already, and as many as it takes to begin with.
void Burst::take_seats() {
  const bool usable = are_up_to_date() || (outdated_ && known_);
  for (const auto& seat : seats_)
    if (seat->state == Seat::State::kIdle &&
        (outdated_ || seat->is_removed() || (seat->end_of_service && shared_.timer.now() >= *seat->end_of_service)))
      leave(*seat);
  outdated_ = false;
  remove_gone();
  if (!usable) return;
  std::size_t count = 0;
  for (const auto& seat : seats_) {
    if (seat->state != Seat::State::kIdle) continue;
    if (!fetch(*seat)) return;
    ++count;
  }
  for (; count < kFewSeats; ++count)
    if (auto* seat = open_seat(); seat == nullptr || !fetch(*seat)) return;
}

bool Burst::are_up_to_date() {
  const auto now = shared_.timer.monotonic();
  if (known_ && now - looked_up_ < kLookUpInterval) return !outdated_;
  looked_up_ = now;
  auto found = shared_.look_up(first_.uuid, stops_.drain);
  if (!found || found->groups.empty()) {  // a registration without groups would be given one
    if (!found) kLog.debug("No tasks are fetched ahead: {}", found.error().text());
    not_before_ = now + kAfterFailure;
    outdated_ = true;
    known_.reset();
    return false;
  }
  const auto is_same = [&](const auto& before) {
    return before.info.tags == found->info.tags && before.info.labels == found->info.labels &&
           before.groups == found->groups;
  };
  if (known_ && !is_same(*known_)) outdated_ = true;
  known_ = std::move(*found);
  return !outdated_;
}

Burst::Seat* Burst::open_seat() {
  // Not given up when the worker drains: the coordinator would have a registration that nobody knows.
  const EitherStop stop(stops_.end, stops_.kill);
  auto session = shared_.registrar.register_like(*known_, stop.token());
  auto spool = session ? shared_.spool.create(**session) : fail(session.error());
  if (!spool) {
    if (spool.error().code() != ErrorCode::kCancelled)
      kLog.warn("No tasks are fetched ahead: {}", spool.error().text());
    if (session) static_cast<void>(shared_.link.unregister(**session, {}));
    not_before_ = shared_.timer.monotonic() + kAfterFailure;
    over_ = true;
    return nullptr;
  }
  (*spool)->remove_at_end();
  kLog.debug("Worker {} holds tasks that wait for their turn", (*session)->uuid.to_string());
  seats_.push_back(std::make_unique<Seat>(*this, ++last_number_, std::move(*session), std::move(*spool)));
  return seats_.back().get();
}

bool Burst::fetch(Seat& seat) {
  if (!has_need(seat)) return false;
  auto task = shared_.link.fetch(*seat.session, std::chrono::milliseconds{0}, stops_.drain);
  if (!task) {
    over_ = true;
    leave(seat);  // it may have been given a task all the same
    return false;
  }
  if (!*task) return false;
  seat.task = std::move(**task);
  seat.state = Seat::State::kWaiting;
  waiting_.push_back(&seat);
  return true;
}

void Burst::refill() {
  if (over_ || ++since_refill_ < kRefill) return;
  since_refill_ = 0;
  if (!are_up_to_date()) {
    over_ = true;
    return;
  }
  const auto idle = std::ranges::find(seats_, Seat::State::kIdle, &Seat::state);
  if (idle != seats_.end())
    fetch(**idle);
  else if (seats_.size() < most_seats() && wants_more_())
    if (auto* seat = open_seat(); seat != nullptr) fetch(*seat);
}

void Burst::leave(Seat& seat) {
  seat.task.reset();
  if (seat.is_removed()) {
    seat.state = Seat::State::kGone;
    return;
  }
  seat.state = Seat::State::kLeaving;
  ++leaving_;
  shared_.link.send_unregister(*seat.session, [mailbox = mailbox_, number = seat.number](const Call<void>& answer) {
    mailbox->put({.seat = number, .has_left = answer || answer.error().kind != CallError::Kind::kAway});
  });
}

void Burst::try_abandoned() {
  for (const auto& seat : seats_)
    if (seat->state == Seat::State::kAbandoned) leave(*seat);
}

void Burst::give_back_waiting() {
  if (waiting_.empty()) return;
  kLog.debug("{} tasks that wait for their turn are given back", waiting_.size());
  not_before_ = shared_.timer.monotonic() + kAfterGivingBack;
  for (auto* seat : std::exchange(waiting_, {}))
    leave(*seat);
}

void Burst::remove_gone() {
  std::erase_if(seats_, [](const auto& seat) { return seat->state == Seat::State::kGone; });
}

// -------------------------------------------------------------------------------------------------------------- tasks

void Burst::run_next() {
  auto& seat = *waiting_.front();
  waiting_.pop_front();
  // The answers are to be here by the time this one ends.
  if (waiting_.empty()) shared_.courier.send_off(typical_ / 2);
  seat.state = Seat::State::kRunning;
  looks_ = 0;
  auto outcome = run_task(seat.parts, *seat.session, *seat.task, stops_);
  seat.task.reset();
  typical_ = (7 * typical_ + outcome.ran) / 8;
  if (const auto reset = directory_.reset(); !reset) {  // who makes it clean tells why it was not
    over_ = true;
    clean_ = false;
  }
  if (outcome.kind != TaskOutcome::Kind::kHandedOver) {
    over_ = true;
    conclude(seat, std::move(outcome));
  }
  refill();
}

/// The task of a seat is over for us, its result delivered or not.
void Burst::conclude(Seat& seat, TaskOutcome outcome) {
  using Kind = TaskOutcome::Kind;
  seat.state = Seat::State::kIdle;
  if (outcome.kind == Kind::kKept) {
    seat.spool->leave_at_end();
    seat.state = Seat::State::kGone;
    undelivered_ = true;
  } else if (seat.is_removed()) {
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
  post(seat, kUnsyncedPatience);
}

/// While a command runs that is no short one.
std::optional<std::chrono::milliseconds> Burst::look_after_others() {
  if (looks_++ == 0) return kLongestWait;
  shared_.courier.send_off();
  if (looks_ == 2) return kShort - kLongestWait;
  over_ = true;
  take_mail();
  give_back_waiting();
  try_abandoned();
  for (const auto& seat : seats_)
    if (seat->state == Seat::State::kFailed && seat->failure.kind == CallError::Kind::kAway) post(*seat, {});
  return under_way_ > 0 || leaving_ > 0 ? std::optional(kLook) : std::nullopt;
}

/// Before something that may take long, and in which nobody looks after the others.
void Burst::give_up_others() {
  over_ = true;
  const EitherStop stop(stops_.end, stops_.kill);
  const auto deadline = std::chrono::steady_clock::now() + kAnswerPatience;
  do {
    shared_.courier.send_off();
    take_mail();
    give_back_waiting();
  } while (under_way_ > 0 && mailbox_->wait(stop.token(), deadline));
}

// ------------------------------------------------------------------------------------------------------------ answers

void Burst::take_mail() {
  for (auto& mail : mailbox_->take()) {
    const auto found = std::ranges::find(seats_, mail.seat, [](const auto& seat) { return seat->number; });
    if (found == seats_.end()) continue;
    auto& seat = **found;
    if (mail.answer) {
      --under_way_;
      take_answer(seat, std::move(*mail.answer));
    } else {
      --leaving_;
      seat.state = mail.has_left ? Seat::State::kGone : Seat::State::kAbandoned;
      if (!mail.has_left) seat.states.reset();
    }
  }
}

void Burst::take_answer(Seat& seat, Call<std::string> answer) {
  // Of a failure the report by itself has the last word: the request of several may have failed as a whole.
  auto read = answer ? shared_.link.read_report(*seat.session, std::move(answer))
                     : Call<protocol::ReportTaskNextResp>(std::unexpected(std::move(answer).error()));
  if (read) return conclude(seat, settle(seat.parts, *seat.session, std::move(read), stops_));
  over_ = true;
  seat.state = Seat::State::kFailed;
  seat.failure = std::move(read).error();
  if (const auto synced = seat.spool->sync(); !synced) kLog.warn("{}", synced.error().text());
}

void Burst::post(Seat& seat, std::chrono::milliseconds patience) {
  seat.state = Seat::State::kReporting;
  ++under_way_;
  shared_.courier.take({seat.session->token, seat.report, patience},
                       [mailbox = mailbox_, number = seat.number](Call<std::string> answer) {
                         mailbox->put({.seat = number, .answer = std::move(answer)});
                       });
}

/// As a slot that holds one task does it: until there is an answer.
void Burst::settle_failed() {
  if (std::ranges::find(seats_, Seat::State::kFailed, &Seat::state) == seats_.end()) return;
  give_up_others();
  for (const auto& seat : seats_) {
    if (seat->state != Seat::State::kFailed) continue;
    conclude(*seat, settle(seat->parts, *seat->session, std::unexpected(std::move(seat->failure)), stops_));
    // An answer that was lost may have brought a task.
    if (seat->state == Seat::State::kIdle) leave(*seat);
  }
  not_before_ = std::max(not_before_, shared_.timer.monotonic() + kAfterFailure);
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
