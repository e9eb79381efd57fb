#include "worker/inputs.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"
#include "domain/rules.h"
#include "worker/backoff.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr int kDownloadAttempts = 5;

std::string name_of(const Resource& resource) {
  if (const auto* artifact = std::get_if<ArtifactReference>(&resource.remote_file))
    return fmt::format("the artifact {} of task {}", to_string(artifact->content_type), artifact->uuid.to_string());
  return fmt::format("the attachment {}", std::get<AttachmentReference>(resource.remote_file).key);
}

InputFailure forbidden(std::string reason) {
  return {TaskResultMessage::kResourceForbidden, TaskExecState::kFetchResourceForbidden, std::move(reason)};
}
InputFailure too_late(std::string reason) {
  return {TaskResultMessage::kFetchResourceTimeout, TaskExecState::kFetchResourceTimeout, std::move(reason)};
}

/// One resource: looked up, then downloaded, again and again while that may help.
class ResourceFetch {
 public:
  ResourceFetch(const SlotParts& parts, Session& session, TaskUuid task, Clock::Monotonic deadline,
                std::stop_token stop)
      : parts_(parts), session_(session), task_(task), deadline_(deadline), stop_(std::move(stop)) {}

  std::optional<InputFailure> run(const Resource& resource) {
    auto file = local_file(resource);
    if (!file) return file.error();
    Backoff backoff;
    bool told = false;
    for (int failures = 0; !stop_.stop_requested();) {
      if (left().count() <= 0) return too_late(fmt::format("{} was not there in time", name_of(resource)));
      auto place = parts_.link.locate(session_, task_, resource, stop_);
      if (!place) {
        if (auto failure = judge_lookup(resource, place.error())) return failure;
        if (!std::exchange(told, true))
          kLog.warn("Looking up {} failed: {}; it is tried again", name_of(resource), place.error().text);
      } else {
        const TransferLimits limits{.stall = parts_.settings.stall_timeout, .total = left()};
        const auto received = parts_.link.get_file(place->url, *file, limits, stop_);
        if (received) return std::nullopt;
        if (received.error().kind == CallError::Kind::kCancelled) return std::nullopt;
        if (received.error().kind != CallError::Kind::kAway || ++failures == kDownloadAttempts)
          return forbidden(fmt::format("{} could not be downloaded: {}", name_of(resource), received.error().text));
        kLog.warn("Downloading {} failed: {}; it is tried again", name_of(resource), received.error().text);
      }
      parts_.timer.pause(std::min(backoff.next(), left()), stop_);
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::chrono::milliseconds left() const {
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - parts_.timer.monotonic());
    return std::max(time, std::chrono::milliseconds{0});
  }

  /// The coordinator has checked the path when the task was submitted; what it writes to is our disk, so it is checked
  /// here too.
  [[nodiscard]] std::expected<std::filesystem::path, InputFailure> local_file(const Resource& resource) const {
    const std::filesystem::path local(resource.local_path);
    const bool climbs = std::ranges::any_of(local, [](const auto& part) { return part == ".."; });
    if (local.is_absolute() || climbs || resource.local_path.contains('\0') || local.filename().empty() ||
        local.filename() == ".")
      return std::unexpected(forbidden(
          fmt::format("the local path of {} does not name a file in the resource directory", name_of(resource))));
    auto file = parts_.directory.resource() / local;
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    if (error)
      return std::unexpected(
          forbidden(fmt::format("the directory for {} cannot be made: {}", name_of(resource), error.message())));
    return file;
  }

  /// What ends the search; nothing when it goes on.
  [[nodiscard]] static std::optional<InputFailure> judge_lookup(const Resource& resource, const CallError& error) {
    switch (error.kind) {
      case CallError::Kind::kNotFound:
        kLog.debug("Resource not found, commit this task as canceled");
        return InputFailure{TaskResultMessage::kResourceNotFound, TaskExecState::kFetchResourceNotFound,
                            fmt::format("{} does not exist: {}", name_of(resource), error.text)};
      case CallError::Kind::kForbidden:
      case CallError::Kind::kRefused:
      case CallError::Kind::kLocal:
        kLog.debug("Resource is forbidden to be fetched, commit this task as canceled");
        return forbidden(fmt::format("{} may not be fetched: {}", name_of(resource), error.text));
      case CallError::Kind::kAway:
      case CallError::Kind::kRemoved:
      case CallError::Kind::kCancelled:
        return std::nullopt;
    }
    return std::nullopt;
  }

  const SlotParts& parts_;
  Session& session_;
  TaskUuid task_;
  Clock::Monotonic deadline_;
  std::stop_token stop_;
};

/// What was told about a watched task. The client's thread tells, the slot's thread waits.
class News {
 public:
  void tell(std::optional<TaskExecState> state) {
    const std::lock_guard lock(mutex_);
    if (state) latest_ = state;
    fresh_ = true;
    changed_.notify_all();
  }
  /// Waits for news; the last state told, if any.
  std::optional<TaskExecState> wait(std::chrono::milliseconds length, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, length, [this] { return fresh_; });
    fresh_ = false;
    return latest_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<TaskExecState> latest_;
  bool fresh_ = false;
};

/// Waits for one watched task: by what Redis tells where there is one, and in any case by asking the coordinator now
/// and then, so that a Redis that is away, forgets or refuses us costs seconds at most.
class WatchWait {
 public:
  WatchWait(const SlotParts& parts, Session& session, const Watch& watch, Clock::Monotonic deadline,
            const std::stop_token& stop)
      : parts_(parts), session_(session), watch_(watch), deadline_(deadline), stop_(stop) {}

  std::optional<InputFailure> run() {
    redis::Listening listening;
    if (parts_.board != nullptr) {
      auto heard = parts_.board->listen(watch_.task, [this](std::optional<TaskExecState> state) { news_.tell(state); });
      if (heard) listening = std::move(*heard);
    }
    Backoff backoff(std::chrono::milliseconds{250}, std::chrono::seconds{5});
    while (!stop_.stop_requested()) {
      if (reached_in_redis()) return std::nullopt;
      if (auto answer = ask_coordinator()) return *answer;
      if (parts_.timer.monotonic() >= deadline_) return failure("in time");
      if (pause(backoff.next())) return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] InputFailure failure(std::string_view how) const {
    return {
        TaskResultMessage::kWatchTimeout, TaskExecState::kWatchTimeout,
        fmt::format("the watched task {} did not reach {} {}", watch_.task.to_string(), to_string(watch_.state), how)};
  }

  bool reached_in_redis() {
    if (parts_.board == nullptr) return false;
    const auto state = parts_.board->state_of(watch_.task);
    return state && exec_state_reached(*state, watch_.state);
  }

  /// Nothing: it goes on.
  std::optional<std::optional<InputFailure>> ask_coordinator() {
    using Answer = std::optional<InputFailure>;
    const auto answer = parts_.link.get_task(session_, watch_.task, stop_);
    if (!answer) {
      if (answer.error().kind != CallError::Kind::kCancelled && !std::exchange(told_, true))
        kLog.warn("Get task failed with error: {}; it is asked for until it is there", answer.error().text);
      return std::nullopt;
    }
    const auto& info = answer->info;
    if (answer->exec_state && exec_state_reached(*answer->exec_state, watch_.state)) return Answer{};
    if (task_state_reached(info.state, info.result, watch_.state)) return Answer{};
    if (info.result) return Answer{failure("and is over")};
    return std::nullopt;
  }

  /// Whether Redis told of the state meanwhile.
  bool pause(std::chrono::milliseconds length) {
    if (parts_.board == nullptr) {
      parts_.timer.pause(length, stop_);
      return false;
    }
    const auto state = news_.wait(length, stop_);
    return state && exec_state_reached(*state, watch_.state);
  }

  const SlotParts& parts_;
  Session& session_;
  const Watch& watch_;
  Clock::Monotonic deadline_;
  const std::stop_token& stop_;
  News news_;
  bool told_ = false;
};

}  // namespace

std::optional<InputFailure> fetch_resources(const SlotParts& parts, Session& session,
                                            const protocol::WorkerTaskResp& task, Clock::Monotonic deadline,
                                            const std::stop_token& stop) {
  ResourceFetch fetch(parts, session, task.uuid, deadline, stop);
  for (const auto& resource : task.spec.resources)
    if (auto failure = fetch.run(resource)) return failure;
  return std::nullopt;
}

std::optional<InputFailure> wait_for_watch(const SlotParts& parts, Session& session, const Watch& watch,
                                           Clock::Monotonic deadline, const std::stop_token& stop) {
  return WatchWait(parts, session, watch, deadline, stop).run();
}

}  // namespace mito::worker
