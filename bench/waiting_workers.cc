#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "bench/group.h"
#include "bench/machine.h"
#include "bench/scenarios.h"

namespace mito::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

/// What the waiting workers say to the measuring coroutine.
struct Dispatches {
  Clock::time_point last;
  std::size_t count = 0;
  std::size_t registered = 0;
};

std::string tags_of(Profiles profiles, std::size_t worker) {
  return profiles == Profiles::kAlike ? R"(["any"])" : fmt::format(R"(["any","host-{}"])", worker);
}

/// Waits for tasks for ever; notes when one comes, and reports it.
Awaitable<void> wait_for_tasks(Bench& bench, std::string tags, std::shared_ptr<Dispatches> dispatches) {
  auto session = bench.session();
  const SimulatedWorker worker = co_await register_worker(session, bench, Dialect::kOurs, tags);
  ++dispatches->registered;
  for (;;) {
    const std::string_view task = co_await session.send_ok(worker.waiting_fetch);
    if (task == "null") continue;
    dispatches->last = Clock::now();
    const std::int64_t id = find_integer(task, "id");
    const std::string report = make_request(
        "POST", "/workers/tasks", worker.token,
        fmt::format(R"({{"id":{},"op":{{"Complete":{{"exit_status":0,"msg":null,"state":"Finished"}}}}}})", id));
    co_await session.send_ok(report);
    ++dispatches->count;
  }
}

/// Queues tasks with as many different tag sets, none of which fits a worker here.
Awaitable<void> submit_classes(Bench& bench, std::size_t classes) {
  auto session = bench.session();
  constexpr std::size_t kBatch = 500;
  for (std::size_t first = 0; first < classes; first += kBatch) {
    std::string body = R"({"tasks":[)";
    for (std::size_t i = first; i < std::min(classes, first + kBatch); ++i)
      body += (i == first ? "" : ",") + submission(bench, fmt::format(R"(["class-{}"])", i));
    const std::string request = make_request("POST", "/tasks/submit", bench.token(), body + "]}");
    co_await session.send_ok(request);
  }
}

Awaitable<void> measure(Bench& bench, std::size_t workers, Profiles profiles, std::size_t idle_classes,
                        Measurement& measurement) {
  asio::steady_timer pause(bench.context());
  auto dispatches = std::make_shared<Dispatches>();
  co_await submit_classes(bench, idle_classes);
  for (std::size_t i = 0; i < workers; ++i) {
    asio::co_spawn(bench.context(), wait_for_tasks(bench, tags_of(profiles, i), dispatches), asio::detached);
    while (dispatches->registered + 64 < i) {
      pause.expires_after(std::chrono::milliseconds(1));
      co_await pause.async_wait(asio::use_awaitable);
    }
  }
  const auto deadline = Clock::now() + std::chrono::seconds(120);
  while (dispatches->registered < workers) {
    if (Clock::now() > deadline)
      throw std::runtime_error(fmt::format("only {} of {} workers could register", dispatches->registered, workers));
    pause.expires_after(std::chrono::milliseconds(10));
    co_await pause.async_wait(asio::use_awaitable);
  }
  pause.expires_after(std::chrono::seconds(1));
  co_await pause.async_wait(asio::use_awaitable);
  measurement.add("coordinator memory", resident_bytes_of(bench.coordinator_pid()) / (1 << 20), "MiB");

  constexpr std::size_t kProbes = 500;
  Latencies submitted;
  Latencies dispatched;
  auto session = bench.session();
  const CpuMeter cpu(bench);
  for (std::size_t probe = 0; probe < kProbes; ++probe) {
    const std::string tags =
        profiles == Profiles::kAlike ? R"(["any"])" : fmt::format(R"(["host-{}"])", probe * 7919 % workers);
    const std::string request = make_request("POST", "/tasks", bench.token(), submission(bench, tags));
    const auto begin = Clock::now();
    co_await session.send_ok(request);
    submitted.add(Clock::now() - begin);
    while (dispatches->count <= probe) {
      pause.expires_after(std::chrono::microseconds(200));
      co_await pause.async_wait(asio::use_awaitable);
    }
    dispatched.add(dispatches->last - begin);
  }
  measurement.add("submit", submitted);
  measurement.add("dispatch", dispatched);
  cpu.report(measurement, kProbes);
}

}  // namespace

std::vector<Measurement> waiting_workers(const Options& options, std::size_t workers, Profiles profiles,
                                         std::size_t idle_classes) {
  const std::size_t files = raise_open_files();
  if (files < workers + 100)
    throw std::runtime_error(
        fmt::format("{} workers need as many open files, and only {} are allowed: raise ulimit -n", workers, files));
  Bench bench(options);
  const std::string classes = idle_classes == 0 ? "" : fmt::format(", {} classes that fit nobody", idle_classes);
  Measurement measurement{
      "workers",
      fmt::format("{} waiting, {}{}", workers,
                  profiles == Profiles::kAlike ? "all alike" : "each with a tag of its own", classes),
      {}};
  bench.run(measure(bench, workers, profiles, idle_classes, measurement));
  bench.clean_up();
  return {measurement};
}

}  // namespace mito::bench
