#include <chrono>
#include <vector>

#include <fmt/format.h>

#include "bench/group.h"
#include "bench/scenarios.h"

namespace mito::bench {
namespace {

Awaitable<void> register_all(Bench& bench, std::vector<Session>& sessions, std::vector<SimulatedWorker>& workers,
                             Dialect dialect) {
  for (auto& session : sessions)
    workers.push_back(co_await register_worker(session, bench, dialect));
}

}  // namespace

std::vector<Measurement> drain(const Options& options, Dialect dialect, std::size_t tasks, std::size_t worker_count) {
  Bench bench(options);
  bench.run(submit_batches(bench, tasks, 500));
  std::vector<Session> sessions;
  std::vector<SimulatedWorker> workers;
  for (std::size_t i = 0; i < worker_count; ++i)
    sessions.push_back(bench.session());
  bench.run(register_all(bench, sessions, workers, dialect));

  auto remaining = static_cast<std::int64_t>(tasks);
  std::vector<Awaitable<void>> load;
  for (std::size_t i = 0; i < worker_count; ++i)
    load.push_back(work(sessions[i], workers[i], dialect, remaining));
  const CpuMeter cpu(bench);
  const auto begin = std::chrono::steady_clock::now();
  bench.run(until_zero(bench.context(), std::move(load), remaining));
  const Seconds elapsed = std::chrono::steady_clock::now() - begin;

  Measurement measurement{
      "drain",
      fmt::format("protocol {}, {} workers", dialect == Dialect::kOurs ? "ours" : "original", worker_count),
      {}};
  measurement.add("rate", static_cast<double>(tasks) / elapsed.count(), "tasks/s");
  cpu.report(measurement, tasks);
  bench.clean_up();
  return {measurement};
}

}  // namespace mito::bench
