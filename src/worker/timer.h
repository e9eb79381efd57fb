#pragma once

#include <chrono>
#include <stop_token>

#include "base/time.h"

namespace mito::worker {

/// The clock of the worker and its only way to let time pass. Any thread.
class Timer : public Clock {
 public:
  /// Waits; false when `stop` was requested before the time was over.
  virtual bool pause(std::chrono::milliseconds length, std::stop_token stop) const = 0;

  /// Real time.
  static const Timer& real();
};

/// One stop request out of two, for waits that either may end. Lives on the stack of whoever waits.
class EitherStop {
 public:
  EitherStop(const std::stop_token& first, const std::stop_token& second)
      : on_first_(first, Request{&source_}), on_second_(second, Request{&source_}) {}
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  struct Request {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  std::stop_source source_;
  std::stop_callback<Request> on_first_;
  std::stop_callback<Request> on_second_;
};

}  // namespace mito::worker
