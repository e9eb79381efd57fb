#include <algorithm>
#include <chrono>
#include <spawn.h>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "bench/machine.h"
#include "bench/scenarios.h"

namespace mito::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// The worker and the bare loop take turns this often, so that what else the machine does falls on both.
constexpr std::size_t kTurns = 8;

/// Runs `true` `tasks` times, `parallel` at a time, with nothing around it.
Seconds bare_spawns(std::size_t tasks, std::size_t parallel) {
  const char* const arguments[] = {"true", nullptr};
  std::size_t started = 0;
  std::size_t ended = 0;
  const auto begin = Clock::now();
  while (ended < tasks) {
    while (started < tasks && started - ended < parallel) {
      pid_t pid = -1;
      if (posix_spawnp(&pid, arguments[0], nullptr, nullptr, const_cast<char* const*>(arguments), environ) != 0)
        throw std::runtime_error("cannot run true");
      ++started;
    }
    if (wait(nullptr) > 0) ++ended;
  }
  return Clock::now() - begin;
}

/// User and system time of the children that were waited for.
Seconds cpu_time_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return Seconds{static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6};
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Sets `done` to how many tasks are over.
Awaitable<void> count_done(Bench& bench, std::size_t& done) {
  auto session = bench.session();
  const std::string request =
      make_request("POST", "/tasks/query", bench.token(), R"({"states":["Finished","Cancelled"],"count":true})");
  done = static_cast<std::size_t>(find_integer(co_await session.send_ok(request), "count"));
}

/// Asks seldom while much is left, because counting takes its time from what is measured.
Awaitable<void> wait_until_done(Bench& bench, std::size_t before, std::size_t tasks) {
  boost::asio::steady_timer pause(bench.context());
  const auto begin = Clock::now();
  for (std::size_t done = 0; done < tasks;) {
    const Seconds passed = Clock::now() - begin;
    const Seconds left = done == 0 ? passed : passed * (static_cast<double>(tasks - done) / static_cast<double>(done));
    // What the first few tell of the rest is little: wait no longer than until now.
    pause.expires_after(
        std::chrono::duration_cast<Clock::duration>(std::max(std::min(0.9 * left, passed), Seconds{0.005})));
    co_await pause.async_wait(boost::asio::use_awaitable);
    co_await count_done(bench, done);
    done -= before;
  }
}

/// One worker over `tasks` tasks, in turns with the bare loop.
Measurement exec_with(const Options& options, std::size_t tasks, std::size_t slots, const std::string& extra) {
  Bench bench(options);
  const TemporaryDirectory home(options.directory);
  std::vector<std::string> words{options.mito,
                                 "worker",
                                 "--coordinator",
                                 bench.url(),
                                 "--user",
                                 options.user,
                                 "--password",
                                 options.password,
                                 "--credential-path",
                                 (home.path() / "credentials").string(),
                                 "--work-dir",
                                 (home.path() / "work").string(),
                                 "--slots",
                                 std::to_string(slots)};
  if (!extra.empty()) words.push_back(extra);
  ChildProcess worker(words, home.path() / "worker.log");
  worker.wait_for("registered");
  const Seconds start_cpu = cpu_time_of(worker.pid());

  const std::size_t turn = (tasks + kTurns - 1) / kTurns;
  std::size_t others = 0;  // of former runs, where the database is shared
  bench.run(count_done(bench, others));
  std::size_t done = 0;
  const auto run_tasks = [&] {
    const auto begin = Clock::now();
    bench.run(submit_batches(bench, turn, 500));
    bench.run(wait_until_done(bench, others + done, turn));
    done += turn;
    return Seconds{Clock::now() - begin};
  };
  run_tasks();  // to begin with everything made and known
  const auto coordinator = bench.coordinator_pid();
  const Seconds coordinator_cpu = coordinator > 0 ? cpu_time_of(coordinator) : Seconds{0};
  const Seconds worker_cpu = cpu_time_of(worker.pid());
  Seconds with_worker{0};
  Seconds bare{0};
  Seconds bare_cpu{0};
  for (std::size_t i = 0; i < kTurns; ++i) {
    const Seconds before = own_cpu_time() + cpu_time_of_children();
    bare += bare_spawns(turn, slots);
    bare_cpu += own_cpu_time() + cpu_time_of_children() - before;
    with_worker += run_tasks();
  }
  const auto per_run = [runs = static_cast<double>(turn * kTurns)](Seconds time) { return time.count() * 1e6 / runs; };
  const double bare_each = per_run(bare_cpu);
  const double worker_each = per_run(cpu_time_of(worker.pid()) - worker_cpu);
  const double coordinator_each = coordinator > 0 ? per_run(cpu_time_of(coordinator) - coordinator_cpu) : 0;
  // With its supervisors and their commands, which are counted when they were waited for; without its own start.
  const Seconds reaped = cpu_time_of_children();
  worker.terminate();
  const double tree_each = (cpu_time_of_children() - reaped - start_cpu).count() * 1e6 / static_cast<double>(done);

  Measurement measurement{"exec", fmt::format("true, {} slots{}{}", slots, extra.empty() ? "" : ", ", extra), {}};
  measurement.add("bare CPU", bare_each, "us/run");
  measurement.add("worker CPU", worker_each, "us/task");
  measurement.add("and its processes", tree_each - worker_each, "us/task");
  if (coordinator > 0) measurement.add("coordinator CPU", coordinator_each, "us/task");
  measurement.add("share by CPU", 100 * bare_each / (tree_each + coordinator_each), "%");
  measurement.add("worker", 1e6 / per_run(with_worker), "tasks/s");
  measurement.add("bare posix_spawn", 1e6 / per_run(bare), "runs/s");
  measurement.add("share", 100 * bare.count() / with_worker.count(), "%");
  return measurement;
}

}  // namespace

std::vector<Measurement> exec(const Options& options, std::size_t tasks, std::size_t slots) {
  return {exec_with(options, tasks, slots, ""), exec_with(options, tasks, slots, "--isolate")};
}

}  // namespace mito::bench
