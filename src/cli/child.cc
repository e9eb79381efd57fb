#include "cli/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "base/program.h"

extern char** environ;

namespace mito::cli {

namespace {

constexpr std::size_t kKeptLines = 20;

std::vector<std::string> merged_environment(const std::map<std::string, std::optional<std::string>>& changes) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string name(text.substr(0, text.find('=')));
    if (!changes.contains(name)) merged.emplace_back(text);
  }
  for (const auto& [name, value] : changes)
    if (value) merged.push_back(fmt::format("{}={}", name, *value));
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (auto& text : texts)
    all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// The new process from fork to exec: system calls only.
[[noreturn]] void become(const char* program, char** argv, char** environment, int output, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // it ended before the line above
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execve(program, argv, environment);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<Child>> Child::start(std::string name, const std::vector<std::string>& args,
                                            const std::map<std::string, std::optional<std::string>>& environment,
                                            const std::filesystem::path& log, OnLine on_line) {
  std::FILE* file = std::fopen(log.c_str(), "ae");
  if (file == nullptr)
    return fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", log.string(), std::strerror(errno)));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    std::fclose(file);
    return fail(ErrorCode::kIo, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  std::vector<std::string> words{"mito"};
  words.insert(words.end(), args.begin(), args.end());
  auto variables = merged_environment(environment);
  const auto argv = pointers(words);
  const auto envp = pointers(variables);
  const auto program = program_path();
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0)
    become(program.c_str(), const_cast<char**>(argv.data()), const_cast<char**>(envp.data()), ends[1], parent);
  ::close(ends[1]);
  if (pid < 0) {
    const int error = errno;
    ::close(ends[0]);
    std::fclose(file);
    return fail(ErrorCode::kIo, fmt::format("cannot start {}: {}", name, std::strerror(error)));
  }
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return std::unique_ptr<Child>(new Child(std::move(name), pid, ends[0], file, std::move(on_line)));
}

Child::Child(std::string name, pid_t pid, int output, std::FILE* log, OnLine on_line)
    : name_(std::move(name)),
      pid_(pid),
      output_(output),
      end_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
      log_(log),
      on_line_(std::move(on_line)) {}

Child::~Child() {
  if (!end_status()) {
    signal(SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  ::close(output_);
  if (end_ >= 0) ::close(end_);
  std::fclose(log_);
}

bool Child::read_output() {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t count = ::read(output_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0) {
      if (!partial_.empty()) take_line(std::exchange(partial_, {}));
      return false;
    }
    partial_.append(buffer.data(), static_cast<std::size_t>(count));
    for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
      std::string line = partial_.substr(0, end);
      partial_.erase(0, end + 1);
      take_line(std::move(line));
    }
  }
}

void Child::take_line(std::string line) {
  std::fprintf(log_, "%s\n", line.c_str());
  std::fflush(log_);
  on_line_(line);
  last_lines_.push_back(std::move(line));
  if (last_lines_.size() > kKeptLines) last_lines_.pop_front();
}

std::optional<int> Child::end_status() {
  if (!status_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  }
  return status_;
}

void Child::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

}  // namespace mito::cli
