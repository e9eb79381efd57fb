#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/sync.h"

namespace mito {

/// The service manager that started this program and wants to hear of it, where there is one: systemd with Type=notify
/// (sd_notify(3)). Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment, so that tasks do not inherit them:
/// make it before any thread is started.
class ServiceManager {
 public:
  ServiceManager();
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  /// Start-up is over; `status` is shown to people. Where a watchdog was asked for, `healthy` is then called on a
  /// thread of ours, twice within each of its periods: as long as it answers true, the program is not started anew.
  void ready(std::string_view status, std::function<bool()> healthy);
  void stopping();

 private:
  struct Watched {
    std::function<bool()> healthy;
    std::jthread thread;
  };
  void tell(std::string_view text) const;
  void watch(std::stop_token stop);

  std::string socket_;
  std::optional<std::chrono::microseconds> watchdog_;
  Sync<Watched> watched_;
};

}  // namespace mito
