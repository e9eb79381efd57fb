#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mito::bench {

/// A child process that is ended with this object.
class ChildProcess {
 public:
  /// Starts `arguments` (the first is the program) with output to `log`. Throws std::runtime_error.
  ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// SIGTERM, and waits.
  void terminate();
  /// SIGKILL, and waits.
  void kill();
  [[nodiscard]] bool ended();
  /// Waits until it ends by itself.
  void wait();
  /// Waits until the log holds `text`, and returns what follows it on that line. Throws when the process ends or after
  /// 60 s.
  std::string wait_for(const std::string& text);

 private:
  void end(int signal);
  pid_t pid_ = -1;
  std::filesystem::path log_;
  std::uintmax_t log_start_ = 0;
};

/// A temporary directory, removed with this object.
class TemporaryDirectory {
 public:
  /// In `parent`, or where the system keeps temporary files.
  explicit TemporaryDirectory(const std::string& parent);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace mito::bench
