#include "coordinator/standby.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/logging.h"
#include "base/sync.h"
#include "coordinator/metrics.h"
#include "http/server.h"

namespace mito::coordinator {
namespace {

constexpr log::Source kLog{"netmito::coordinator"};

http::Awaitable<http::Response> answer(const Settings& settings, http::Request& request) {
  if (request.path == "/metrics" && may_see_metrics(request, settings))
    co_return metrics_response(standby_metrics_text());
  http::Response response;
  response.status = 503;
  if (request.path == "/health") {
    response.headers.add("Content-Type", "application/json");
    response.body = R"({"status":"standby"})";
  } else {
    response.body = "This coordinator is on standby: another one is active.";
  }
  response.headers.add("Retry-After", "1");
  co_return response;
}

/// Answers health checks while we wait.
class StandbyServer {
 public:
  explicit StandbyServer(const Settings& settings) : settings_(settings) {}
  ~StandbyServer() {
    if (server_) server_->stop(std::chrono::milliseconds(0));
  }
  StandbyServer(const StandbyServer&) = delete;
  StandbyServer& operator=(const StandbyServer&) = delete;

  Result<void> start() {
    if (settings_.standby_bind.empty()) return {};
    MITO_TRY_ASSIGN(const BindAddress bind, BindAddress::parse(settings_.standby_bind));
    http::ServerSettings server;
    server.address = bind.host;
    server.port = bind.port;
    server.threads = 1;
    server_.emplace(std::move(server), [this](http::Request& request) { return answer(settings_, request); });
    MITO_TRY(server_->start());
    kLog.info("Standby health is served on: {}", BindAddress{.host = bind.host, .port = server_->port()}.to_string());
    return {};
  }

 private:
  const Settings& settings_;
  std::optional<http::Server> server_;
};

constexpr std::chrono::seconds kCheckEvery{5};

/// Why a wait ends before its time.
class Failure {
 public:
  explicit Failure(std::stop_source& end) : end_(end) {}
  /// The first one counts.
  void set(Error error) {
    auto error_now = error_.lock();
    if (!*error_now) *error_now = std::move(error);
    end_.request_stop();
  }
  [[nodiscard]] std::optional<Error> get() const { return *error_.lock(); }

 private:
  std::stop_source& end_;
  Sync<std::optional<Error>> error_;
};

/// Asks `check` every few seconds until it finds something wrong.
void watch(const std::stop_token& stop, const std::function<Result<void>()>& check, Failure& failure) {
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    if (const auto checked = check(); !checked) return failure.set(checked.error());
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, kCheckEvery, [] { return false; });
  }
}

}  // namespace

Result<std::unique_ptr<storage::Turn>> wait_for_turn(storage::Database& database, const Settings& settings,
                                                     const std::stop_token& stop, std::function<Result<void>()> check,
                                                     std::function<void()> lost) {
  StandbyServer server(settings);
  std::stop_source give_up;
  const std::stop_callback pass_on(stop, [&] {
    give_up.request_stop();
    database.stop_waiting();
  });
  Failure failure(give_up);
  std::jthread watching;
  bool waited = false;
  const auto waits = [&] {
    waited = true;
    kLog.info("Another coordinator is active on this database: on standby until its place is free");
    if (settings.on_standby) settings.on_standby();
    if (const auto started = server.start(); !started) failure.set(started.error());
    watching = std::jthread([&](const std::stop_token& over) { watch(over, check, failure); });
  };
  auto turn = database.take_turn(give_up.get_token(), {.waits = waits, .lost = std::move(lost)});
  watching = {};
  if (auto error = failure.get()) return fail(*std::move(error));
  if (turn && waited) kLog.info("The place of the active coordinator is free: taking over");
  return turn;
}

}  // namespace mito::coordinator
