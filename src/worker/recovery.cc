#include "worker/recovery.h"

#include <system_error>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "worker/backoff.h"
#include "worker/delivery.h"
#include "worker/work_directory.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};

/// The directory of a registration, and what had to be put aside beside it.
void remove_directories(const std::filesystem::path& work_directory, const std::string& worker) {
  std::vector<std::filesystem::path> doomed{work_directory / worker};
  std::error_code error;
  for (std::filesystem::directory_iterator entry(work_directory, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().filename().native().starts_with(worker + ".left-")) doomed.push_back(entry->path());
  for (const auto& path : doomed)
    if (!remove_tree(path)) kLog.warn("The directory {} could not be removed entirely", path.native());
}

class Recovery {
 public:
  Recovery(const RecoveryParts& parts, const std::stop_token& stop) : parts_(parts), stop_(stop) {}

  void run() {
    auto found = parts_.spool.take_over();
    if (found.empty()) return;
    kLog.info("Taking up {} registrations of workers that have ended", found.size());
    std::vector<std::unique_ptr<StateSink>> beats;
    for (auto& one : found)
      beats.push_back(parts_.heartbeats.add(*one.session));
    for (std::size_t i = 0; i < found.size() && !stop_.stop_requested(); ++i) {
      take_up(found[i], *beats[i]);
      beats[i].reset();
    }
    beats.clear();
  }

 private:
  void take_up(Spool::Found& found, StateSink& states) {
    auto& session = *found.session;
    const auto worker = session.uuid.to_string();
    if (found.result) {
      kLog.info("Delivering the result of task {}, which the worker {} left", found.result->task.to_string(), worker);
      const auto kind = deliver_spooled({parts_.link, parts_.timer, parts_.settings, states, *found.entry}, session,
                                        *found.result, stop_);
      if (kind == TaskOutcome::Kind::kKept) return;
    }
    if (!release(session)) return;
    remove_directories(parts_.work_directory, worker);
    found.entry->remove_at_end();
  }

  /// Unregisters: the coordinator gives the task it may have to another worker. False after a stop.
  bool release(Session& session) {
    Backoff backoff;
    bool told = false;
    while (!session.removed.stop_requested()) {
      const auto done = parts_.link.unregister(session, stop_);
      if (done || done.error().kind != CallError::Kind::kAway)
        return done || done.error().kind != CallError::Kind::kCancelled;
      if (!std::exchange(told, true))
        kLog.warn("The worker {} could not be unregistered: {}. It is tried again", session.uuid.to_string(),
                  done.error().text);
      if (!parts_.timer.pause(backoff.next(), stop_)) return false;
    }
    return true;
  }

  const RecoveryParts& parts_;
  const std::stop_token& stop_;
};

}  // namespace

void take_up_registrations(const RecoveryParts& parts, const std::stop_token& stop) {
  Recovery(parts, stop).run();
}

}  // namespace mito::worker
