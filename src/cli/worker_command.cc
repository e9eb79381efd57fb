#include <atomic>
#include <csignal>
#include <stop_token>
#include <unistd.h>

#include "base/logging.h"
#include "base/service_manager.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/role_command.h"
#include "cli/role_logging.h"
#include "cli/signals.h"
#include "worker/settings.h"
#include "worker/worker.h"

namespace mito::cli {

namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr std::string_view kHelp =
    "Run a worker: it fetches tasks from a coordinator and runs their commands on this machine, as the user that "
    "started it. SIGTERM or Ctrl-C lets "
    "running tasks end (--grace), once more ends them, a third time leaves at once.";

int run(worker::Settings settings, ServiceManager& manager) {
  std::stop_source stop;
  std::stop_source kill;
  const SignalWatch signals([&stop, &kill](int signal, int count) {
    if (count == 1) {
      kLog.warn("{} received, initiating graceful shutdown...", signal == SIGINT ? "Ctrl+C" : "Terminate signal");
      stop.request_stop();
    } else if (count == 2) {
      kLog.warn("Second signal received: ending running tasks");
      kill.request_stop();
    } else {
      log::flush();
      ::_exit(1);
    }
  });
  const LogFileSettings log_file{
      .file_log = settings.file_log, .path = settings.log_path, .shared = settings.shared_log};
  std::atomic_flag was_registered;  // the log file is named after the first registration
  const worker::Observer observer{.on_registered = [&](const std::string& uuid) {
    if (was_registered.test_and_set()) return;
    manager.ready("registered as " + uuid, [] { return true; });
    if (!log_file.file_log) return;
    if (const auto logging = set_up_worker_log(log_file, uuid); !logging)
      kLog.error("There is no log file: {}", logging.error().text());
  }};
  worker::Worker worker(std::move(settings), observer);
  const auto outcome = worker.run(stop.get_token(), kill.get_token());
  return outcome ? worker::exit_code(*outcome) : report(outcome.error());
}

}  // namespace

int run_worker(std::span<const std::string> words) {
  ServiceManager manager;
  log_to_console();
  auto loaded = load_role(worker::settings_declaration(), kHelp, words);
  if (!loaded) return loaded.error();
  for (const auto& warning : loaded->warnings)
    kLog.warn("{}", warning);
  const int code = run(std::move(loaded->settings), manager);
  log::flush();
  return code;
}

}  // namespace mito::cli
