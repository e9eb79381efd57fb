#pragma once

#include <memory>
#include <stop_token>

#include "cli/signals.h"

namespace mito::cli {

/// Ctrl-C and SIGTERM for one command after the other: the first ends what the command waits for, the second ends the
/// program; at a prompt all of them only clear the line. One instance at a time; token() and renew() on one thread.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();

  /// Stops when a signal comes, or came since the last renew().
  [[nodiscard]] std::stop_token token() const;
  enum class During { kCommand, kPrompt };
  /// Forgets what came: the next command or prompt begins.
  void renew(During during);
  /// Readable once a signal came.
  [[nodiscard]] int wake_fd() const;
  /// Whether one of the signals was SIGTERM: nothing more is to begin.
  [[nodiscard]] bool terminated() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  SignalWatch signals_;
};

}  // namespace mito::cli
