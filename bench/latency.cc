#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "bench/group.h"
#include "bench/scenarios.h"

namespace mito::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

/// Tells a waiting coroutine on the same thread that something has happened.
class Signal {
 public:
  explicit Signal(asio::io_context& context) : timer_(context, Clock::time_point::max()) {}
  void raise() {
    raised_ = true;
    timer_.cancel();
  }
  Awaitable<void> wait() {
    boost::system::error_code cancelled;
    if (!raised_) co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    raised_ = false;
  }

 private:
  asio::steady_timer timer_;
  bool raised_ = false;
};

/// Fetches with long polls, says when each task came, and reports it.
Awaitable<void> receive(Session session, SimulatedWorker worker, std::size_t count, Clock::time_point& arrival,
                        Signal& arrived) {
  for (std::size_t i = 0; i < count; ++i) {
    std::string_view task = "null";
    while (task == "null")
      task = co_await session.send_ok(worker.waiting_fetch);
    arrival = Clock::now();
    const std::string report =
        make_request("POST", "/workers/tasks", worker.token,
                     fmt::format(R"({{"id":{},"op":{{"Complete":{{"exit_status":0,"msg":null,"state":"Finished"}}}}}})",
                                 find_integer(task, "id")));
    co_await session.send_ok(report);
    arrived.raise();
  }
}

/// One probe after another: submit, and wait until the idle worker has it and has reported it. A pause lets its next
/// fetch wait again.
Awaitable<void> probe(Bench& bench, std::size_t count, Latencies& latencies) {
  constexpr const char* kTags = R"(["probe"])";
  auto fetching = bench.session();
  auto submitting = bench.session();
  const SimulatedWorker worker = co_await register_worker(fetching, bench, Dialect::kOurs, kTags);
  const std::string request = make_request("POST", "/tasks", bench.token(), submission(bench, kTags));
  Clock::time_point arrival;
  Signal arrived(bench.context());
  asio::steady_timer pause(bench.context());
  asio::co_spawn(bench.context(), receive(std::move(fetching), worker, count, arrival, arrived), asio::detached);
  for (std::size_t i = 0; i < count; ++i) {
    pause.expires_after(std::chrono::milliseconds(5));
    co_await pause.async_wait(asio::use_awaitable);
    const auto begin = Clock::now();
    co_await submitting.send_ok(request);
    co_await arrived.wait();
    latencies.add(arrival - begin);
  }
}

/// Submits at a steady rate, in batches of what came due, until it is told to end.
Awaitable<void> feed(Bench& bench, double rate, std::shared_ptr<const bool> ended) {
  auto session = bench.session();
  const std::string one = submission(bench, R"(["load"])");
  asio::steady_timer timer(bench.context());
  const auto begin = Clock::now();
  std::size_t sent = 0;
  while (!*ended) {
    timer.expires_after(std::chrono::milliseconds(2));
    co_await timer.async_wait(asio::use_awaitable);
    const auto due = static_cast<std::size_t>(Seconds(Clock::now() - begin).count() * rate);
    if (due <= sent) continue;
    std::string body = R"({"tasks":[)";
    for (std::size_t i = sent; i < due; ++i)
      body += (i == sent ? "" : ",") + one;
    const std::string request = make_request("POST", "/tasks/submit", bench.token(), body + "]}");
    co_await session.send_ok(request);
    sent = due;
  }
}

Awaitable<void> work_for_ever(Bench& bench, std::int64_t& done) {
  auto session = bench.session();
  const SimulatedWorker worker = co_await register_worker(session, bench, Dialect::kOurs, R"(["load"])");
  co_await work(session, worker, Dialect::kOurs, done);
}

Awaitable<void> probe_under_load(Bench& bench, std::size_t probes, std::size_t workers, double rate,
                                 Latencies& latencies, std::int64_t& left) {
  // Whoever feeds may still look at it when this has returned.
  const auto ended = std::make_shared<bool>(false);
  for (std::size_t i = 0; i < workers; ++i)
    asio::co_spawn(bench.context(), work_for_ever(bench, left), asio::detached);
  asio::co_spawn(bench.context(), feed(bench, rate, ended), asio::detached);
  asio::steady_timer warm_up(bench.context(), std::chrono::seconds(1));
  co_await warm_up.async_wait(asio::use_awaitable);
  co_await probe(bench, probes, latencies);
  *ended = true;
}

/// Tasks a second with submission and drain at once: what the coordinator can do under this kind of load.
double capacity(const Options& options, std::size_t workers) {
  const double drained = drain(options, Dialect::kOurs, 40'000, workers).front().figures.front().value;
  const double submitted = submit_in_batches(options, 40'000, 500).figures.front().value;
  return 1 / (1 / drained + 1 / submitted);
}

}  // namespace

std::vector<Measurement> latency(const Options& options, std::size_t probes, std::size_t workers) {
  std::vector<Measurement> found;
  {
    Bench bench(options);
    Latencies latencies;
    bench.run(probe(bench, probes, latencies));
    bench.clean_up();
    Measurement measurement{"latency", "idle", {}};
    measurement.add("submit to worker", latencies);
    found.push_back(std::move(measurement));
  }
  const double rate = 0.8 * capacity(options, workers);
  {
    Bench bench(options);
    Latencies latencies;
    constexpr std::int64_t kEndless = std::int64_t{1} << 40;
    std::int64_t left = kEndless;
    const auto begin = Clock::now();
    bench.run(probe_under_load(bench, probes, workers, rate, latencies, left));
    const Seconds elapsed = Clock::now() - begin;
    bench.clean_up();
    Measurement measurement{"latency", fmt::format("80% load, {} workers", workers), {}};
    measurement.add("offered", rate, "tasks/s");
    measurement.add("done", static_cast<double>(kEndless - left) / elapsed.count(), "tasks/s");
    measurement.add("submit to worker", latencies);
    found.push_back(std::move(measurement));
  }
  return found;
}

}  // namespace mito::bench
