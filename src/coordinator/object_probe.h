#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>

#include "http/client.h"

namespace mito::coordinator {

/// What went wrong with objects, for /metrics. Any thread.
struct ObjectCounters {
  std::atomic<std::uint64_t> errors{0};  ///< Reads, writes and removals that failed, and probes.
  std::atomic<bool> away{false};         ///< The store that workers and clients use did not answer when last asked.
};

/// Asks an object server every few seconds whether it is there. Bytes go past the coordinator, which would otherwise
/// not notice that workers cannot deliver them. A thread of its own ("object-probe").
class ObjectProbe {
 public:
  /// `url` is the server's; `counters` outlive the probe.
  ObjectProbe(std::string url, ObjectCounters& counters);
  /// Ends at once, also in the middle of a question.
  ~ObjectProbe();
  ObjectProbe(const ObjectProbe&) = delete;
  ObjectProbe& operator=(const ObjectProbe&) = delete;

 private:
  void run(const std::stop_token& stop);
  void ask(const std::stop_token& stop);

  const std::string url_;
  ObjectCounters& counters_;
  http::Client client_;
  std::jthread thread_;
};

}  // namespace mito::coordinator
