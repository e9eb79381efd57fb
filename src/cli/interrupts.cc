#include "cli/interrupts.h"

#include <atomic>
#include <csignal>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/sync.h"

namespace mito::cli {

struct Interrupts::State {
  Sync<std::stop_source> source{std::stop_source()};
  int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::atomic<bool> terminated = false;
  std::atomic<bool> at_prompt = false;
  std::atomic<int> since_renewal = 0;

  void take(int signal) {
    if (signal == SIGTERM) terminated = true;
    if (++since_renewal > 1 && !at_prompt) ::_exit(130);
    const auto current = *source.lock();
    std::stop_source(current).request_stop();
    ::eventfd_write(wake, 1);
  }
};

Interrupts::Interrupts()
    : state_(std::make_unique<State>()),
      signals_([state = state_.get()](int signal, int /*count*/) { state->take(signal); }) {}

Interrupts::~Interrupts() {
  ::close(state_->wake);
}

std::stop_token Interrupts::token() const {
  return state_->source.lock()->get_token();
}

void Interrupts::renew(During during) {
  eventfd_t count = 0;
  [[maybe_unused]] const int drained = ::eventfd_read(state_->wake, &count);
  *state_->source.lock() = std::stop_source();
  state_->at_prompt = during == During::kPrompt;
  state_->since_renewal = 0;
}

int Interrupts::wake_fd() const {
  return state_->wake;
}
bool Interrupts::terminated() const {
  return state_->terminated;
}

}  // namespace mito::cli
