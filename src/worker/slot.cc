#include "worker/slot.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"
#include "worker/backoff.h"
#include "worker/task_run.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr std::chrono::seconds kLongPoll{25};

/// One registration from its first fetch to the end.
class Service {
 public:
  Service(const SlotShared& shared, ProcessRunner& runner, Session& session, WorkDirectory& directory,
          StateSink& states, const StopTokens& stops)
      : shared_(shared),
        session_(session),
        directory_(directory),
        stops_(stops),
        parts_{shared.link, runner, shared.timer, shared.settings, shared.inherited, directory, states},
        idle_stop_(stops.drain, session.removed.get_token()) {}

  /// Whether a task was left unfinished.
  bool run() {
    std::optional<protocol::WorkerTaskResp> task;
    while (!idle_stop_.token().stop_requested()) {
      if (!task) {
        task = fetch();
        continue;
      }
      if (!make_clean()) break;
      auto outcome = run_task(parts_, session_, *task, stops_);
      if (outcome.kind == TaskOutcome::Kind::kInterrupted) return true;
      // A task that is dropped may be handed out again at once: do not go round in circles.
      if (outcome.kind == TaskOutcome::Kind::kDropped)
        shared_.timer.pause(dropped_.next(), idle_stop_.token());
      else
        dropped_.reset();
      task = std::move(outcome.next);
      if (auto reset = directory_.reset(); !reset) kLog.warn("{}", reset.error().text());
    }
    return false;
  }

 private:
  std::optional<protocol::WorkerTaskResp> fetch() {
    const auto begin = shared_.timer.monotonic();
    const std::chrono::milliseconds wait = session_.features.wait ? kLongPoll : std::chrono::seconds{0};
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
      shared_.timer.pause(shared_.settings.polling_interval, idle_stop_.token());
    } else if (shared_.timer.monotonic() - begin < kLongPoll / 2) {
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
  SlotParts parts_;
  EitherStop idle_stop_;  ///< Drain or removal.
  Backoff backoff_;
  Backoff early_;
  Backoff dropped_;
  bool failing_ = false;
};

/// Until it works: a full or broken disk is no reason to end.
std::optional<WorkDirectory> make_directory(const SlotShared& shared, const Session& session,
                                            const std::stop_token& stop) {
  Backoff backoff;
  while (!stop.stop_requested()) {
    auto directory = WorkDirectory::create(shared.work_directory / session.uuid.to_string());
    if (directory) return std::move(*directory);
    kLog.error("{}", directory.error().text());
    shared.timer.pause(backoff.next(), stop);
  }
  return std::nullopt;
}

}  // namespace

SlotEnd run_slot(const SlotShared& shared, ProcessRunner& runner, std::unique_ptr<Session> session,
                 const StopTokens& stops) {
  for (;;) {
    if (!session) session = shared.registrar.register_again(stops.drain);
    if (!session) return SlotEnd::kStopped;
    const auto uuid = session->uuid.to_string();
    if (shared.on_registered) shared.on_registered(uuid);
    kLog.info("Worker registered with ID: {}", uuid);
    bool unfinished = false;
    if (auto directory = make_directory(shared, *session, stops.drain)) {
      const auto states = shared.heartbeats.add(*session);
      kLog.info("Worker is running");
      unfinished = Service(shared, runner, *session, *directory, *states, stops).run();
    }
    const bool removed = session->removed.stop_requested();
    if (!removed) {
      if (const auto done = shared.link.unregister(*session, {}); !done)
        kLog.warn("The worker {} could not be unregistered: {}", uuid, done.error().text);
    }
    if (stops.drain.stop_requested()) return unfinished ? SlotEnd::kTaskKilled : SlotEnd::kStopped;
    if (!should_reconnect(shared.settings, *session, shared.timer.now())) {
      kLog.warn("The coordinator has removed the worker {}", uuid);
      return SlotEnd::kRemoved;
    }
    kLog.warn("The coordinator no longer knows the worker {}; it registers again", uuid);
    session.reset();
  }
}

}  // namespace mito::worker
