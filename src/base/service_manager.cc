#include "base/service_manager.h"

#include <charconv>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stop_token>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace mito {

namespace {

// NOLINTBEGIN(concurrency-mt-unsafe): before any thread, see the contract
std::string take_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}
// NOLINTEND(concurrency-mt-unsafe)

}  // namespace

ServiceManager::ServiceManager() : socket_(take_from_environment("NOTIFY_SOCKET")) {
  const std::string period = take_from_environment("WATCHDOG_USEC");
  const std::string process = take_from_environment("WATCHDOG_PID");
  if (!process.empty() && process != std::to_string(::getpid())) return;
  std::int64_t microseconds = 0;
  const auto read = std::from_chars(period.data(), period.data() + period.size(), microseconds);
  if (read.ec == std::errc() && microseconds > 0) watchdog_ = std::chrono::microseconds(microseconds);
}

ServiceManager::~ServiceManager() {
  // Not under the lock, which the thread takes.
  std::jthread ending = std::move(watched_.lock()->thread);
}

void ServiceManager::ready(std::string_view status, std::function<bool()> healthy) {
  tell("READY=1\nSTATUS=" + std::string(status));
  if (!watchdog_ || socket_.empty()) return;
  const auto watched = watched_.lock();
  watched->healthy = std::move(healthy);
  if (!watched->thread.joinable())
    watched->thread = std::jthread([this](std::stop_token stop) { watch(std::move(stop)); });
}

void ServiceManager::watch(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    const auto healthy = watched_.lock()->healthy;
    if (healthy()) tell("WATCHDOG=1");
    changed.wait_for(lock, stop, *watchdog_ / 2, [] { return false; });
  }
}

void ServiceManager::stopping() {
  tell("STOPPING=1");
}

void ServiceManager::tell(std::string_view text) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() < 2 || socket_.size() >= sizeof(address.sun_path)) return;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // An abstract name.
  const int handle = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (handle < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  // A manager that does not listen is its own concern: nothing of ours depends on it.
  (void)::sendto(handle, text.data(), text.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address),  // NOLINT(*-reinterpret-cast): the sockets API
                 length);
  ::close(handle);
}

}  // namespace mito
