#include "worker/backoff.h"

#include <algorithm>
#include <random>

namespace mito::worker {

Backoff::Backoff() : Backoff(std::chrono::milliseconds{100}, std::chrono::seconds{5}) {}

std::chrono::milliseconds Backoff::next() {
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto whole = next_.count();
  next_ = std::min(longest_, next_ * 2);
  return std::chrono::milliseconds{std::uniform_int_distribution{whole / 2, whole}(random)};
}

}  // namespace mito::worker
