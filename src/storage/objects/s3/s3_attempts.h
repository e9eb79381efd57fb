#pragma once

#include <chrono>

#include "storage/objects/s3/s3_object_store.h"

namespace mito::storage {

/// How often and how long one operation is tried: until it is answered with what will not pass, or the patience ends.
/// One thread.
class S3ObjectStore::Attempts {
 public:
  explicit Attempts(S3ObjectStore& store);

  /// For the next attempt, at least a millisecond.
  [[nodiscard]] std::chrono::milliseconds time_left() const;
  /// Whether to try again after this answer; waits before that.
  bool again(const Result<http::ClientResponse>& answer);

  static bool may_pass(unsigned status);

 private:
  S3ObjectStore& store_;
  const Clock::Monotonic deadline_;
  std::chrono::milliseconds pause_;
  std::chrono::seconds ahead_;  ///< What the clocks' difference was taken for.
};

}  // namespace mito::storage
