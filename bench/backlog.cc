#include <chrono>
#include <vector>

#include <fmt/format.h>

#include "bench/group.h"
#include "bench/machine.h"
#include "bench/scenarios.h"

namespace mito::bench {
namespace {

using Clock = std::chrono::steady_clock;

Awaitable<void> first_dispatch(Bench& bench) {
  auto session = bench.session();
  const SimulatedWorker worker = co_await register_worker(session, bench, Dialect::kOurs);
  std::string_view task = "null";
  while (task == "null")
    task = co_await session.send_ok(worker.waiting_fetch);
}

Awaitable<void> register_all(Bench& bench, std::vector<Session>& sessions, std::vector<SimulatedWorker>& workers) {
  for (auto& session : sessions)
    workers.push_back(co_await register_worker(session, bench, Dialect::kOurs, R"(["measured"])"));
}

double timed_submit(Bench& bench, std::size_t tasks) {
  const auto begin = Clock::now();
  bench.run(submit_batches(bench, tasks, 500, R"(["measured"])"));
  return static_cast<double>(tasks) / Seconds(Clock::now() - begin).count();
}

double timed_drain(Bench& bench, std::size_t tasks) {
  std::vector<Session> sessions;
  std::vector<SimulatedWorker> workers;
  for (int i = 0; i < 32; ++i)
    sessions.push_back(bench.session());
  bench.run(register_all(bench, sessions, workers));
  auto remaining = static_cast<std::int64_t>(tasks);
  std::vector<Awaitable<void>> load;
  for (std::size_t i = 0; i < sessions.size(); ++i)
    load.push_back(work(sessions[i], workers[i], Dialect::kOurs, remaining));
  const auto begin = Clock::now();
  bench.run(until_zero(bench.context(), std::move(load), remaining));
  return static_cast<double>(tasks) / Seconds(Clock::now() - begin).count();
}

}  // namespace

std::vector<Measurement> backlog(const Options& options, std::size_t queued, std::size_t tasks) {
  Bench bench(options);
  Measurement measurement{"backlog", fmt::format("{} queued", queued), {}};
  const double before = resident_bytes_of(bench.coordinator_pid());
  bench.run(submit_batches(bench, queued, 2'000, R"(["later"])"));
  const double after = resident_bytes_of(bench.coordinator_pid());
  measurement.add("submit", timed_submit(bench, tasks), "tasks/s");
  measurement.add("drain", timed_drain(bench, tasks), "tasks/s");
  if (bench.coordinator_pid() > 0) {
    measurement.add("coordinator memory", after / (1 << 20), "MiB");
    if (queued > 0) measurement.add("growth", (after - before) / static_cast<double>(queued), "bytes/task");
  }
  if (options.url.empty()) {
    const auto begin = Clock::now();
    bench.restart();
    bench.run(submit_batches(bench, 1, 1));
    bench.run(first_dispatch(bench));
    measurement.add("restart to first dispatch", Seconds(Clock::now() - begin).count(), "s");
  } else {
    bench.run(cancel_all(bench));
  }
  return {measurement};
}

}  // namespace mito::bench
