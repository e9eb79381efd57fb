#include "worker/heartbeats.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <thread>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "worker/backoff.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
using SteadyTime = std::chrono::steady_clock::time_point;

struct PendingState {
  TaskUuid task;
  TaskExecState state = TaskExecState::kUnknown;
  SteadyTime due;
  bool unsent = true;
};

struct Entry {
  Session* session = nullptr;
  std::chrono::milliseconds interval{0};
  SteadyTime next_beat;
  bool beating = false;
  bool failing = false;
  Backoff backoff{std::chrono::milliseconds{500}, std::chrono::seconds{5}};
  std::optional<PendingState> state;
  int in_flight = 0;
  std::stop_source stop;
};

}  // namespace

class Heartbeats::Impl {
 public:
  Impl(CoordinatorLink& link, HeartbeatSettings settings)
      : link_(link), settings_(settings), thread_([this] { run(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
  }

  Entry* add(Session& session) {
    const std::lock_guard lock(mutex_);
    auto& entry = entries_.emplace_back();
    entry.session = &session;
    entry.interval =
        std::max(std::chrono::milliseconds{10},
                 session.features.any ? std::min(settings_.interval, settings_.lease / 3) : settings_.interval);
    entry.next_beat = std::chrono::steady_clock::now() + entry.interval;
    wake_before(entry.next_beat);
    return &entry;
  }

  void remove(Entry* entry) {
    entry->stop.request_stop();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entry->in_flight == 0; });
    entries_.remove_if([entry](const Entry& other) { return &other == entry; });
  }

  void announce(Entry* entry, TaskUuid task, TaskExecState state) {
    if (!entry->session->features.state) return;
    const std::lock_guard lock(mutex_);
    const auto earliest = std::chrono::steady_clock::now() + settings_.state_delay;
    if (!entry->state || entry->state->task != task)
      entry->state = PendingState{task, state, earliest};
    else if (std::exchange(entry->state->unsent, true))
      entry->state->state = state;
    else
      entry->state = PendingState{
          task, state, std::max(entry->state->due + settings_.state_delay, std::chrono::steady_clock::now())};
    wake_before(entry->state->due);
  }

  void clear(Entry* entry) {
    const std::lock_guard lock(mutex_);
    entry->state.reset();
  }

 private:
  using Sends = std::vector<std::function<void()>>;

  /// The thread is woken only when it would sleep past `time`: short tasks do not cost a switch each.
  void wake_before(SteadyTime time) {
    if (time >= planned_) return;
    planned_ = time;
    changed_.notify_all();
  }

  void run() {
    pthread_setname_np(pthread_self(), "heartbeat");
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const auto now = std::chrono::steady_clock::now();
      Sends sends;
      planned_ = SteadyTime::max();
      for (auto& entry : entries_)
        collect(entry, now, sends);
      if (!sends.empty()) {
        lock.unlock();
        for (const auto& send : sends)
          send();
        lock.lock();
        continue;
      }
      if (planned_ == SteadyTime::max())
        changed_.wait(lock, [this] { return stopping_ || planned_ != SteadyTime::max(); });
      else
        changed_.wait_until(lock, planned_);
    }
  }

  void collect(Entry& entry, SteadyTime now, Sends& sends) {
    if (entry.stop.stop_requested()) return;
    bool state_now = false;
    if (!entry.beating) {
      if (entry.next_beat <= now) {
        entry.beating = true;
        ++entry.in_flight;
        sends.emplace_back([this, &entry] { beat(entry); });
        state_now = entry.state.has_value();  // repeated with each heartbeat
      } else {
        planned_ = std::min(planned_, entry.next_beat);
      }
    }
    if (!entry.state) return;
    if (state_now || (entry.state->unsent && entry.state->due <= now)) {
      entry.state->unsent = false;
      entry.state->due = now;
      ++entry.in_flight;
      sends.emplace_back(
          [this, &entry, task = entry.state->task, state = entry.state->state] { send_state(entry, task, state); });
    } else if (entry.state->unsent) {
      planned_ = std::min(planned_, entry.state->due);
    }
  }

  [[nodiscard]] static std::chrono::milliseconds timeout_of(const Entry& entry) {
    return std::clamp<std::chrono::milliseconds>(entry.interval, std::chrono::seconds{2}, std::chrono::seconds{20});
  }

  void beat(Entry& entry) {
    link_.heartbeat(*entry.session, timeout_of(entry), entry.stop.get_token(), [this, &entry](Call<void> answer) {
      if (answer)
        kLog.debug("Heartbeat success");
      else if (answer.error().kind == CallError::Kind::kRemoved)
        kLog.info("Heartbeat failed with coordinator force exit");
      const std::lock_guard lock(mutex_);
      entry.beating = false;
      const auto now = std::chrono::steady_clock::now();
      if (answer) {
        if (std::exchange(entry.failing, false)) kLog.info("Heartbeats are answered again");
        entry.backoff.reset();
        entry.next_beat = now + entry.interval;
      } else if (answer.error().kind == CallError::Kind::kRemoved) {
        entry.next_beat = SteadyTime::max();
      } else {
        if (answer.error().kind != CallError::Kind::kCancelled && !std::exchange(entry.failing, true))
          kLog.warn("Heartbeat failed: {}. It is repeated until it is answered", answer.error().text);
        entry.next_beat = now + std::min(entry.interval, entry.backoff.next());
      }
      finished(entry);
    });
  }

  void send_state(Entry& entry, TaskUuid task, TaskExecState state) {
    link_.send_state(*entry.session, task, state, timeout_of(entry), entry.stop.get_token(),
                     [this, &entry](const Call<void>& answer) {
                       if (!answer) kLog.debug("An execution state was not taken: {}", answer.error().text);
                       const std::lock_guard lock(mutex_);
                       finished(entry);
                     });
  }

  void finished(Entry& entry) {
    --entry.in_flight;
    if (entry.stop.stop_requested())
      changed_.notify_all();
    else
      wake_before(entry.next_beat);
  }

  CoordinatorLink& link_;
  HeartbeatSettings settings_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> entries_;
  SteadyTime planned_ = SteadyTime::max();  ///< When the thread wakes by itself.
  bool stopping_ = false;
  std::jthread thread_;  ///< Last: it uses everything above.
};

class Heartbeats::Handle : public StateSink {
 public:
  Handle(Impl& impl, Entry* entry) : impl_(impl), entry_(entry) {}
  ~Handle() override { impl_.remove(entry_); }
  void announce(TaskUuid task, TaskExecState state) override { impl_.announce(entry_, task, state); }
  void clear() override { impl_.clear(entry_); }

 private:
  Impl& impl_;
  Entry* entry_;
};

Heartbeats::Heartbeats(CoordinatorLink& link, HeartbeatSettings settings)
    : impl_(std::make_unique<Impl>(link, settings)) {}
Heartbeats::~Heartbeats() = default;
std::unique_ptr<StateSink> Heartbeats::add(Session& session) {
  return std::make_unique<Handle>(*impl_, impl_->add(session));
}

}  // namespace mito::worker
