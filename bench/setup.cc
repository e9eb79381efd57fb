#include "bench/setup.h"

#include <chrono>
#include <exception>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include "bench/machine.h"
#include "security/password.h"

namespace mito::bench {
namespace asio = boost::asio;

Bench::Bench(const Options& options) : options_(options) {
  if (options_.url.empty())
    start();
  else {
    constexpr std::string_view kScheme = "http://";
    std::string_view rest = options_.url;
    if (!rest.starts_with(kScheme)) throw std::runtime_error("--url must look like http://127.0.0.1:5000");
    rest.remove_prefix(kScheme.size());
    rest = rest.substr(0, rest.find('/'));
    const auto colon = rest.rfind(':');
    asio::ip::tcp::resolver resolver(context_);
    endpoint_ = *resolver
                     .resolve(std::string(rest.substr(0, colon)),
                              colon == std::string_view::npos ? "80" : std::string(rest.substr(colon + 1)))
                     .begin();
  }
  login();
}

void Bench::start() {
  // A database outside of the data directory belongs to the keys that are in it: they stay together.
  static std::shared_ptr<TemporaryDirectory> shared;
  if (!directory_) directory_ = shared ? shared : std::make_shared<TemporaryDirectory>(options_.directory);
  std::vector<std::string> arguments = {options_.mito, "coordinator", "--bind",
                                        "127.0.0.1:0", "--data-dir",  (directory_->path() / "data").string()};
  arguments.insert(arguments.end(), options_.coordinator_arguments.begin(), options_.coordinator_arguments.end());
  if (!options_.database.empty()) {
    shared = directory_;
    arguments.insert(arguments.end(), {"--db", options_.database});
  }
  coordinator_ = std::make_unique<ChildProcess>(arguments, directory_->path() / "coordinator.log");
  const std::string address = coordinator_->wait_for("listening on");
  endpoint_ = {asio::ip::make_address("127.0.0.1"),
               static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)))};
}

void Bench::login() {
  std::string digest;
  for (const auto byte : security::digest_password(options_.password))
    digest += fmt::format("{}{}", digest.empty() ? "" : ",", byte);
  const auto body = fmt::format(R"({{"username":"{}","md5_password":[{}],"retain":true}})", options_.user, digest);
  auto connection = session();
  run([](Session& used, std::string request, std::string& token) -> Awaitable<void> {
    token = find_string(co_await used.send_ok(request), "token");
  }(connection, make_request("POST", "/login", {}, body), token_));
}

std::string Bench::url() const {
  return fmt::format("http://{}:{}", endpoint_.address().to_string(), endpoint_.port());
}

int Bench::coordinator_pid() const {
  return coordinator_ ? coordinator_->pid() : options_.pid;
}

void Bench::run(Awaitable<void> work) {
  std::exception_ptr failure;
  bool done = false;
  asio::co_spawn(context_, std::move(work), [&](const std::exception_ptr& error) {
    failure = error;
    done = true;
    context_.stop();
  });
  context_.restart();
  context_.run();
  if (failure) std::rethrow_exception(failure);
  if (!done) throw std::runtime_error("the load ended early");
}

void Bench::remember(const SimulatedWorker& worker) {
  departures_.push_back(make_request("DELETE", "/workers", worker.token));
}

void Bench::clean_up() {
  if (options_.url.empty() && options_.database.empty()) return;
  auto connection = session();
  // Workers that have left already are refused, which is as well.
  run([](Session& used, const std::vector<std::string>& requests) -> Awaitable<void> {
    for (const auto& request : requests)
      co_await used.send(request);
  }(connection, departures_));
  departures_.clear();
  run(cancel_all(*this));
}

Seconds Bench::restart() {
  if (!coordinator_)
    throw std::runtime_error("only a coordinator that the benchmark started can be restarted: leave --url out");
  coordinator_->kill();
  const auto begin = std::chrono::steady_clock::now();
  start();
  return std::chrono::steady_clock::now() - begin;
}

Awaitable<SimulatedWorker> register_worker(Session& session, Bench& bench, Dialect dialect, std::string tags_json) {
  const auto extra = dialect == Dialect::kOurs ? R"(,"features":["wait","complete"],"lease":"10m")" : "";
  const auto body = fmt::format(R"({{"tags":{},"labels":[],"groups":["{}"],"lifetime":null{}}})", tags_json,
                                bench.options().user, extra);
  SimulatedWorker worker;
  worker.token = find_string(co_await session.send_ok(make_request("POST", "/workers", bench.token(), body)), "token");
  bench.remember(worker);
  worker.fetch = make_request("GET", "/workers/tasks", worker.token);
  worker.waiting_fetch =
      make_request("GET", dialect == Dialect::kOurs ? "/workers/tasks?wait=25s" : "/workers/tasks", worker.token);
  co_return worker;
}

Awaitable<void> unregister_worker(Session& session, const SimulatedWorker& worker) {
  co_await session.send_ok(make_request("DELETE", "/workers", worker.token));
}

std::string submission(const Bench& bench, const std::string& tags_json) {
  return fmt::format(
      R"({{"group_name":"{}","tags":{},"labels":["bench"],"timeout":"10m","priority":0,"task_spec":{{"args":["true"],"envs":{{}},"resources":[],"terminal_output":false,"watch":null}}}})",
      bench.options().user, tags_json);
}

Awaitable<void> submit_batches(Bench& bench, std::size_t count, std::size_t size, std::string tags_json) {
  auto session = bench.session();
  const auto request = [&](std::size_t tasks) {
    const std::string one = submission(bench, tags_json);
    std::string body = R"({"tasks":[)";
    for (std::size_t i = 0; i < tasks; ++i)
      body += (i ? "," : "") + one;
    return make_request("POST", "/tasks/submit", bench.token(), body + "]}");
  };
  const std::string full = request(size);
  for (std::size_t done = 0; done + size <= count; done += size)
    co_await session.send_ok(full);
  if (count % size != 0) {
    const std::string rest = request(count % size);
    co_await session.send_ok(rest);
  }
}

Awaitable<void> cancel_all(Bench& bench) {
  auto session = bench.session();
  const std::string request = make_request("POST", "/tasks/cancel", bench.token(), R"({"states":["Ready","Pending"]})");
  while (find_integer(co_await session.send_ok(request), "cancelled_count") > 0) {
  }
}

Awaitable<void> work(Session& session, SimulatedWorker worker, Dialect dialect, std::int64_t& remaining) {
  const auto report = [&](std::int64_t id, std::string_view op) {
    return make_request("POST", "/workers/tasks", worker.token, fmt::format(R"({{"id":{},"op":{}}})", id, op));
  };
  std::string_view task = co_await session.send_ok(worker.waiting_fetch);
  while (remaining > 0) {
    if (task == "null") {
      task = co_await session.send_ok(worker.waiting_fetch);
      continue;
    }
    const std::int64_t id = find_integer(task, "id");
    if (dialect == Dialect::kOurs) {
      const std::string request =
          report(id, R"({"Complete":{"exit_status":0,"msg":null,"state":"Finished","next":true}})");
      const std::string_view answer = co_await session.send_ok(request);
      const auto next = answer.find("\"next\":");
      task = next == std::string_view::npos ? std::string_view("null") : answer.substr(next + 7);
      if (task.starts_with("null")) task = "null";
    } else {
      const std::string finish = report(id, "\"Finish\"");
      co_await session.send_ok(finish);
      const std::string commit = report(id, R"({"Commit":{"exit_status":0,"msg":null}})");
      co_await session.send_ok(commit);
      task = {};
    }
    --remaining;
    if (task.empty() && remaining > 0) task = co_await session.send_ok(worker.fetch);
  }
}

CpuMeter::CpuMeter(const Bench& bench)
    : pid_(bench.coordinator_pid()), coordinator_(cpu_time_of(pid_)), load_(own_cpu_time()) {}

void CpuMeter::report(Measurement& measurement, std::size_t tasks, const std::string& of) const {
  if (tasks == 0) return;
  const double scale = 1e6 / static_cast<double>(tasks);
  if (pid_ > 0) measurement.add(of + "coordinator CPU", (cpu_time_of(pid_) - coordinator_).count() * scale, "us/task");
  measurement.add(of + "load CPU", (own_cpu_time() - load_).count() * scale, "us/task");
}

}  // namespace mito::bench
