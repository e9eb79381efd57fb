#include "coordinator/stop_signals.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <signal.h>
#include <stdexcept>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace mito::coordinator {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

// What the handler may touch: lock-free atomics and a pipe.
std::atomic<int> pipe_write_end{-1};
std::atomic<bool> stop_was_asked{false};
int pipe_read_end = -1;
std::array<struct sigaction, kSignals.size()> previous_actions{};

extern "C" void on_signal(int number) {
  const int saved = errno;
  if (number != SIGHUP && stop_was_asked.exchange(true)) _exit(1);
  const char byte = number == SIGHUP ? 'r' : 's';
  // A full pipe means that enough wake-ups are under way already.
  [[maybe_unused]] const ssize_t written = write(pipe_write_end.load(), &byte, 1);
  errno = saved;
}

}  // namespace

StopSignals::StopSignals(std::function<void()> on_stop, std::function<void()> on_reload)
    : on_stop_(std::move(on_stop)), on_reload_(std::move(on_reload)) {
  if (pipe_write_end.load() != -1) throw std::logic_error("only one StopSignals at a time");
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  pipe_read_end = ends[0];
  stop_was_asked = false;
  pipe_write_end = ends[1];
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  thread_ = std::thread([this] {
    char byte = 0;
    while (true) {
      const ssize_t count = read(pipe_read_end, &byte, 1);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0 || byte == 'e') return;
      if (byte == 's') on_stop_();
      if (byte == 'r' && on_reload_) on_reload_();
    }
  });
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    sigaction(kSignals[i], &action, &previous_actions[i]);
}

StopSignals::~StopSignals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    sigaction(kSignals[i], &previous_actions[i], nullptr);
  const int write_end = pipe_write_end.exchange(-1);
  fcntl(write_end, F_SETFL, 0);
  const char end = 'e';
  while (write(write_end, &end, 1) < 0 && errno == EINTR) {
  }
  thread_.join();
  close(write_end);
  close(pipe_read_end);
}

}  // namespace mito::coordinator
