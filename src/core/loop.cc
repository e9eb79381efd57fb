#include "core/loop.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"

namespace mito::core {
namespace {

using std::chrono::milliseconds;

constexpr log::Source kLog{"netmito::core"};

constexpr milliseconds kFirstBackOff{50};
constexpr milliseconds kLongestBackOff{2'000};
/// How often the log says that the database is still away.
constexpr milliseconds kReminder{30'000};
/// Heartbeats wait at most this long for a batch they can join.
constexpr milliseconds kHeartbeatsWait{5'000};
/// Waking this late means that the machine slept or was overloaded: heartbeats may be on their way that are older.
constexpr milliseconds kStall{2'000};
constexpr milliseconds kStallGrace{15'000};

}  // namespace

Loop::Loop(const Settings& settings, const Clock& clock, storage::Writer& writer, Directory& directory)
    : settings_(settings),
      clock_(clock),
      writer_(writer),
      directory_(directory),
      state_(settings.tag_matching),
      batch_limit_(settings.max_batch_rows),
      heartbeats_written_(clock.monotonic()),
      no_loss_before_(clock.monotonic()) {}

void Loop::enqueue(std::shared_ptr<Command> command) {
  command->queued = true;
  queue_.push_back(std::move(command));
}

void Loop::enqueue(Request request) {
  auto command = std::make_shared<Command>();
  command->request = std::move(request);
  command->caller = Caller::kWorker;
  command->accepted = clock_.monotonic();
  enqueue(std::move(command));
}

void Loop::accept(std::shared_ptr<Command> command) {
  if (fenced_) return refuse(*command, Error(ErrorCode::kUnavailable, "Another coordinator has taken over."));
  const auto* fetch = std::get_if<FetchRequest>(&command->request);
  if (away_ && fetch != nullptr && fetch->fetch.wait.count() <= 0) {
    auto& reply = std::get<FetchRequest>(command->request).reply;
    if (state_.scheduler.worker(fetch->fetch.worker) == nullptr) return reply(fail(ErrorCode::kWrongCredentials));
    return reply(std::nullopt);
  }
  enqueue(std::move(command));
}

void Loop::heartbeat(WorkerId id, Reply<void> reply) {
  const auto now = clock_.monotonic();
  const auto* worker = state_.scheduler.worker(id);
  if (fenced_ || worker == nullptr || !state_.leases.beat(id, now, clock_.now()))
    return reply(fail(fenced_ ? ErrorCode::kUnavailable : ErrorCode::kWrongCredentials));
  if (overran(*worker, settings_, now)) enqueue(LoseWorker{.worker = id, .why = LoseWorker::Why::kTaskOverran});
  reply({});
}

void Loop::withdraw(Core::Ticket ticket) {
  const auto is_meant = [ticket](Command& command) {
    auto* fetch = std::get_if<FetchRequest>(&command.request);
    if (fetch == nullptr || fetch->ticket != ticket) return false;
    fetch->withdrawn = true;
    return true;
  };
  if (const auto waits = tickets_.find(ticket); waits != tickets_.end()) return end_waiting(waits->second);
  for (const auto& command : queue_)
    if (is_meant(*command)) return;
  if (!uncertain_) return;
  for (const auto& item : uncertain_->items)
    if (is_meant(*item.command)) return;
}

void Loop::drain() {
  state_.draining = true;
  while (!waiting_.empty())
    end_waiting(waiting_.begin()->first);
  if (away_) refuse_overdue(clock_.monotonic());
}

void Loop::run() {
  const auto now = clock_.monotonic();
  notice_stall(now);
  expire_waiting(now);
  if (fenced_) return;
  const bool here = !away_ || (retry_at_ <= now && come_back(now));
  if (here) {
    Batch batch = form(now);
    if (!batch.items.empty() || heartbeats_due(now))
      attempt(std::move(batch));
    else if (trouble_ && trouble_->cause == ErrorCode::kUnavailable && !state_.leases.any_unwritten())
      end_trouble();  // It is reached again, and nothing waits that would show more.
  }
  publish();
  expected_wake_ = wake_at();
}

void Loop::finish() {
  drain();
  while (!fenced_ && !away_ && !queue_.empty())
    run();
  if (!fenced_ && !away_ && state_.leases.any_unwritten()) {
    heartbeats_written_ = {};
    run();
  }
  const Error error(ErrorCode::kUnavailable, "The coordinator is stopping.");
  if (uncertain_)
    for (const auto& item : uncertain_->items)
      refuse(*item.command, error);
  for (const auto& command : std::exchange(queue_, {}))
    refuse(*command, error);
  publish();
}

bool Loop::has_work() const {
  if (fenced_) return false;
  return !away_ && !queue_.empty();
}

std::optional<Clock::Monotonic> Loop::wake_at() const {
  std::optional<Clock::Monotonic> earliest = waiting_until_.next();
  const auto consider = [&](std::optional<Clock::Monotonic> when) {
    if (when && (!earliest || *when < *earliest)) earliest = when;
  };
  if (fenced_) return earliest;
  if (away_) {
    consider(retry_at_);
    return earliest;
  }
  if (const auto lease = state_.leases.deadlines().next()) consider(std::max(*lease, no_loss_before_));
  consider(state_.watches.deadlines().next());
  if (!later_.empty()) consider(later_.begin()->first);
  if (state_.leases.any_unwritten()) consider(heartbeats_written_ + kHeartbeatsWait);
  return earliest;
}

bool Loop::heartbeats_due(Clock::Monotonic now) const {
  return state_.leases.any_unwritten() && heartbeats_written_ + kHeartbeatsWait <= now;
}

void Loop::notice_stall(Clock::Monotonic now) {
  if (expected_wake_ && now > *expected_wake_ + kStall) {
    kLog.warn("the core was not run for {} ms longer than it asked for; no worker is counted as lost for {} s",
              std::chrono::duration_cast<milliseconds>(now - *expected_wake_).count(),
              std::chrono::duration_cast<std::chrono::seconds>(kStallGrace).count());
    no_loss_before_ = now + kStallGrace;
  }
  expected_wake_.reset();
}

// What is to be repeated goes to the front, in its order. What deadlines asked for will be asked for again.
void Loop::requeue(Batch& batch) {
  for (auto item = batch.items.rbegin(); item != batch.items.rend(); ++item) {
    const auto& command = item->command;
    command->taken = std::min(command->taken, item->member);
    const auto* lost = std::get_if<LoseWorker>(&command->request);
    const bool comes_again = (lost != nullptr && lost->why == LoseWorker::Why::kLeaseExpired) ||
                             std::holds_alternative<EndWatch>(command->request);
    if (command->queued || command->answered || comes_again) continue;
    command->queued = true;
    queue_.push_front(command);
  }
  state_.leases.put_back(batch.heartbeats);
}

void Loop::back_off(const Error& error) {
  const auto now = clock_.monotonic();
  if (!trouble_) {
    kLog.error("the database is away, commands wait: {}", describe(error));
    trouble_ = Trouble{.since = now, .told = now, .back_off = kFirstBackOff, .cause = error.code()};
  } else {
    trouble_->back_off = std::min(trouble_->back_off * 2, kLongestBackOff);
    trouble_->cause = error.code();
    if (trouble_->told + kReminder <= now) {
      trouble_->told = now;
      kLog.error("the database has been away for {} s, commands wait: {}",
                 std::chrono::duration_cast<std::chrono::seconds>(now - trouble_->since).count(), describe(error));
    }
  }
  away_ = true;
  retry_at_ = now + trouble_->back_off;
  if (state_.draining) refuse_overdue(now);
}

void Loop::end_trouble() {
  if (!trouble_) return;
  kLog.info("the database is back after {} ms",
            std::chrono::duration_cast<milliseconds>(clock_.monotonic() - trouble_->since).count());
  trouble_.reset();
}

void Loop::go_away(Batch batch, const Error& error) {
  requeue(batch);
  back_off(error);
}

bool Loop::come_back(Clock::Monotonic now) {
  refuse_overdue(now);
  const auto committed = writer_.recover();
  if (!committed) {
    if (committed.error().code() == ErrorCode::kFenced)
      fence();
    else
      back_off(committed.error());
    return false;
  }
  away_ = false;
  if (!uncertain_) return true;
  if (*committed == uncertain_->number) {
    if (const auto known = uncertain_->decider->learn_claims(); !known) {
      away_ = true;
      back_off(known.error());
      return false;
    }
  }
  Batch batch = *std::move(uncertain_);
  uncertain_.reset();
  if (*committed == batch.number) {
    end_trouble();
    deliver(batch);
  } else if (*committed + 1 == batch.number) {
    take_back(batch);
    requeue(batch);
  } else {
    kLog.error("the last committed transaction is {}, ours was {}: somebody else writes", *committed, batch.number);
    take_back(batch);
    requeue(batch);
    fence();
    return false;
  }
  drop_orphan_waiters();
  return true;
}

void Loop::refuse_if_overdue(Command& command, Clock::Monotonic now) {
  if (command.answered) return;
  if (auto* fetch = std::get_if<FetchRequest>(&command.request)) {
    if (!fetch->withdrawn && !state_.draining && now < command.accepted + fetch->fetch.wait) return;
    command.answered = true;
    return fetch->reply(std::nullopt);
  }
  if (command.caller == Caller::kWorker) return;
  // A coordinator that stops does not wait for a database that is away.
  if (!state_.draining && now < command.accepted + settings_.database_wait) return;
  refuse(command, Error(ErrorCode::kUnavailable, "The database is away. Try again later."));
}

void Loop::refuse_overdue(Clock::Monotonic now) {
  for (const auto& command : queue_)
    refuse_if_overdue(*command, now);
  std::erase_if(queue_, [](const auto& command) { return command->answered; });
  if (!uncertain_) return;
  for (const auto& item : uncertain_->items)
    refuse_if_overdue(*item.command, now);
}

void Loop::fence() {
  if (fenced_) return;
  fenced_ = true;
  kLog.error("another coordinator has taken over the database; nothing is written any more");
  const Error error(ErrorCode::kUnavailable, "Another coordinator has taken over.");
  if (uncertain_)
    for (const auto& item : uncertain_->items)
      refuse(*item.command, error);
  for (const auto& command : std::exchange(queue_, {}))
    refuse(*command, error);
  while (!waiting_.empty())
    end_waiting(waiting_.begin()->first);
  if (on_fenced_) on_fenced_();
}

void Loop::publish() {
  const auto samples = samples_.lock();
  Statistics& counters = samples->counters;
  counters.queued_tasks = state_.scheduler.queued();
  counters.oldest_queued = state_.scheduler.oldest_queued();
  counters.running_tasks = state_.scheduler.assigned();
  counters.workers = state_.scheduler.workers();
  counters.waiting_fetches = waiting_.size();
  counters.queue_length = queue_.size();
  counters.database_away = away_;
}

Statistics Loop::statistics() const {
  Statistics statistics;
  std::vector<std::chrono::microseconds> commits;
  {
    const auto samples = samples_.lock();
    statistics = samples->counters;
    const std::size_t known = std::min(samples->taken, samples->rows.size());
    std::uint64_t rows = 0;
    for (std::size_t i = 0; i < known; ++i)
      rows += samples->rows[i];
    if (known != 0) statistics.batch_size_mean = static_cast<double>(rows) / static_cast<double>(known);
    commits.assign(samples->commits.begin(), samples->commits.begin() + static_cast<std::ptrdiff_t>(known));
  }
  if (commits.empty()) return statistics;
  std::ranges::sort(commits);
  statistics.commit_p50 = commits[commits.size() / 2];
  statistics.commit_p99 = commits[commits.size() * 99 / 100];
  return statistics;
}

}  // namespace mito::core
