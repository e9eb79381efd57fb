#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"

namespace mito::cli {

/// What a role's settings say about its log files.
struct LogFileSettings {
  bool file_log = false;
  std::optional<std::filesystem::path> path;
  /// Rotated daily, where no exact path is given (coordinator) or where workers share it.
  bool shared = false;
};

/// Console logging from RUST_LOG and NO_COLOR alone.
void log_to_console();
/// Console, and a file if that is wanted: exactly `path`, else `<cache dir>/mitosis/coordinator/<bind>.log.<date>`. kIo
/// with the reason.
Result<void> set_up_coordinator_log(const LogFileSettings& settings, const std::string& bind);
/// Console, and a file if that is wanted: exactly `path`, else `<cache dir>/mitosis/worker/<uuid>.log`; shared ones get
/// `.<date>` and each line
/// `[worker:<uuid>]`.
Result<void> set_up_worker_log(const LogFileSettings& settings, const std::string& worker_uuid);

}  // namespace mito::cli
