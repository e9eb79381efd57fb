#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace mito::cli {

/// Whether SIGHUP is a signal like the others, or ends the program.
enum class Hangup { kEndsTheProgram, kIsWatched };

/// SIGINT and SIGTERM (and SIGHUP, where it is asked for) as calls of `on_signal`, on a thread of this object, with the
/// signal's number and how many came so far (SIGHUP is not counted). Uses handlers, not a signal mask, so that child
/// processes start with default signals. One instance at a time; its end restores what was set before.
class SignalWatch {
 public:
  using Callback = std::function<void(int signal, int count)>;
  explicit SignalWatch(Callback on_signal, Hangup hangup = Hangup::kEndsTheProgram);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  Callback on_signal_;
  Hangup hangup_;
  std::thread thread_;
};

}  // namespace mito::cli
