#include <chrono>
#include <vector>

#include <fmt/format.h>

#include "bench/group.h"
#include "bench/scenarios.h"

namespace mito::bench {
namespace {

using Clock = std::chrono::steady_clock;

Awaitable<void> submit_singly(Bench& bench, std::int64_t& left, Latencies& latencies) {
  auto session = bench.session();
  const std::string request = make_request("POST", "/tasks", bench.token(), submission(bench));
  while (left > 0) {
    --left;
    const auto begin = Clock::now();
    co_await session.send_ok(request);
    latencies.add(Clock::now() - begin);
  }
}

Measurement submit_one_by_one(const Options& options, std::size_t tasks, std::size_t connections) {
  Bench bench(options);
  Latencies latencies;
  auto left = static_cast<std::int64_t>(tasks);
  std::vector<Awaitable<void>> load;
  for (std::size_t i = 0; i < connections; ++i)
    load.push_back(submit_singly(bench, left, latencies));
  const CpuMeter cpu(bench);
  const auto begin = Clock::now();
  bench.run(all(bench.context(), std::move(load)));
  const Seconds elapsed = Clock::now() - begin;
  Measurement measurement{"submit", fmt::format("one by one, {} connections", connections), {}};
  measurement.add("rate", static_cast<double>(tasks) / elapsed.count(), "tasks/s");
  measurement.add("latency", latencies);
  cpu.report(measurement, tasks);
  bench.clean_up();
  return measurement;
}

}  // namespace

Measurement submit_in_batches(const Options& options, std::size_t tasks, std::size_t batch) {
  Bench bench(options);
  const CpuMeter cpu(bench);
  const auto begin = Clock::now();
  // Two requests at a time: one is read while the other is written.
  std::vector<Awaitable<void>> load;
  const std::size_t each = tasks / 2;
  for (int half = 0; half < 2; ++half)
    load.push_back(submit_batches(bench, each, batch));
  bench.run(all(bench.context(), std::move(load)));
  const Seconds elapsed = Clock::now() - begin;
  Measurement measurement{"submit", fmt::format("batches of {}", batch), {}};
  measurement.add("rate", static_cast<double>(2 * each) / elapsed.count(), "tasks/s");
  cpu.report(measurement, tasks);
  bench.clean_up();
  return measurement;
}

std::vector<Measurement> submit(const Options& options, std::size_t tasks, std::size_t connections, std::size_t batch) {
  std::vector<Measurement> found;
  found.push_back(submit_one_by_one(options, tasks, connections));
  found.push_back(submit_in_batches(options, tasks, batch));
  return found;
}

}  // namespace mito::bench
