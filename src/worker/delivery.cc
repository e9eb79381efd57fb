#include "worker/delivery.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/size.h"
#include "protocol/codec.h"
#include "worker/archive.h"
#include "worker/backoff.h"
#include "worker/downstream.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr std::size_t kMaxNotes = 50;

/// Ends a delivery early; the outcome is what is left of it.
using Step = std::expected<void, TaskOutcome::Kind>;

class Delivery {
 public:
  Delivery(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task, const StopTokens& stops)
      : parts_(parts),
        session_(session),
        task_(task),
        stops_(stops),
        any_stop_(stops.end, stops.kill),
        stop_(any_stop_.token(), session.removed.get_token()) {}

  TaskOutcome run(Execution execution) {
    const bool timed_out = execution.how == Execution::How::kTimedOut;
    state_ = timed_out ? TaskState::kCancelled : TaskState::kFinished;
    exit_status_ = execution.wait_status;
    if (timed_out) message_ = TaskResultMessage::kExecTimeout;
    describe(execution);
    return finish(post_process(execution));
  }

  TaskOutcome run_failure(const InputFailure& failure) {
    state_ = TaskState::kCancelled;
    message_ = failure.message;
    detail_.reason = failure.reason;
    parts_.states.announce(task_.uuid, failure.state);
    return finish({});
  }

 private:
  void describe(Execution& execution) {
    if (!execution.reason.empty()) detail_.reason = std::move(execution.reason);
    for (auto& text : execution.notes)
      note(std::move(text));
    detail_.started_at = execution.started_at;
    if (!execution.end) return;
    detail_.finished_at = execution.end->finished_at;
    detail_.usage = protocol::TaskUsage{.cpu_seconds = std::chrono::duration<double>(execution.end->cpu_time).count(),
                                        .peak_memory_bytes = execution.end->peak_memory,
                                        .wall_seconds = std::chrono::duration<double>(execution.wall_time).count()};
  }

  /// Everything between the end of the command and the last report.
  Step post_process(const Execution& execution) {
    auto child = read_new_task(parts_.directory.new_task());
    const bool says_something = !session_.features.detail && (detail_.reason || !detail_.notes.empty());
    if (child && !*child && !execution.out && !says_something && !has_entries(parts_.directory.result()) &&
        !has_entries(parts_.directory.exec()))
      return {};  // nothing to bring
    parts_.states.announce(task_.uuid, TaskExecState::kUploadResult);
    parts_.states.announce(task_.uuid, state_ == TaskState::kFinished ? TaskExecState::kUploadFinishedResult
                                                                      : TaskExecState::kUploadCancelledResult);
    if (!session_.features.complete || (child && *child))
      if (auto step = announce_end(); !step) return step;
    if (auto step = upload_all(execution); !step) return step;
    if (uploads_timed_out_) return {};
    parts_.states.announce(task_.uuid, TaskExecState::kUploadResultFinished);
    return submit(child);
  }

  // ------------------------------------------------------------------------------------------------------- artifacts

  Step upload_all(const Execution& execution) {
    const auto& directory = parts_.directory;
    using Type = ArtifactContentType;
    if (has_entries(directory.result()))
      if (auto step = pack_and_upload(
              Type::kResult, [&](const auto& file) { return pack_directory(directory.result(), "result", file); });
          !step)
        return step;
    write_detail_file();
    if (has_entries(directory.exec()))
      if (auto step = pack_and_upload(
              Type::kExecLog, [&](const auto& file) { return pack_directory(directory.exec(), "exec-log", file); });
          !step)
        return step;
    if (execution.out && execution.err)
      if (auto step = pack_and_upload(
              Type::kStdLog, [&](const auto& file) { return pack_output(*execution.out, *execution.err, file); });
          !step)
        return step;
    return {};
  }

  template <class Pack>
  Step pack_and_upload(ArtifactContentType type, Pack pack) {
    if (uploads_over_) return {};
    const auto file = parts_.directory.root() / file_name(type);
    auto archive = pack(file);
    if (!archive) {
      kLog.error("Failed to compress {}: {}", to_string(type), archive.error().text());
      note(fmt::format("{} is missing: {}", file_name(type), archive.error().text()));
      return {};
    }
    for (auto& text : archive->notes)
      note(std::move(text));
    const auto step = upload(type, *archive);
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    return step;
  }

  /// Asks for a place and puts the file there, anew as long as that may help: for ever while the coordinator is away,
  /// for Settings::upload_timeout while it answers and the object store does not take the file.
  Step upload(ArtifactContentType type, const Archive& archive) {
    Backoff backoff;
    for (std::chrono::nanoseconds refused{0};;) {
      auto place = insist(protocol::UploadOp{type, archive.size});
      if (!place) return judge_place(type, place.error());
      if (!place->url) return {};
      const auto begin = parts_.timer.monotonic();
      const auto put = parts_.link.put_file(*place->url, archive.file, archive.size,
                                            {.stall = parts_.settings.stall_timeout}, stop_.token());
      if (put) return {};
      if (put.error().kind == CallError::Kind::kCancelled) return std::unexpected(TaskOutcome::Kind::kInterrupted);
      kLog.warn("Upload of {} failed: {}; it is tried again", file_name(type), put.error().text);
      if (put.error().kind == CallError::Kind::kLocal) {
        note(fmt::format("{} is missing: {}", file_name(type), put.error().text));
        return {};
      }
      if (!parts_.timer.pause(backoff.next(), stop_.token())) return std::unexpected(TaskOutcome::Kind::kInterrupted);
      refused += parts_.timer.monotonic() - begin;
      if (refused < parts_.settings.upload_timeout) continue;
      kLog.warn("Upload result timeout");
      note(fmt::format("{} is missing: the object store did not take it: {}", file_name(type), put.error().text));
      if (message_ != TaskResultMessage::kExecTimeout) message_ = TaskResultMessage::kUploadResultTimeout;
      uploads_over_ = true;
      uploads_timed_out_ = true;
      parts_.states.announce(task_.uuid, TaskExecState::kUploadResultTimeout);
      return {};
    }
  }

  /// A place for an artifact was refused.
  Step judge_place(ArtifactContentType type, const CallError& error) {
    switch (error.kind) {
      case CallError::Kind::kNotFound:
        kLog.debug("The coordinator no longer has this task; its artifacts are not uploaded");
        uploads_over_ = true;
        return {};
      case CallError::Kind::kForbidden:
        kLog.info("Request upload url failed with permission denied: {}", error.text);
        [[fallthrough]];
      case CallError::Kind::kRefused:
      case CallError::Kind::kLocal:
      case CallError::Kind::kAway:
        note(fmt::format("{} is missing: the coordinator refused it: {}", file_name(type), error.text));
        return {};
      case CallError::Kind::kRemoved:
      case CallError::Kind::kCancelled:
        break;
    }
    return std::unexpected(TaskOutcome::Kind::kInterrupted);
  }

  /// What a coordinator that keeps no details would lose goes among the user's logs.
  void write_detail_file() {
    if (session_.features.detail || (!detail_.reason && detail_.notes.empty())) return;
    std::ofstream file(parts_.directory.exec() / "mitosis.json");
    file << protocol::encode(detail_) << '\n';
  }

  // --------------------------------------------------------------------------------------------------------- reports

  Step submit(std::expected<std::optional<protocol::SubmitTaskReq>, std::string>& child) {
    if (child && !*child) return {};
    std::string reason;
    if (child) {
      kLog.debug("Submitting new task from completed task {} to group '{}'", task_.id, (*child)->group_name);
      auto answer = insist(protocol::SubmitOp{std::move(**child)});
      if (answer || answer.error().kind == CallError::Kind::kNotFound) return {};
      if (is_stop(answer.error())) return std::unexpected(TaskOutcome::Kind::kInterrupted);
      reason = fmt::format("the new task was refused: {}", answer.error().text);
    } else {
      reason = child.error();
    }
    kLog.warn("Failed to submit new task: {}", reason);
    note(std::move(reason));
    if (!message_) message_ = TaskResultMessage::kSubmitNewTaskFailed;
    return {};
  }

  /// Finish or Cancel: before a downstream task, and where the coordinator does not offer `complete`.
  Step announce_end() {
    if (std::exchange(end_announced_, true)) return {};
    const protocol::ReportTaskOp op = state_ == TaskState::kFinished ? protocol::ReportTaskOp(protocol::FinishOp{})
                                                                     : protocol::ReportTaskOp(protocol::CancelOp{});
    const auto answer = insist(op);
    if (answer) return {};
    if (answer.error().kind == CallError::Kind::kNotFound) return std::unexpected(TaskOutcome::Kind::kDropped);
    if (is_stop(answer.error())) return std::unexpected(TaskOutcome::Kind::kInterrupted);
    kLog.error("Report task failed with error: {}", answer.error().text);
    return {};
  }

  TaskOutcome finish(Step step) {
    if (step && !session_.features.complete) step = announce_end();
    if (!step) return {step.error(), std::nullopt};
    auto answer = insist(last_report());
    if (!answer && answer.error().kind == CallError::Kind::kRefused) {
      // It does not understand us after all, or has forgotten that the task is over (its database was put back): the
      // original's way.
      kLog.warn("The result of task {} was refused: {}", task_.uuid.to_string(), answer.error().text);
      end_announced_ = false;
      if (const auto again = announce_end(); !again) return {again.error(), std::nullopt};
      answer = insist(
          protocol::CommitOp{.exit_status = exit_status_, .msg = message_, .next = false, .detail = std::nullopt});
    }
    if (!answer) {
      if (is_stop(answer.error())) return {TaskOutcome::Kind::kInterrupted, std::nullopt};
      kLog.warn("The coordinator did not take the result of task {}: {}", task_.uuid.to_string(), answer.error().text);
      return {TaskOutcome::Kind::kDropped, std::nullopt};
    }
    parts_.states.announce(task_.uuid, TaskExecState::kTaskCommitted);
    return {TaskOutcome::Kind::kDelivered, std::move(answer->next)};
  }

  [[nodiscard]] protocol::ReportTaskOp last_report() const {
    std::optional<protocol::RawObject> detail;
    if (session_.features.detail) detail = protocol::RawObject{protocol::encode(detail_)};
    if (!session_.features.complete)
      return protocol::CommitOp{
          .exit_status = exit_status_, .msg = message_, .next = false, .detail = std::move(detail)};
    return protocol::CompleteOp{.exit_status = exit_status_,
                                .msg = message_,
                                .state = state_,
                                .next = !stops_.drain.stop_requested(),
                                .detail = std::move(detail)};
  }

  /// Repeats the report until the coordinator has answered it.
  Call<protocol::ReportTaskNextResp> insist(const protocol::ReportTaskOp& op) {
    const protocol::ReportTaskReq request{task_.id, op};
    Backoff backoff;
    bool told = false;
    for (;;) {
      auto answer = parts_.link.report(session_, request, stop_.token());
      if (answer || answer.error().kind != CallError::Kind::kAway) {
        if (answer && told) kLog.info("The coordinator answers again");
        return answer;
      }
      if (!std::exchange(told, true))
        kLog.warn("A report on task {} was not answered: {}. It is repeated until it is", task_.uuid.to_string(),
                  answer.error().text);
      if (!parts_.timer.pause(backoff.next(), stop_.token()))
        return std::unexpected(CallError{CallError::Kind::kCancelled, "the worker stops"});
    }
  }

  static bool is_stop(const CallError& error) {
    return error.kind == CallError::Kind::kCancelled || error.kind == CallError::Kind::kRemoved;
  }

  void note(std::string text) {
    if (detail_.notes.size() < kMaxNotes) detail_.notes.push_back(std::move(text));
  }

  const SlotParts& parts_;
  Session& session_;
  const protocol::WorkerTaskResp& task_;
  const StopTokens& stops_;
  EitherStop any_stop_;
  EitherStop stop_;  ///< End, kill or removal.
  TaskState state_ = TaskState::kFinished;
  std::int32_t exit_status_ = 0;
  std::optional<TaskResultMessage> message_;
  protocol::TaskDetail detail_;
  bool end_announced_ = false;
  bool uploads_over_ = false;
  bool uploads_timed_out_ = false;
};

}  // namespace

TaskOutcome deliver(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task, Execution execution,
                    const StopTokens& stops) {
  return Delivery(parts, session, task, stops).run(std::move(execution));
}

TaskOutcome deliver_failure(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                            const InputFailure& failure, const StopTokens& stops) {
  return Delivery(parts, session, task, stops).run_failure(failure);
}

}  // namespace mito::worker
