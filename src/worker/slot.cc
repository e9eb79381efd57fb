#include "worker/slot.h"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/size.h"
#include "worker/backoff.h"
#include "worker/burst.h"
#include "worker/task_run.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr std::chrono::seconds kLongPoll{25};
/// An original's coordinator takes a healthy worker for lost when a task is with it for longer than its timeout and
/// this.
constexpr std::chrono::seconds kOriginalsPatience{60};

/// How the service of one registration ended.
enum class ServiceEnd {
  kIdle,         ///< With nothing at hand.
  kInterrupted,  ///< A task was left unfinished.
  kUndelivered,  ///< A result is in the spool.
  kAnotherKept,  ///< One of another registration of the slot is.
};

/// One registration from its first fetch to the end.
class Service {
 public:
  Service(const SlotShared& shared, ProcessRunner& runner, Session& session, WorkDirectory& directory,
          StateSink& states, SpoolEntry& spool, RedisBoard* board, const StopTokens& stops, Turn* turn)
      : shared_(shared),
        session_(session),
        directory_(directory),
        stops_(stops),
        turn_(turn),
        parts_{.link = shared.link,
               .runner = runner,
               .timer = shared.timer,
               .settings = shared.settings,
               .inherited = shared.inherited,
               .directory = directory,
               .states = states,
               .spool = spool,
               .board = board,
               .wants_next = [this] { return turn_ == nullptr && !is_burst_due() && wants_more() && has_space(); },
               .command_is_over = [this] { held_.release(); },
               .courier = shared.reports_together && session.features.reports ? &shared.courier : nullptr},
        idle_stop_(stops.drain, session.removed.get_token()),
        end_of_service_(end_of_service(shared.settings, session)) {
    if (turn == nullptr && board == nullptr && session.features.complete && session.features.reports)
      burst_.emplace(shared, session, runner, directory, stops, [this] { return wants_more(); });
  }

  ServiceEnd run() {
    std::optional<protocol::WorkerTaskResp> task;
    bool followed = false;  // it came with the answer to the last
    while (task || wants_more()) {
      if (!task) {
        if (!wait_for_space() || !take_turn()) break;
        if (is_burst_due()) {
          if (!clean_ && !make_clean()) return ServiceEnd::kInterrupted;
          const auto end = burst_->run();
          if (end == Burst::End::kInterrupted) return ServiceEnd::kInterrupted;
          if (end == Burst::End::kUndelivered) return ServiceEnd::kAnotherKept;
          clean_ = false;
          continue;
        }
        if (burst_) burst_->rest();
        task = fetch();
        followed = false;
        continue;
      }
      if (!clean_ && !make_clean()) return ServiceEnd::kInterrupted;
      clean_ = false;
      const auto begin = shared_.timer.monotonic();
      auto outcome = run_task(parts_, session_, *task, stops_);
      held_.release();
      if (burst_) burst_->note(outcome, followed);
      if (outcome.kind == TaskOutcome::Kind::kInterrupted) {
        const auto patience = task->timeout.to_chrono() + kOriginalsPatience;
        if (!session_.features.any && shared_.timer.monotonic() - begin > patience) session_.overdue = true;
        return ServiceEnd::kInterrupted;
      }
      if (outcome.kind == TaskOutcome::Kind::kKept) return ServiceEnd::kUndelivered;
      // A task that is dropped may be handed out again at once: do not go round in circles.
      if (outcome.kind == TaskOutcome::Kind::kDropped)
        shared_.timer.pause(dropped_.next(), idle_stop_.token());
      else
        dropped_.reset();
      task = std::move(outcome.next);
      followed = true;
      const auto reset = directory_.reset();
      clean_ = reset.has_value();
      if (!reset) kLog.warn("{}", reset.error().text());
    }
    held_.release();
    return ServiceEnd::kIdle;
  }

 private:
  [[nodiscard]] bool is_burst_due() const { return burst_ && burst_->is_due(); }

  /// A further task would be welcome, were there room for it.
  [[nodiscard]] bool wants_more() const {
    return !idle_stop_.token().stop_requested() && (!end_of_service_ || shared_.timer.now() < *end_of_service_);
  }

  [[nodiscard]] bool has_space() const { return directory_.free_space() >= shared_.settings.min_free; }

  /// False when no task is wanted any more.
  bool wait_for_space() {
    Backoff backoff;
    for (bool told = false; !has_space();) {
      if (!std::exchange(told, true))
        kLog.error("Less than {} are free at {}: no task is fetched until they are (--min-free)",
                   format_size(shared_.settings.min_free), directory_.root().native());
      if (!shared_.timer.pause(backoff.next(), idle_stop_.token()) || !wants_more()) return false;
    }
    return true;
  }

  bool take_turn() {
    if (turn_ == nullptr) return true;
    held_ = {};
    held_ = turn_->wait(idle_stop_.token());
    return wants_more();
  }

  /// Not longer than this registration takes tasks.
  [[nodiscard]] std::chrono::milliseconds at_most(std::chrono::milliseconds wait) const {
    if (!end_of_service_) return wait;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end_of_service_ - shared_.timer.now());
    return std::clamp(left, std::chrono::milliseconds{1}, std::max(wait, std::chrono::milliseconds{1}));
  }

  std::optional<protocol::WorkerTaskResp> fetch() {
    const auto begin = shared_.timer.monotonic();
    const auto wait = session_.features.wait ? at_most(kLongPoll) : std::chrono::milliseconds{0};
    auto answer = shared_.link.fetch(session_, wait, idle_stop_.token());
    if (!answer) {
      fetch_failed(answer.error());
      return std::nullopt;
    }
    if (std::exchange(failing_, false)) kLog.info("The coordinator answers again");
    backoff_.reset();
    if (*answer) {
      early_.reset();
      return std::move(*answer);
    }
    if (!session_.features.wait) {
      kLog.debug("No task fetched. Next fetch after {}", Duration::from(shared_.settings.polling_interval).to_string());
      shared_.timer.pause(at_most(shared_.settings.polling_interval), idle_stop_.token());
    } else if (shared_.timer.monotonic() - begin < wait / 2) {
      shared_.timer.pause(early_.next(), idle_stop_.token());  // it could not hold the request
    } else {
      early_.reset();
    }
    return std::nullopt;
  }

  void fetch_failed(const CallError& error) {
    if (error.kind == CallError::Kind::kCancelled) return;
    if (error.kind == CallError::Kind::kRemoved) {
      kLog.info("Task fetch failed with coordinator force exit");
      return;
    }
    if (!std::exchange(failing_, true))
      kLog.warn("Fetching a task failed: {}. It is tried again until it works", error.text);
    shared_.timer.pause(backoff_.next(), idle_stop_.token());
  }

  /// The directory as a task must find it. Without it no task can run, so this is tried until it works.
  bool make_clean() {
    Backoff backoff;
    for (;;) {
      const auto reset = directory_.reset();
      if (reset) return true;
      kLog.error("{}; a task waits for it", reset.error().text());
      if (!shared_.timer.pause(backoff.next(), idle_stop_.token())) return false;
    }
  }

  const SlotShared& shared_;
  Session& session_;
  WorkDirectory& directory_;
  const StopTokens& stops_;
  Turn* turn_;
  Turn::Held held_;
  SlotParts parts_;
  EitherStop idle_stop_;  ///< Drain or removal.
  std::optional<Timestamp> end_of_service_;
  Backoff backoff_;
  Backoff early_;
  Backoff dropped_;
  bool failing_ = false;
  bool clean_ = true;  ///< The directory is as it was made, and nothing runs in it.
  std::optional<Burst> burst_;
};

/// Tries until it works: a full or broken disk is no reason to end.
template <class Make>
auto insist_on(const SlotShared& shared, const std::stop_token& stop, Make make)
    -> std::optional<typename std::invoke_result_t<Make>::value_type> {
  Backoff backoff;
  while (!stop.stop_requested()) {
    auto made = make();
    if (made) return std::move(*made);
    kLog.error("{}", made.error().text());
    shared.timer.pause(backoff.next(), stop);
  }
  return std::nullopt;
}

ServiceEnd serve(const SlotShared& shared, ProcessRunner& runner, Session& session, const StopTokens& stops,
                 Turn* turn) {
  const auto uuid = session.uuid.to_string();
  // Before anything is done in its name, so that it never is forgotten.
  auto spool = insist_on(shared, stops.drain, [&] { return shared.spool.create(session); });
  auto end = ServiceEnd::kIdle;
  if (spool) {
    (*spool)->remove_at_end();
    auto directory = insist_on(shared, stops.drain, [&] {
      return WorkDirectory::create(shared.work_directory / uuid, shared.directory_settings);
    });
    auto states = shared.heartbeats.add(session);
    const auto board = shared.settings.skip_redis ? nullptr : shared.boards.get(session.redis_url);
    if (board) states = std::make_unique<BoardSink>(std::move(states), board);
    if (directory) {
      kLog.info("Worker is running");
      end = Service(shared, runner, session, *directory, *states, **spool, board.get(), stops, turn).run();
    }
    if (end == ServiceEnd::kUndelivered) {
      (*spool)->leave_at_end();
      return end;
    }
  }
  if (!session.removed.stop_requested())
    if (const auto done = shared.link.unregister(session, {}); !done && done.error().kind == CallError::Kind::kAway) {
      kLog.warn("The worker {} could not be unregistered: {}", uuid, done.error().text);
      if (spool) (*spool)->leave_at_end();
    }
  return end;
}

}  // namespace

SlotEnd run_slot(const SlotShared& shared, ProcessRunner& runner, std::unique_ptr<Session> session,
                 const StopTokens& stops, Turn* turn) {
  for (;;) {
    if (!session) session = shared.registrar.register_again(stops.drain);
    if (!session) return SlotEnd::kStopped;
    const auto uuid = session->uuid.to_string();
    if (shared.on_registered) shared.on_registered(uuid);
    kLog.info("Worker registered with ID: {}", uuid);
    const auto end = serve(shared, runner, *session, stops, turn);
    if (end == ServiceEnd::kUndelivered || end == ServiceEnd::kAnotherKept) return SlotEnd::kResultKept;
    if (stops.drain.stop_requested()) return end == ServiceEnd::kInterrupted ? SlotEnd::kTaskKilled : SlotEnd::kStopped;
    if (!session->removed.stop_requested()) {
      if (shared.settings.lifetime) {
        kLog.info("The lifetime of the worker {} is over", uuid);
        return SlotEnd::kStopped;
      }
      kLog.info("The worker {} registers again before its token ends", uuid);
    } else if (!should_reconnect(shared.settings, *session, shared.timer.now())) {
      kLog.warn("The coordinator has removed the worker {}", uuid);
      return SlotEnd::kRemoved;
    } else {
      kLog.warn("The coordinator no longer knows the worker {}; it registers again", uuid);
    }
    session.reset();
  }
}

}  // namespace mito::worker
