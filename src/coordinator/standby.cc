#include "coordinator/standby.h"

#include <chrono>
#include <optional>
#include <utility>

#include "base/logging.h"
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

}  // namespace

Result<std::unique_ptr<storage::Turn>> wait_for_turn(storage::Database& database, const Settings& settings,
                                                     const std::stop_token& stop, std::function<void()> lost) {
  StandbyServer server(settings);
  std::optional<Error> failure;
  std::stop_source give_up;
  const std::stop_callback pass_on(stop, [&give_up] { give_up.request_stop(); });
  bool waited = false;
  const auto waits = [&] {
    waited = true;
    kLog.info("Another coordinator is active on this database: on standby until its place is free");
    if (settings.on_standby) settings.on_standby();
    if (const auto started = server.start(); !started) {
      failure = started.error();
      give_up.request_stop();
    }
  };
  auto turn = database.take_turn(give_up.get_token(), {.waits = waits, .lost = std::move(lost)});
  if (failure) return fail(*std::move(failure));
  if (turn && waited) kLog.info("The place of the active coordinator is free: taking over");
  return turn;
}

}  // namespace mito::coordinator
