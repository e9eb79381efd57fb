#include "cli/role_logging.h"

#include <cstdlib>

#include <fmt/core.h>

#include "base/logging.h"

namespace mito::cli {

namespace {

Result<std::filesystem::path> cache_directory() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && cache[0] == '/')
    return std::filesystem::path(cache);
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] != '\0')
    return std::filesystem::path(home) / ".cache";
  return fail(ErrorCode::kUsage,
              "there is no place for the log file because HOME is not set; give one with --log-path");
}

Result<void> apply(const log::Settings& settings) {
  if (auto problem = log::setup(settings); !problem.empty()) return fail(ErrorCode::kIo, std::move(problem));
  return {};
}

}  // namespace

void log_to_console() {
  auto settings = log::settings_from_environment();
  settings.file.clear();
  [[maybe_unused]] const auto no_file_no_problem = log::setup(settings);
}

Result<void> set_up_coordinator_log(const LogFileSettings& wanted, const std::string& bind) {
  auto settings = log::settings_from_environment();
  if (wanted.file_log && wanted.path) {
    settings.file = wanted.path->string();
  } else if (wanted.file_log) {
    MITO_TRY_ASSIGN(const auto cache, cache_directory());
    settings.file = cache / "mitosis" / "coordinator" / (bind + ".log");
    settings.roll_daily = true;
  }
  return apply(settings);
}

Result<void> set_up_worker_log(const LogFileSettings& wanted, const std::string& worker_uuid) {
  auto settings = log::settings_from_environment();
  if (!wanted.file_log) return apply(settings);
  if (wanted.path) {
    settings.file = wanted.path->string();
  } else {
    MITO_TRY_ASSIGN(const auto cache, cache_directory());
    settings.file = cache / "mitosis" / "worker" / (wanted.shared ? "workers.log" : worker_uuid + ".log");
  }
  settings.roll_daily = wanted.shared;
  if (wanted.shared) settings.file_prefix = fmt::format("[worker:{}] ", worker_uuid);
  return apply(settings);
}

}  // namespace mito::cli
