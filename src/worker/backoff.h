#pragma once

#include <chrono>

namespace mito::worker {

/// How long to wait before the next attempt: doubles from `first` to `longest`, each time a random part between the
/// half and the whole of it, so that many workers do not come back in step.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest)
      : first_(first), longest_(longest), next_(first) {}
  /// The usual one for calls to a coordinator: 100 ms to 5 s.
  Backoff();

  /// The wait before the next attempt.
  std::chrono::milliseconds next();
  /// After a success.
  void reset() { next_ = first_; }

 private:
  std::chrono::milliseconds first_, longest_, next_;
};

}  // namespace mito::worker
