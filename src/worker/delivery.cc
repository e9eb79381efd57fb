#include "worker/delivery.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/size.h"
#include "protocol/codec.h"
#include "worker/archive.h"
#include "worker/backoff.h"
#include "worker/downstream.h"
#include "worker/spool.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr std::size_t kMaxNotes = 50;

/// Ends a delivery early; the outcome is what is left of it.
using Step = std::expected<void, TaskOutcome::Kind>;

/// How long the first report of a result that is not yet on the disk may go without an answer.
constexpr std::chrono::seconds kUnsyncedPatience{2};
constexpr std::chrono::seconds kProgressInterval{10};

class Delivery {
 public:
  /// `parts`: of the slot that ran the task; null when the result comes from the spool.
  Delivery(const ResumeParts& resume, const SlotParts* parts, Session& session, std::stop_token drain,
           const std::stop_token& stop)
      : link_(resume.link),
        timer_(resume.timer),
        settings_(resume.settings),
        states_(resume.states),
        spool_(resume.spool),
        parts_(parts),
        session_(session),
        drain_(std::move(drain)),
        stop_(stop, session.removed.get_token()) {}

  TaskOutcome run(const protocol::WorkerTaskResp& task, Execution execution) {
    begin(task);
    const bool timed_out = execution.how == Execution::How::kTimedOut;
    result_.state = timed_out ? TaskState::kCancelled : TaskState::kFinished;
    result_.exit_status = execution.wait_status;
    if (timed_out) result_.message = TaskResultMessage::kExecTimeout;
    describe(execution);
    gather(execution);
    if (parts_->command_is_over) parts_->command_is_over();
    return send();
  }

  TaskOutcome run_failure(const protocol::WorkerTaskResp& task, const InputFailure& failure) {
    begin(task);
    result_.state = TaskState::kCancelled;
    result_.message = failure.message;
    result_.detail.reason = failure.reason;
    never_ran_ = true;
    states_.announce(result_.task, failure.state);
    return send();
  }

  /// Nothing of it is reported, but what the command wrote is not thrown away.
  void keep_interrupted(const protocol::WorkerTaskResp& task, Execution execution) {
    begin(task);
    result_.state = TaskState::kCancelled;
    result_.exit_status = execution.wait_status;
    describe(execution);
    content_ = parts_->directory.look();
    const bool wrote = (execution.out && execution.out->total > 0) || (execution.err && execution.err->total > 0);
    if (!wrote && !has_files()) {
      spool_.forget();
      return;
    }
    pack_all(execution);
    if (const auto kept = spool_.keep(result_); !kept) {
      kLog.error("{}", kept.error().text());
      return;
    }
    spool_.set_aside(session_.removed.stop_requested() ? "the coordinator has removed this worker while it was running"
                                                       : "the worker was stopped while it was running");
  }

  /// The report that was handed over has failed.
  TaskOutcome report_again(SpooledResult result) {
    result_ = std::move(result);
    sync();
    return conclude(finish({}));
  }

  TaskOutcome::Kind resume(SpooledResult result) {
    result_ = std::move(result);
    if (result_.new_task) child_ = std::move(result_.new_task);
    synced_ = true;
    return conclude(finish(bring())).kind;
  }

 private:
  void begin(const protocol::WorkerTaskResp& task) {
    result_.task = task.uuid;
    result_.id = task.id;
  }

  void describe(Execution& execution) {
    auto& detail = result_.detail;
    if (!execution.reason.empty()) detail.reason = std::move(execution.reason);
    for (auto& text : execution.notes)
      note(std::move(text));
    detail.started_at = execution.started_at;
    if (!execution.end) return;
    detail.finished_at = execution.end->finished_at;
    detail.usage = protocol::TaskUsage{.cpu_seconds = std::chrono::duration<double>(execution.end->cpu_time).count(),
                                       .peak_memory_bytes = execution.end->peak_memory,
                                       .wall_seconds = std::chrono::duration<double>(execution.wall_time).count()};
  }

  // ------------------------------------------------------------------------------------------------- what there is

  /// Archives and the downstream task, from the directories of the slot.
  void gather(const Execution& execution) {
    content_ = parts_->directory.look();
    if (content_.new_task) child_ = read_new_task(parts_->directory.new_task());
    if (!child_) submission_failed(child_.error());
    if (child_ && *child_) result_.new_task = **child_;
    states_.announce(result_.task, TaskExecState::kUploadResult);
    if (execution.out || has_files() || says_something()) pack_all(execution);
  }

  [[nodiscard]] bool has_files() const { return content_.result || content_.exec; }
  /// To people, in a file, where the coordinator keeps no details.
  [[nodiscard]] bool says_something() const {
    return !session_.features.detail && (result_.detail.reason || !result_.detail.notes.empty());
  }

  void pack_all(const Execution& execution) {
    const auto& directory = parts_->directory;
    using Type = ArtifactContentType;
    const auto links = settings_.run_as ? OutsideLinks::kKeep : OutsideLinks::kFollow;
    if (content_.result)
      pack(Type::kResult, [&](const auto& file) { return pack_directory(directory.result(), "result", file, links); });
    if (execution.out && execution.err)
      pack(Type::kStdLog, [&](const auto& file) { return pack_output(*execution.out, *execution.err, file); });
    pack_exec_log();  // last: what is to be said of the others may go in there
  }

  void pack_exec_log() {
    const auto& directory = parts_->directory;
    if (says_something()) {
      std::ofstream file(directory.exec() / "mitosis.json");
      file << protocol::encode(result_.detail) << '\n';
    }
    said_ = result_.detail.notes.size();
    if (!has_entries(directory.exec())) return;
    const auto links = settings_.run_as ? OutsideLinks::kKeep : OutsideLinks::kFollow;
    pack(ArtifactContentType::kExecLog,
         [&](const auto& file) { return pack_directory(directory.exec(), "exec-log", file, links); });
  }

  template <class Pack>
  void pack(ArtifactContentType type, Pack pack_into) {
    std::erase_if(result_.archives, [type](const auto& archive) { return archive.type == type; });
    auto archive = pack_into(spool_.new_archive(type));
    if (!archive) {
      kLog.error("Failed to compress {}: {}", to_string(type), archive.error().text());
      note(fmt::format("{} is missing: {}", file_name(type), archive.error().text()));
      std::error_code ignored;
      std::filesystem::remove(spool_.archive(type), ignored);
      return;
    }
    for (auto& text : archive->notes)
      note(std::move(text));
    result_.archives.push_back({type, archive->size, std::move(archive->md5)});
  }

  // --------------------------------------------------------------------------------------------------------- delivery

  TaskOutcome send() {
    const auto kept = spool_.keep(result_);
    if (!kept)
      kLog.error("{}; the result of task {} is lost if the worker ends before it is delivered", kept.error().text(),
                 result_.task.to_string());
    if (auto* held = parts_->held; held != nullptr) {
      if (kept && is_plain()) {
        held->hand_over({result_.id, last_report()});
        return {TaskOutcome::Kind::kHandedOver};
      }
      held->will_take_time();
    }
    if (!result_.archives.empty()) sync();
    auto outcome = conclude(finish(bring()));
    outcome.plain = is_plain();
    return outcome;
  }

  /// One report says all of it.
  [[nodiscard]] bool is_plain() const {
    return session_.features.complete && result_.archives.empty() && child_ && !*child_ &&
           result_.state == TaskState::kFinished;
  }

  void sync() {
    if (std::exchange(synced_, true)) return;
    if (const auto synced = spool_.sync(); !synced) kLog.warn("{}", synced.error().text());
  }

  /// Empties the spool, or sees to it that somebody finds what is in it.
  TaskOutcome conclude(TaskOutcome outcome) {
    switch (outcome.kind) {
      case TaskOutcome::Kind::kDelivered:
        spool_.forget();
        break;
      case TaskOutcome::Kind::kDropped:
        spool_.set_aside(refusal_);
        break;
      case TaskOutcome::Kind::kHandedOver:
        break;
      case TaskOutcome::Kind::kKept:
      case TaskOutcome::Kind::kInterrupted:
        outcome.kind = TaskOutcome::Kind::kKept;
        if (session_.removed.stop_requested()) {
          spool_.set_aside("the coordinator no longer knows the worker that ran it (401)");
          outcome.kind = TaskOutcome::Kind::kInterrupted;
        } else {
          sync();
        }
        break;
    }
    return outcome;
  }

  /// Everything between the end of the command and the last report.
  Step bring() {
    if (never_ran_) return {};
    const bool has_child = child_ && *child_;
    states_.announce(result_.task, result_.state == TaskState::kFinished ? TaskExecState::kUploadFinishedResult
                                                                         : TaskExecState::kUploadCancelledResult);
    if (!session_.features.complete || has_child)
      if (auto step = announce_end(); !step) return step;
    if (auto step = upload_all(); !step) return step;
    if (uploads_timed_out_) return {};
    states_.announce(result_.task, TaskExecState::kUploadResultFinished);
    return submit();
  }

  Step upload_all() {
    using Type = ArtifactContentType;
    for (const auto type : {Type::kResult, Type::kExecLog, Type::kStdLog})
      if (auto step = upload_if_there(type); !step) return step;
    // Where details go into a file, it tells what became of the others, too.
    if (parts_ == nullptr || uploads_over_ || !says_something() || result_.detail.notes.size() == said_) return {};
    pack_exec_log();
    return upload_if_there(Type::kExecLog);
  }

  Step upload_if_there(ArtifactContentType type) {
    const auto archive = std::ranges::find(result_.archives, type, &SpooledArchive::type);
    if (archive == result_.archives.end() || uploads_over_) return {};
    return upload(*archive);
  }

  /// Asks for a place and puts the file there, anew as long as that may help: for ever while the coordinator is away,
  /// for Settings::upload_timeout while it answers and the object store does not take the file.
  Step upload(const SpooledArchive& archive) {
    const auto name = file_name(archive.type);
    Backoff backoff;
    for (std::chrono::nanoseconds refused{0};;) {
      auto place = insist(protocol::UploadOp{archive.type, archive.size});
      if (!place) return judge_place(name, place.error());
      if (!place->url) return {};
      const auto begin = timer_.monotonic();
      const auto put = link_.put_file(*place->url, spool_.archive(archive.type), archive.size, archive.md5,
                                      {.stall = settings_.stall_timeout}, progress_of(name), stop_.token());
      if (put) return {};
      if (put.error().kind == CallError::Kind::kCancelled) return std::unexpected(TaskOutcome::Kind::kInterrupted);
      kLog.warn("Upload of {} failed: {}; it is tried again", name, put.error().text);
      if (put.error().kind == CallError::Kind::kLocal) {
        note(fmt::format("{} is missing: {}", name, put.error().text));
        return {};
      }
      if (!timer_.pause(backoff.next(), stop_.token())) return std::unexpected(TaskOutcome::Kind::kInterrupted);
      refused += timer_.monotonic() - begin;
      if (refused < settings_.upload_timeout) continue;
      kLog.warn("Upload result timeout");
      note(fmt::format("{} is missing: the object store did not take it: {}", name, put.error().text));
      if (result_.message != TaskResultMessage::kExecTimeout) result_.message = TaskResultMessage::kUploadResultTimeout;
      uploads_over_ = true;
      uploads_timed_out_ = true;
      states_.announce(result_.task, TaskExecState::kUploadResultTimeout);
      return {};
    }
  }

  /// A line in the log now and then.
  [[nodiscard]] CoordinatorLink::Progress progress_of(std::string_view name) const {
    return [name = std::string(name), task = result_.task.to_string(), &timer = timer_, last = timer_.monotonic()](
               std::uint64_t done, std::uint64_t total) mutable {
      if (total == 0 || timer.monotonic() - last < kProgressInterval) return;
      last = timer.monotonic();
      kLog.info("Uploading {} of task {}: {} of {} ({}%)", name, task, format_size(done), format_size(total),
                done * 100 / total);
    };
  }

  /// A place for an artifact was refused.
  Step judge_place(std::string_view name, const CallError& error) {
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
        note(fmt::format("{} is missing: the coordinator refused it: {}", name, error.text));
        return {};
      case CallError::Kind::kRemoved:
      case CallError::Kind::kCancelled:
        break;
    }
    return std::unexpected(TaskOutcome::Kind::kInterrupted);
  }

  // --------------------------------------------------------------------------------------------------------- reports

  Step submit() {
    if (!child_ || !*child_) return {};
    kLog.debug("Submitting new task from completed task {} to group '{}'", result_.id, (*child_)->group_name);
    const auto answer = insist(protocol::SubmitOp{**child_});
    if (answer || answer.error().kind == CallError::Kind::kNotFound) return {};
    if (is_stop(answer.error())) return std::unexpected(TaskOutcome::Kind::kInterrupted);
    submission_failed(fmt::format("the new task was refused: {}", answer.error().text));
    return {};
  }

  void submission_failed(std::string reason) {
    kLog.warn("Failed to submit new task: {}", reason);
    note(std::move(reason));
    if (!result_.message) result_.message = TaskResultMessage::kSubmitNewTaskFailed;
  }

  /// Finish or Cancel: before a downstream task, and where the coordinator does not offer `complete`.
  Step announce_end() {
    if (std::exchange(end_announced_, true)) return {};
    const protocol::ReportTaskOp op = result_.state == TaskState::kFinished
                                          ? protocol::ReportTaskOp(protocol::FinishOp{})
                                          : protocol::ReportTaskOp(protocol::CancelOp{});
    const auto answer = insist(op);
    if (answer) return {};
    if (answer.error().kind == CallError::Kind::kNotFound) return drop(answer.error());
    if (is_stop(answer.error())) return std::unexpected(TaskOutcome::Kind::kInterrupted);
    kLog.error("Report task failed with error: {}", answer.error().text);
    return {};
  }

  std::unexpected<TaskOutcome::Kind> drop(const CallError& error) {
    refusal_ = fmt::format("the coordinator did not take it: {}", error.text);
    return std::unexpected(TaskOutcome::Kind::kDropped);
  }

  TaskOutcome finish(Step step) {
    if (step && !session_.features.complete) step = announce_end();
    if (!step) return {step.error()};
    auto answer = insist(last_report());
    if (!answer && answer.error().kind == CallError::Kind::kRefused) {
      // It does not understand us after all, or has forgotten that the task is over (its database was put back): the
      // original's way.
      kLog.info("The report of task {} was not understood, so it is made in the original's way: {}",
                result_.task.to_string(), answer.error().text);
      end_announced_ = false;
      if (const auto again = announce_end(); !again) return {again.error()};
      answer = insist(protocol::CommitOp{
          .exit_status = result_.exit_status, .msg = result_.message, .next = false, .detail = std::nullopt});
    }
    if (!answer) {
      if (is_stop(answer.error())) return {TaskOutcome::Kind::kInterrupted};
      return {drop(answer.error()).error()};
    }
    states_.announce(result_.task, TaskExecState::kTaskCommitted);
    return {TaskOutcome::Kind::kDelivered, std::move(answer->next)};
  }

  [[nodiscard]] protocol::ReportTaskOp last_report() const {
    std::optional<protocol::RawObject> detail;
    if (session_.features.detail) detail = protocol::RawObject{protocol::encode(result_.detail)};
    if (!session_.features.complete)
      return protocol::CommitOp{
          .exit_status = result_.exit_status, .msg = result_.message, .next = false, .detail = std::move(detail)};
    return protocol::CompleteOp{
        .exit_status = result_.exit_status,
        .msg = result_.message,
        .state = result_.state,
        .next = parts_ != nullptr && !drain_.stop_requested() && (!parts_->wants_next || parts_->wants_next()),
        .detail = std::move(detail)};
  }

  /// Repeats the report until the coordinator has answered it.
  Call<protocol::ReportTaskNextResp> insist(const protocol::ReportTaskOp& op) {
    const protocol::ReportTaskReq request{result_.id, op};
    if (parts_ != nullptr && parts_->courier != nullptr && parts_->courier->serves(session_.registered_at) &&
        std::holds_alternative<protocol::CompleteOp>(op)) {
      if (auto answer = report_with_others(request)) return answer;
      sync();
    }
    Backoff backoff;
    bool told = false;
    for (;;) {
      const std::chrono::milliseconds patience = synced_ ? std::chrono::seconds{0} : kUnsyncedPatience;
      auto answer = link_.report(session_, request, stop_.token(), patience);
      if (answer || answer.error().kind != CallError::Kind::kAway) {
        if (answer && told) kLog.info("The coordinator answers again");
        return answer;
      }
      sync();
      if (!std::exchange(told, true))
        kLog.warn("A report on task {} was not answered: {}. It is repeated until it is", result_.task.to_string(),
                  answer.error().text);
      if (!timer_.pause(backoff.next(), stop_.token()))
        return std::unexpected(CallError{CallError::Kind::kCancelled, "the worker stops"});
    }
  }

  /// Once. What is not answered well is no longer bound to the fate of others.
  Call<protocol::ReportTaskNextResp> report_with_others(const protocol::ReportTaskReq& request) {
    auto answer = parts_->courier->bring({session_.token, protocol::encode(request), kUnsyncedPatience}, stop_.token());
    if (!answer) return std::unexpected(std::move(answer).error());
    return link_.read_report(session_, std::move(answer));
  }

  static bool is_stop(const CallError& error) {
    return error.kind == CallError::Kind::kCancelled || error.kind == CallError::Kind::kRemoved;
  }

  void note(std::string text) {
    auto& notes = result_.detail.notes;
    if (notes.size() < kMaxNotes) notes.push_back(std::move(text));
  }

  CoordinatorLink& link_;
  const Timer& timer_;
  const Settings& settings_;
  StateSink& states_;
  SpoolEntry& spool_;
  const SlotParts* parts_;
  Session& session_;
  std::stop_token drain_;
  EitherStop stop_;  ///< The worker's, or removal.
  SpooledResult result_;
  WorkDirectory::Content content_;
  std::expected<std::optional<protocol::SubmitTaskReq>, std::string> child_;
  std::string refusal_;   ///< Why a result is dropped.
  std::size_t said_ = 0;  ///< Notes that stand in the file for people.
  bool never_ran_ = false;
  bool synced_ = false;
  bool end_announced_ = false;
  bool uploads_over_ = false;
  bool uploads_timed_out_ = false;
};

/// A delivery by the slot itself, which ends with `end` and `kill`.
class SlotDelivery {
 public:
  SlotDelivery(const SlotParts& parts, Session& session, const StopTokens& stops)
      : stop_(stops.end, stops.kill),
        delivery_({parts.link, parts.timer, parts.settings, parts.states, parts.spool}, &parts, session, stops.drain,
                  stop_.token()) {}
  Delivery* operator->() { return &delivery_; }

 private:
  EitherStop stop_;
  Delivery delivery_;
};

}  // namespace

TaskOutcome deliver(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task, Execution execution,
                    const StopTokens& stops) {
  return SlotDelivery(parts, session, stops)->run(task, std::move(execution));
}

void keep_interrupted(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                      Execution execution, const StopTokens& stops) {
  SlotDelivery(parts, session, stops)->keep_interrupted(task, std::move(execution));
}

TaskOutcome deliver_failure(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                            const InputFailure& failure, const StopTokens& stops) {
  return SlotDelivery(parts, session, stops)->run_failure(task, failure);
}

TaskOutcome settle(const SlotParts& parts, Session& session, Call<protocol::ReportTaskNextResp> answer,
                   const StopTokens& stops) {
  if (!answer) return SlotDelivery(parts, session, stops)->report_again(*parts.spool.result());
  parts.spool.forget();
  return {TaskOutcome::Kind::kDelivered, std::move(answer->next)};
}

TaskOutcome::Kind deliver_spooled(const ResumeParts& parts, Session& session, SpooledResult result,
                                  const std::stop_token& stop) {
  return Delivery(parts, nullptr, session, stop, stop).resume(std::move(result));
}

}  // namespace mito::worker
