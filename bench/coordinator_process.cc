#include "bench/coordinator_process.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace mito::bench {

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log) : log_(log) {
  std::error_code missing;
  log_start_ = std::filesystem::file_size(log, missing);
  if (missing) log_start_ = 0;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  std::vector<char*> argv;
  for (const auto& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int failure = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw std::runtime_error("cannot start " + arguments[0] + ": " + std::strerror(failure));
}

ChildProcess::~ChildProcess() {
  end(SIGTERM);
}

void ChildProcess::terminate() {
  end(SIGTERM);
}
void ChildProcess::kill() {
  end(SIGKILL);
}

void ChildProcess::end(int signal) {
  if (pid_ < 0) return;
  ::kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void ChildProcess::wait() {
  if (pid_ >= 0) waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool ChildProcess::ended() {
  if (pid_ >= 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ < 0;
}

std::string ChildProcess::wait_for(const std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    std::ifstream file(log_);
    file.seekg(static_cast<std::streamoff>(log_start_));
    std::stringstream content;
    content << file.rdbuf();
    const std::string log = content.str();
    if (const auto at = log.find(text); at != std::string::npos)
      if (const auto line_end = log.find('\n', at); line_end != std::string::npos)
        return log.substr(at + text.size(), line_end - at - text.size());
    if (ended() || std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("\"" + text + "\" did not come:\n" + log);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TemporaryDirectory::TemporaryDirectory(const std::string& parent) {
  std::string pattern =
      (parent.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(parent)) / "mito-bench.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("cannot make a directory like " + pattern + ": " + std::strerror(errno));
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace mito::bench
