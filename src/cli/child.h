#pragma once

#include <cstdio>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace mito::cli {

/// Another process of this program, in a process group of its own, so that Ctrl-C on the terminal does not reach it.
/// What it writes goes to a log file and, line by line, to `on_line`. It gets SIGTERM when this process ends in
/// whatever way. One thread; killed and reaped by the destructor.
class Child {
 public:
  using OnLine = std::function<void(const std::string& line)>;

  /// Starts `mito <args…>`; `environment` changes that of this process (nothing: the variable is removed).
  static Result<std::unique_ptr<Child>> start(std::string name, const std::vector<std::string>& args,
                                              const std::map<std::string, std::optional<std::string>>& environment,
                                              const std::filesystem::path& log, OnLine on_line);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// To poll(2): readable when there is output or the end of it.
  [[nodiscard]] int output_descriptor() const { return output_; }
  /// To poll(2): readable when the process has ended.
  [[nodiscard]] int end_descriptor() const { return end_; }
  /// Takes what there is to read; false at the end of the output.
  bool read_output();
  /// The wait status, once it has ended.
  std::optional<int> end_status();
  void signal(int number) const;
  /// Its last lines, for error messages.
  [[nodiscard]] const std::deque<std::string>& last_lines() const { return last_lines_; }

 private:
  Child(std::string name, pid_t pid, int output, std::FILE* log, OnLine on_line);
  void take_line(std::string line);

  std::string name_;
  pid_t pid_;
  int output_;
  int end_;
  std::FILE* log_;
  OnLine on_line_;
  std::string partial_;
  std::deque<std::string> last_lines_;
  std::optional<int> status_;
};

}  // namespace mito::cli
