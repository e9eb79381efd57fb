#include <csignal>
#include <stop_token>
#include <unistd.h>

#include "base/logging.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/role_command.h"
#include "cli/role_logging.h"
#include "cli/signals.h"
#include "coordinator/coordinator.h"
#include "coordinator/settings.h"

namespace mito::cli {

namespace {

constexpr log::Source kLog{"netmito::coordinator"};
constexpr std::string_view kHelp =
    "Run a coordinator: it keeps tasks, hands them to workers and keeps what they make. Without any options it listens "
    "on 127.0.0.1:5000 and keeps "
    "everything in a directory of its own.";

int run(coordinator::Settings settings) {
  std::stop_source stop;
  const SignalWatch signals([&stop](int signal, int count) {
    if (count > 1) {
      log::flush();
      ::_exit(1);
    }
    kLog.info("{} received: stopping; once more stops at once", signal == SIGINT ? "SIGINT" : "SIGTERM");
    stop.request_stop();
  });
  auto coordinator = coordinator::Coordinator::start(std::move(settings));
  if (!coordinator) return report(coordinator.error());
  const std::stop_callback stop_it(stop.get_token(), [&coordinator] { (*coordinator)->request_stop(); });
  const auto ended = (*coordinator)->wait();
  return ended ? 0 : report(ended.error());
}

}  // namespace

int run_coordinator(std::span<const std::string> words) {
  auto loaded = load_role(coordinator::settings_declaration(), kHelp, words);
  if (!loaded) return loaded.error();
  auto& settings = loaded->settings;
  settings.config_files = loaded->files;
  LogFileSettings log_file{.file_log = settings.file_log, .path = {}, .shared = false};
  if (!settings.log_path.empty()) log_file.path = settings.log_path;
  if (const auto logging = set_up_coordinator_log(log_file, settings.bind); !logging) return report(logging.error());
  for (const auto& warning : loaded->warnings)
    kLog.warn("{}", warning);
  const int code = run(std::move(settings));
  log::flush();
  return code;
}

}  // namespace mito::cli
