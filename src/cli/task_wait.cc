#include "cli/task_wait.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <sys/wait.h>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/humane.h"
#include "cli/task_view.h"
#include "cli/unpack.h"

namespace mito::cli {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kFirstPause(50);
constexpr milliseconds kLongestPause(1000);
constexpr auto kPatience = std::chrono::minutes(1);

/// A wait that Ctrl-C ends.
void pause(milliseconds length, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, length, [] { return false; });
}

bool worth_a_retry(ErrorCode code) {
  return code == ErrorCode::kUnreachable || code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout ||
         code == ErrorCode::kProtocol;
}

/// A directory that goes with its owner.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> make() {
    std::error_code error;
    auto base = fs::temp_directory_path(error);
    if (error) base = "/tmp";
    std::string name = base / "mito-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
      return fail(ErrorCode::kIo, fmt::format("cannot make a directory in {}", base.string()));
    return TemporaryDirectory(name);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  explicit TemporaryDirectory(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

}  // namespace

Result<protocol::TaskQueryResp> wait_for_task(Session& session, TaskUuid uuid) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  const auto stop = session.stop();
  milliseconds rest = kFirstPause;
  TaskState known = TaskState::kUnknown;
  auto heard = steady_clock::now();
  bool away = false;
  for (;;) {
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "interrupted");
    const auto asked = steady_clock::now();
    // A task that is over but has no result yet gets it within moments: nothing to wait for at the coordinator's.
    const bool waits = known == TaskState::kReady || known == TaskState::kPending || known == TaskState::kRunning;
    auto answer = waits ? client->get_task_after(uuid, known, stop) : client->get_task(uuid, stop);
    const auto now = steady_clock::now();
    if (answer) {
      if (answer->info.result) return answer;
      if (away) session.out().note("the coordinator is back");
      away = false;
      heard = now;
      if (answer->info.state != known ||
          now - asked > kLongestPause) {  // news, or the answer was held back: ask again at once
        known = answer->info.state;
        rest = kFirstPause;
        continue;
      }
    } else {
      const auto code = answer.error().code();
      if (!worth_a_retry(code) || now - heard > kPatience) return answer;
      if (!away) session.out().note(fmt::format("{}; trying on for a minute", answer.error().text()));
      away = true;
    }
    pause(rest, stop);
    rest = std::min(rest * 2, kLongestPause);
  }
}

Result<void> print_task_output(Session& session, TaskUuid uuid, Streams streams) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto located, client->locate_artifact(uuid, ArtifactContentType::kStdLog, session.stop()));
  MITO_TRY_ASSIGN(const auto directory, TemporaryDirectory::make());
  const auto archive = directory.path() / "std-log.tar.gz";
  MITO_TRY(client->download(located.url, archive, {}, session.stop()));
  MITO_TRY(session.out().flush());
  return unpack_files(archive, [streams](std::string_view name) -> std::FILE* {
    if (name.ends_with("stdout.log") && streams != Streams::kErr) return stdout;
    return name.ends_with("stderr.log") && streams != Streams::kOut ? stderr : nullptr;
  });
}

int task_exit_code(const protocol::TaskQueryResp& task) {
  if (!task.info.result) return static_cast<int>(ExitCode::kFailed);
  const int code = shell_exit_code(task.info.result->exit_status);
  if (code == 0 && !succeeded(condition_of(task))) return static_cast<int>(ExitCode::kFailed);
  return code;
}

}  // namespace mito::cli
