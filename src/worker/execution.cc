#include "worker/execution.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/logging.h"
#include "base/size.h"
#include "worker/output.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
/// A supervisor that was told to kill answers within half of this, whatever the processes do.
constexpr std::chrono::seconds kKillPatience{30};

class Run {
 public:
  Run(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task, const StopTokens& stops)
      : parts_(parts), task_(task), stops_(stops) {
    if (parts.settings.on_removed == OnRemoved::kKill) removed_ = session.removed.get_token();
  }

  Execution run() {
    parts_.states.announce(task_.uuid, TaskExecState::kExecPending);
    result_.started_at = parts_.timer.now();
    const auto begin = parts_.timer.monotonic();
    auto command =
        make_command(task_.spec.args, parts_.inherited,
                     task_variables(task_.spec, parts_.directory.places(), task_.uuid, task_.upstream_task_uuid));
    if (command) {
      command->directory = parts_.directory.working();
      if (parts_.directory.owner()) command->account = &*parts_.directory.owner();
    }
    if (command && task_.spec.terminal_output)
      command->capture = Capture{out_file(), err_file(), parts_.settings.output_limit};
    if (task_.spec.terminal_output) parts_.spool.expect_output();
    auto started = command ? parts_.runner.start(*command) : std::unexpected(command.error());
    if (!started) {
      not_started(started.error());
      return std::move(result_);
    }
    parts_.states.announce(task_.uuid, TaskExecState::kExecSpawned);
    constexpr std::chrono::nanoseconds kLongest = std::chrono::hours{24 * 3'650};
    await(begin + std::min(task_.timeout.to_chrono(), kLongest));
    result_.wall_time = parts_.timer.monotonic() - begin;
    note_what_was_odd();
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::filesystem::path out_file() const { return parts_.spool.stdout_file(); }
  [[nodiscard]] std::filesystem::path err_file() const { return parts_.spool.stderr_file(); }

  /// As with env: exit code 127 or 126 and a line on standard error.
  void not_started(const SpawnError& error) {
    const auto word = task_.spec.args.empty() ? std::string("env") : task_.spec.args.front();
    kLog.info("The command of task {} could not be started: {}", task_.uuid.to_string(), error.reason);
    result_.wait_status = exit_code_of(error) << 8;
    result_.reason = fmt::format("the command could not be started: {}: {}", word.substr(0, 200), error.reason);
    note_isolation();
    if (!task_.spec.terminal_output) return;
    auto out = write_stream(out_file(), "");
    auto err = write_stream(err_file(), fmt::format("env: '{}': {}\n", word, error.reason));
    if (!out || !err) {
      result_.notes.push_back((out ? err : out).error().text());
      return;
    }
    result_.out = std::move(*out);
    result_.err = std::move(*err);
  }

  void await(Clock::Monotonic deadline) {
    const EitherStop hard(stops_.kill, removed_);
    const EitherStop any(stops_.end, hard.token());
    auto end = wait(deadline, any.token());
    if (end) {
      parts_.states.announce(task_.uuid, TaskExecState::kExecFinished);
      kLog.debug("Task execution finished");
      take(std::move(*end));
      return;
    }
    if (hard.token().stop_requested()) {
      interrupted();
      kill();
      return;
    }
    const bool timed_out = !any.token().stop_requested();
    if (timed_out) {
      result_.how = Execution::How::kTimedOut;
      parts_.states.announce(task_.uuid, TaskExecState::kExecTimeout);
      kLog.debug("Task execution timeout");
    } else {
      interrupted();
    }
    parts_.runner.terminate();
    end = parts_.runner.wait(parts_.timer.monotonic() + parts_.settings.kill_grace, hard.token());
    if (hard.token().stop_requested()) interrupted();
    if (end)
      take(std::move(*end));
    else
      kill();
  }

  /// The end of a short command is known with its start; only who runs longer is asked about.
  std::optional<ProcessEnd> wait(Clock::Monotonic deadline, const std::stop_token& stop) {
    if (parts_.held != nullptr) {
      auto until = parts_.timer.monotonic();
      while (until < deadline) {
        auto end = parts_.runner.wait(until, stop);
        if (end || stop.stop_requested()) return end;
        const auto pause = parts_.held->is_long();
        if (!pause) break;
        until = parts_.timer.monotonic() + *pause;
      }
    }
    return parts_.runner.wait(deadline, stop);
  }

  void interrupted() {
    if (result_.how == Execution::How::kInterrupted) return;
    result_.how = Execution::How::kInterrupted;
    kLog.info("Task execution interrupted by {}",
              removed_.stop_requested() ? "the coordinator, which removed this worker" : "shutdown signal");
  }

  void kill() {
    parts_.runner.kill();
    auto end = parts_.runner.wait(parts_.timer.monotonic() + kKillPatience, {});
    if (!end) {
      kLog.error("The processes of task {} could not be ended", task_.uuid.to_string());
      end.emplace();
      end->wait_status = SIGKILL;
      end->finished_at = parts_.timer.now();
      end->survivors = {"unknown"};
    }
    take(std::move(*end));
  }

  void take(ProcessEnd end) {
    result_.wait_status = end.wait_status;
    result_.out = end.out;
    result_.err = end.err;
    result_.end = std::move(end);
  }

  /// The codes of a shell or env that cannot run something. What a person would try works, so say what differs.
  void note_isolation() {
    if (!parts_.settings.isolate || (result_.wait_status != 126 << 8 && result_.wait_status != 127 << 8)) return;
    const auto path = parts_.inherited.find("PATH");
    result_.notes.push_back(
        fmt::format("this worker runs with --isolate: commands start in an empty directory ({}) and are looked up in "
                    "PATH={}; other variables of the worker are kept back unless --pass-env names them",
                    parts_.directory.working().native(), path == parts_.inherited.end() ? "" : path->second));
  }

  void note_what_was_odd() {
    const auto& end = *result_.end;
    note_isolation();
    if (end.out_of_memory)
      result_.notes.push_back(fmt::format("the memory limit of {} was reached and processes were killed",
                                          format_size(parts_.settings.memory_limit.value_or(0))));
    if (result_.how == Execution::How::kEnded && !end.leftovers.empty())
      result_.notes.push_back(
          fmt::format("processes the command left behind were ended: {}", fmt::join(end.leftovers, ", ")));
    if (!end.survivors.empty())
      result_.notes.push_back(fmt::format("processes could not be ended: {}", fmt::join(end.survivors, ", ")));
    for (const auto& [name, stream] : {std::pair{"stdout", &result_.out}, std::pair{"stderr", &result_.err}}) {
      if (!*stream) continue;
      if ((*stream)->dropped() > 0)
        result_.notes.push_back(fmt::format("{}: the first {} were cut off; the limit is {}", name,
                                            format_size((*stream)->dropped()), format_size((*stream)->limit)));
      if ((*stream)->failed)
        result_.notes.push_back(fmt::format("{} is incomplete: it could not be written to the disk", name));
    }
  }

  const SlotParts& parts_;
  const protocol::WorkerTaskResp& task_;
  const StopTokens& stops_;
  std::stop_token removed_;
  Execution result_;
};

}  // namespace

Execution execute(const SlotParts& parts, Session& session, const protocol::WorkerTaskResp& task,
                  const StopTokens& stops) {
  return Run(parts, session, task, stops).run();
}

}  // namespace mito::worker
