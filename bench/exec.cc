#include <chrono>
#include <spawn.h>
#include <stdexcept>
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

/// Runs `true` `tasks` times, `parallel` at a time, with nothing around it; runs a second.
double bare_spawns(std::size_t tasks, std::size_t parallel) {
  const char* const arguments[] = {"/usr/bin/true", nullptr};
  std::size_t started = 0;
  std::size_t ended = 0;
  const auto begin = Clock::now();
  while (ended < tasks) {
    while (started < tasks && started - ended < parallel) {
      pid_t pid = -1;
      if (posix_spawn(&pid, arguments[0], nullptr, nullptr, const_cast<char* const*>(arguments), environ) != 0)
        throw std::runtime_error("cannot run /usr/bin/true");
      ++started;
    }
    if (wait(nullptr) > 0) ++ended;
  }
  return static_cast<double>(tasks) / Seconds(Clock::now() - begin).count();
}

Awaitable<void> wait_until_done(Bench& bench, std::size_t tasks) {
  auto session = bench.session();
  const std::string request =
      make_request("POST", "/tasks/query", bench.token(), R"({"states":["Finished","Cancelled"],"count":true})");
  boost::asio::steady_timer pause(bench.context());
  while (find_integer(co_await session.send_ok(request), "count") < static_cast<std::int64_t>(tasks)) {
    pause.expires_after(std::chrono::milliseconds(20));
    co_await pause.async_wait(boost::asio::use_awaitable);
  }
}

/// One worker over `tasks` tasks. What the machine can do bare is measured right before and after, as it changes.
Measurement exec_with(const Options& options, std::size_t tasks, std::size_t slots, const std::string& extra) {
  const double bare_before = bare_spawns(tasks / 2 + 1, slots);
  Bench bench(options);
  bench.run(submit_batches(bench, tasks, 500));
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
  const CpuMeter cpu(bench);
  const auto begin = Clock::now();
  ChildProcess worker(words, home.path() / "worker.log");
  worker.wait_for("registered");
  bench.run(wait_until_done(bench, tasks));
  const Seconds elapsed = Clock::now() - begin;
  Measurement measurement{"exec", fmt::format("true, {} slots{}{}", slots, extra.empty() ? "" : ", ", extra), {}};
  const double rate = static_cast<double>(tasks) / elapsed.count();
  measurement.add("worker CPU", cpu_time_of(worker.pid()).count() * 1e6 / static_cast<double>(tasks), "us/task");
  cpu.report(measurement, tasks);
  const double bare = (bare_before + bare_spawns(tasks / 2 + 1, slots)) / 2;
  measurement.add("worker", rate, "tasks/s");
  measurement.add("bare posix_spawn", bare, "runs/s");
  measurement.add("share", 100 * rate / bare, "%");
  return measurement;
}

}  // namespace

std::vector<Measurement> exec(const Options& options, std::size_t tasks, std::size_t slots) {
  return {exec_with(options, tasks, slots, ""), exec_with(options, tasks, slots, "--isolate")};
}

}  // namespace mito::bench
