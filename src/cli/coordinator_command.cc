#include <chrono>
#include <csignal>
#include <memory>
#include <stop_token>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/core.h>

#include "base/logging.h"
#include "base/service_manager.h"
#include "base/sync.h"
#include "cli/commands.h"
#include "cli/coordinator_tasks.h"
#include "cli/report.h"
#include "cli/role_command.h"
#include "cli/role_logging.h"
#include "cli/signals.h"
#include "coordinator/check.h"
#include "coordinator/coordinator.h"
#include "coordinator/settings.h"
#include "http/client.h"

namespace mito::cli {

namespace {

constexpr log::Source kLog{"netmito::coordinator"};
constexpr std::string_view kHelp =
    "Run a coordinator: it keeps tasks, hands them to workers and keeps what they make. Without any options it listens "
    "on 127.0.0.1:5000 and keeps "
    "everything in a directory of its own. Beside it: `mito coordinator backup DIR` copies that directory while the "
    "coordinator runs, `mito coordinator restore DIR` makes it from such a copy, and `mito coordinator set-password "
    "USER` gives a user a new password while no coordinator runs. With `--check` it looks whether everything that is "
    "configured can be used, and ends.";

/// Whether the coordinator answers at all. What it says of its database is no reason to start it anew.
bool answers(http::Client& client, const std::string& url) {
  http::ClientRequest request;
  request.url = url + "/health";
  request.total_timeout = std::chrono::seconds(10);
  return client.send_and_wait(std::move(request)).has_value();
}

int run(coordinator::Settings settings, ServiceManager& manager) {
  settings.on_standby = [&manager] { manager.ready("on standby", [] { return true; }); };
  std::stop_source stop;
  Sync<coordinator::Coordinator*> running{nullptr};
  const auto on_signal = [&](int signal, int count) {
    if (signal == SIGHUP) {
      if (auto* coordinator = *running.lock()) coordinator->reload();
      return;
    }
    if (count > 1) {
      log::flush();
      ::_exit(1);
    }
    kLog.info("{} received: stopping; once more stops at once", signal == SIGINT ? "SIGINT" : "SIGTERM");
    stop.request_stop();
  };
  const SignalWatch signals(on_signal, Hangup::kIsWatched);
  auto coordinator = coordinator::Coordinator::start(std::move(settings), stop.get_token());
  if (!coordinator)
    return coordinator.error().code() == ErrorCode::kCancelled ? 0 : report_plainly(coordinator.error());
  const std::stop_callback stop_it(stop.get_token(), [&coordinator] { (*coordinator)->request_stop(); });
  *running.lock() = coordinator->get();
  auto probe = std::make_shared<http::Client>(http::ClientSettings{.verify_tls = false});
  manager.ready("serving " + (*coordinator)->url(),
                [probe, url = (*coordinator)->url()] { return answers(*probe, url); });
  const auto ended = (*coordinator)->wait();
  manager.ready("stopping", [] { return true; });
  manager.stopping();
  *running.lock() = nullptr;
  return ended ? 0 : report_plainly(ended.error());
}

/// Takes `--check` out of the words; whether it was there.
bool take_check(std::vector<std::string>& words) {
  return std::erase(words, "--check") != 0;
}

/// One line for each engine on standard output.
int check(const coordinator::Settings& settings) {
  bool good = true;
  for (const auto& [engine, outcome] : coordinator::check_engines(settings)) {
    good = good && outcome.has_value();
    fmt::print("{:<8} {}: {}\n", outcome ? "ok" : "WRONG", engine, outcome ? *outcome : describe(outcome.error()));
  }
  return good ? 0 : 1;
}

}  // namespace

int run_coordinator(std::span<const std::string> given) {
  ServiceManager manager;
  if (const auto code = run_coordinator_task(given)) return *code;
  std::vector<std::string> words(given.begin(), given.end());
  const bool only_check = take_check(words);
  auto loaded = load_role(coordinator::settings_declaration(), kHelp, words);
  if (!loaded) return loaded.error();
  auto& settings = loaded->settings;
  settings.config_files = loaded->files;
  if (only_check) return check(settings);
  LogFileSettings log_file{.file_log = settings.file_log, .path = {}, .shared = false};
  if (!settings.log_path.empty()) log_file.path = settings.log_path;
  if (const auto logging = set_up_coordinator_log(log_file, settings.bind); !logging)
    return report_plainly(logging.error());
  for (const auto& warning : loaded->warnings)
    kLog.warn("{}", warning);
  const int code = run(std::move(settings), manager);
  log::flush();
  return code;
}

}  // namespace mito::cli
