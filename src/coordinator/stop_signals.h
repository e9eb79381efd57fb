#pragma once

#include <functional>
#include <thread>

namespace mito::coordinator {

/// SIGINT and SIGTERM as an orderly stop: the first one calls `on_stop` on a thread of this object, the second one ends
/// the process at once with exit code 1. SIGHUP calls `on_reload`. One instance at a time; its end restores what was
/// set before. Handlers, not a signal mask, so that child processes start with default signals.
class StopSignals {
 public:
  explicit StopSignals(std::function<void()> on_stop, std::function<void()> on_reload = {});
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  std::function<void()> on_stop_;
  std::function<void()> on_reload_;
  std::thread thread_;
};

}  // namespace mito::coordinator
