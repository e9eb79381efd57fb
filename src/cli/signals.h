#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace mito::cli {

/// SIGINT and SIGTERM as calls of `on_signal`, on a thread of this object, with the signal's number and how many came
/// so far. Uses handlers, not a signal mask, so that child processes start with default signals. One instance at a
/// time; its end restores what was set before.
class SignalWatch {
 public:
  using Callback = std::function<void(int signal, int count)>;
  explicit SignalWatch(Callback on_signal);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  Callback on_signal_;
  std::thread thread_;
};

}  // namespace mito::cli
