#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <fmt/core.h>

#include "client/credentials.h"

namespace mito::client {

namespace {

enum class Echo { kOn, kOff };

std::unexpected<Error> nobody_to_ask(std::string_view question) {
  while (question.ends_with(' ') || question.ends_with(':'))
    question.remove_suffix(1);
  return fail(
      ErrorCode::kUsage,
      fmt::format("an answer to \"{}\" is missing and cannot be asked for without a terminal; give it as an argument",
                  question));
}

/// Switches the echo of a terminal off, and back on when it goes.
class EchoGuard {
 public:
  EchoGuard(int fd, Echo echo) : fd_(fd) {
    if (echo == Echo::kOn || ::tcgetattr(fd, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    changed_ = ::tcsetattr(fd, TCSAFLUSH, &silent) == 0;
  }
  ~EchoGuard() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  EchoGuard(const EchoGuard&) = delete;
  EchoGuard& operator=(const EchoGuard&) = delete;

 private:
  int fd_;
  termios before_{};
  bool changed_ = false;
};

/// Becomes readable on a stop request.
class StopEvent {
 public:
  explicit StopEvent(const std::stop_token& stop) : fd_(::eventfd(0, EFD_CLOEXEC)), callback_(stop, Signal{fd_}) {}
  ~StopEvent() {
    if (fd_ >= 0) ::close(fd_);
  }
  StopEvent(const StopEvent&) = delete;
  StopEvent& operator=(const StopEvent&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  struct Signal {
    int fd;
    void operator()() const { ::eventfd_write(fd, 1); }
  };
  int fd_;
  std::stop_callback<Signal> callback_;
};

Result<std::string> read_line(int fd, const StopEvent& stop, std::string_view question) {
  std::string line;
  for (;;) {
    std::array<pollfd, 2> ready{
        {{.fd = fd, .events = POLLIN, .revents = 0}, {.fd = stop.fd(), .events = POLLIN, .revents = 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return nobody_to_ask(question);
    if (ready[1].revents != 0) return fail(ErrorCode::kCancelled, "interrupted");
    if (ready[0].revents == 0) continue;
    char c = 0;
    const ssize_t count = ::read(fd, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return nobody_to_ask(question);
    if (c == '\n') return line;
    line.push_back(c);
    if (line.size() > 4096) return fail(ErrorCode::kUsage, "the answer is too long");
  }
}

Result<std::string> ask_terminal(std::string_view question, Echo echo, const std::stop_token& stop) {
  if (::isatty(STDIN_FILENO) == 0) return nobody_to_ask(question);
  const int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return nobody_to_ask(question);
  Result<std::string> answer;
  {
    const StopEvent stopped(stop);
    const EchoGuard guard(fd, echo);
    const bool asked = ::write(fd, question.data(), question.size()) >= 0;
    answer = asked ? read_line(fd, stopped, question) : nobody_to_ask(question);
  }
  ::close(fd);
  return answer;
}

}  // namespace

Result<std::string> TerminalPrompt::ask(std::string_view question) {
  return ask_terminal(question, Echo::kOn, stop_);
}
Result<std::string> TerminalPrompt::ask_secret(std::string_view question) {
  return ask_terminal(question, Echo::kOff, stop_);
}

}  // namespace mito::client
