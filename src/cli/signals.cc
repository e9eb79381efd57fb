#include "cli/signals.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace mito::cli {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

// What a handler may touch. The pipe carries one byte for each signal; 0 ends the thread.
std::atomic<int> g_pipe_write{-1};
std::array<struct sigaction, kSignals.size()> g_previous;
int g_pipe_read = -1;

extern "C" void write_signal(int signal) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const auto written = ::write(g_pipe_write.load(), &byte, 1);
  errno = saved;
}

}  // namespace

SignalWatch::SignalWatch(Callback on_signal, Hangup hangup) : on_signal_(std::move(on_signal)), hangup_(hangup) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  g_pipe_read = ends[0];
  g_pipe_write = ends[1];
  thread_ = std::thread([this] {
    int count = 0;
    for (unsigned char byte = 0;;) {
      const auto got = ::read(g_pipe_read, &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0 || byte == 0) return;
      if (byte != SIGHUP) ++count;
      on_signal_(byte, count);
    }
  });
  struct sigaction action{};
  action.sa_handler = write_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    if (kSignals[i] != SIGHUP || hangup_ == Hangup::kIsWatched) ::sigaction(kSignals[i], &action, &g_previous[i]);
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    if (kSignals[i] != SIGHUP || hangup_ == Hangup::kIsWatched) ::sigaction(kSignals[i], &g_previous[i], nullptr);
  const unsigned char end = 0;
  while (::write(g_pipe_write.load(), &end, 1) < 0 && errno == EINTR) {
  }
  thread_.join();
  ::close(g_pipe_write.exchange(-1));
  ::close(g_pipe_read);
}

}  // namespace mito::cli
