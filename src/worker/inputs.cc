#include "worker/inputs.h"

#include <algorithm>
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
  const auto failed = [&](std::string reason) {
    return InputFailure{TaskResultMessage::kWatchTimeout, TaskExecState::kWatchTimeout, std::move(reason)};
  };
  const auto wanted =
      fmt::format("the watched task {} did not reach {}", watch.task.to_string(), to_string(watch.state));
  Backoff backoff(std::chrono::milliseconds{250}, std::chrono::seconds{5});
  bool told = false;
  while (!stop.stop_requested()) {
    const auto answer = parts.link.get_task(session, watch.task, stop);
    if (answer) {
      const auto& info = answer->info;
      if (answer->exec_state && exec_state_reached(*answer->exec_state, watch.state)) return std::nullopt;
      if (task_state_reached(info.state, info.result, watch.state)) return std::nullopt;
      if (info.result) return failed(fmt::format("{} and is over", wanted));
    } else if (answer.error().kind != CallError::Kind::kCancelled && !std::exchange(told, true)) {
      kLog.warn("Get task failed with error: {}; it is asked for until it is there", answer.error().text);
    }
    if (parts.timer.monotonic() >= deadline) return failed(fmt::format("{} in time", wanted));
    parts.timer.pause(backoff.next(), stop);
  }
  return std::nullopt;
}

}  // namespace mito::worker
