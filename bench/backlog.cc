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

/// Rounds of submission and drain, so that what happens now and then (checkpoints) has its share in both.
constexpr int kRounds = 3;

/// What submission and drain cost while others wait.
class Rates {
 public:
  Rates(Bench& bench, std::size_t tasks) : bench_(bench), tasks_(tasks) {}

  void measure(Measurement& measurement, const std::string& of) {
    Seconds submitting{0};
    Seconds draining{0};
    double submit_cpu = 0;
    double drain_cpu = 0;
    for (int round = 0; round < kRounds; ++round) {
      submit_cpu -= cpu();
      submitting += timed([&] { bench_.run(submit_batches(bench_, tasks_, 500, R"(["measured"])")); });
      submit_cpu += cpu();
      drain_cpu -= cpu();
      draining += drain();
      drain_cpu += cpu();
    }
    const double total = static_cast<double>(tasks_) * kRounds;
    measurement.add(of + "submit", total / submitting.count(), "tasks/s");
    measurement.add(of + "drain", total / draining.count(), "tasks/s");
    if (bench_.coordinator_pid() <= 0) return;
    measurement.add(of + "submit coordinator CPU", submit_cpu * 1e6 / total, "us/task");
    measurement.add(of + "drain coordinator CPU", drain_cpu * 1e6 / total, "us/task");
  }

 private:
  [[nodiscard]] double cpu() const { return cpu_time_of(bench_.coordinator_pid()).count(); }

  template <class Work>
  static Seconds timed(Work work) {
    const auto begin = Clock::now();
    work();
    return Clock::now() - begin;
  }

  Seconds drain() {
    std::vector<Session> sessions;
    std::vector<SimulatedWorker> workers;
    for (int i = 0; i < 32; ++i)
      sessions.push_back(bench_.session());
    bench_.run(register_all(bench_, sessions, workers));
    auto remaining = static_cast<std::int64_t>(tasks_);
    std::vector<Awaitable<void>> load;
    for (std::size_t i = 0; i < sessions.size(); ++i)
      load.push_back(work(sessions[i], workers[i], Dialect::kOurs, remaining));
    const Seconds elapsed = timed([&] { bench_.run(until_zero(bench_.context(), std::move(load), remaining)); });
    // Who waits must not be given a task of the next round. The sessions may be in the middle of an answer.
    for (std::size_t i = 0; i < workers.size(); ++i) {
      sessions[i] = bench_.session();
      bench_.run(unregister_worker(sessions[i], workers[i]));
    }
    return elapsed;
  }

  Bench& bench_;
  std::size_t tasks_;
};

}  // namespace

std::vector<Measurement> backlog(const Options& options, std::size_t queued, std::size_t tasks) {
  Bench bench(options);
  Measurement measurement{"backlog", fmt::format("{} queued", queued), {}};
  Rates rates(bench, tasks);
  // First with nothing queued, in the same coordinator: the machine is the same, and so are its caches.
  if (queued > 0) rates.measure(measurement, "empty: ");
  const double before = resident_bytes_of(bench.coordinator_pid());
  bench.run(submit_batches(bench, queued, 2'000, R"(["later"])"));
  const double after = resident_bytes_of(bench.coordinator_pid());
  rates.measure(measurement, "");
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
    measurement.add("restart coordinator CPU", cpu_time_of(bench.coordinator_pid()).count(), "s");
  }
  bench.clean_up();
  return {measurement};
}

}  // namespace mito::bench
