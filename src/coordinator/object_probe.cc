#include "coordinator/object_probe.h"

#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"

namespace mito::coordinator {
namespace {

constexpr log::Source kLog{"netmito::coordinator"};

constexpr std::chrono::seconds kInterval{5};
constexpr std::chrono::seconds kPatience{5};

}  // namespace

ObjectProbe::ObjectProbe(std::string url, ObjectCounters& counters)
    : url_(std::move(url)),
      counters_(counters),
      client_({}),
      thread_([this](const std::stop_token& stop) { run(stop); }) {
  pthread_setname_np(thread_.native_handle(), "object-probe");
}

ObjectProbe::~ObjectProbe() = default;

void ObjectProbe::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    ask(stop);
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, kInterval, [] { return false; });
  }
}

// Without a signature: a store that refuses us by name is there.
void ObjectProbe::ask(const std::stop_token& stop) {
  const auto answer = client_.send_and_wait(
      {.method = "HEAD", .url = url_, .connect_timeout = kPatience, .total_timeout = kPatience}, stop);
  if (stop.stop_requested()) return;
  const bool away = !answer || answer->status >= 500;
  if (away) ++counters_.errors;
  if (counters_.away.exchange(away) == away) return;
  if (!away)
    kLog.info("The object store at {} answers again", url_);
  else
    kLog.warn(
        "The object store at {} does not answer: {}. Workers and clients cannot store or fetch files until it does.",
        url_, answer ? fmt::format("status {}", answer->status) : describe(answer.error()));
}

}  // namespace mito::coordinator
