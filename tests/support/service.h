#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace mito::testing {

/// A program on the PATH or among the project's own tools (.venv/bin); nothing when it is not installed.
std::optional<std::filesystem::path> find_program(const std::string& name);

/// A port of loopback that nobody uses at the moment.
std::uint16_t free_port();
/// Whether somebody accepts connections there.
bool is_listening(std::uint16_t port);
/// Waits for a condition with a deadline; false when it did not come true.
bool wait_for(const std::function<bool()>& condition, std::chrono::milliseconds timeout = std::chrono::seconds(10));

/// A fresh directory that is removed in the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A program in the background, killed in the end and when the test dies.
class Service {
 public:
  Service(const std::filesystem::path& program, std::vector<std::string> arguments,
          const std::filesystem::path& directory);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// After SIGSTOP it stands still when this returns.
  void signal(int number) const;
  void kill();
  [[nodiscard]] bool is_running() const;

 private:
  pid_t pid_ = -1;
};

}  // namespace mito::testing

/// Where a test cannot do without a program: fails when CI is set, skips with the reason elsewhere.
#define MITO_NEED_PROGRAM(name)                                                                        \
  do {                                                                                                 \
    if (!::mito::testing::find_program(name)) {                                                        \
      if (std::getenv("CI") != nullptr) FAIL() << (name) << " is missing: run script/bootstrap --dev"; \
      GTEST_SKIP() << (name) << " is missing: run script/bootstrap --dev";                             \
    }                                                                                                  \
  } while (false)
