#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/time.h"
#include "worker/account.h"

namespace mito::worker {

/// Where the output of a command goes.
struct Capture {
  std::filesystem::path stdout_file;
  std::filesystem::path stderr_file;
  std::uint64_t limit = 0;  ///< Bytes kept of each stream.
};

/// Words in one piece, each with a NUL at its end: a command has dozens of variables, and each would be an allocation.
struct Words {
  std::string text;
  std::uint32_t count = 0;
};

/// What is to be executed: the first of `candidates` that can be, as execvp(3) would choose.
struct Command {
  std::vector<std::string> candidates;
  std::vector<std::string> args;     ///< With args[0].
  Words environment;                 ///< `NAME=value`, the whole environment.
  std::filesystem::path directory;   ///< Working directory; empty: that of the worker.
  std::optional<Capture> capture;    ///< Without it both streams go to /dev/null.
  const Account* account = nullptr;  ///< Who runs it; null: who runs the worker. Outlives the call.
};

/// Why a command could not be started.
struct SpawnError {
  int error_number = 0;  ///< As execve(2) gave it; 0: it was not tried.
  std::string reason;    ///< For people.
};

/// One captured stream: a file that holds its newest bytes as a ring.
struct CapturedStream {
  std::filesystem::path file;
  std::uint64_t total = 0;  ///< Bytes that were written by the command.
  std::uint64_t limit = 0;  ///< Size of the ring; more than that has overwritten the oldest.
  bool failed = false;      ///< The file could not be written to the end (disk full).

  [[nodiscard]] std::uint64_t dropped() const { return total > limit ? total - limit : 0; }
};

/// How a command ended. The command and everything it started are gone, but for what `survivors` says.
struct ProcessEnd {
  int wait_status = 0;                     ///< As waitpid(2) stores it.
  std::chrono::microseconds cpu_time{0};   ///< User and system, of all that was reaped.
  std::uint64_t peak_memory = 0;           ///< Bytes, of the largest process.
  Timestamp finished_at;                   ///< When the command itself ended.
  std::vector<std::string> leftovers;      ///< Processes it left behind and that were ended: `name (pid)`.
  std::vector<std::string> survivors;      ///< Those that could not be ended.
  bool out_of_memory = false;              ///< The kernel ended a process of it because of the memory limit.
  std::optional<CapturedStream> out, err;  ///< With a Capture.
};

/// Runs one command at a time in a session of its own. One thread.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  /// Starts a command; the one before must have ended.
  virtual std::expected<void, SpawnError> start(const Command& command) = 0;
  /// Waits for the end of the command and of everything it started; nothing when `deadline` or `stop` comes first.
  virtual std::optional<ProcessEnd> wait(Clock::Monotonic deadline, std::stop_token stop) = 0;
  /// SIGTERM to the process group of the command.
  virtual void terminate() = 0;
  /// SIGKILL to the command and to everything it started.
  virtual void kill() = 0;
};

}  // namespace mito::worker
