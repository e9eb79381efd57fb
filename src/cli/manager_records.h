#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"
#include "worker/host.h"

// The workers that `mito manager spawn` started on this machine: a file each, in `manager` of the cache directory.
namespace mito::cli {

/// One spawned worker. It is the process `pid` only where host, boot and start fit, too: process numbers come again,
/// and a home directory may be shared by many machines.
struct SpawnedWorker {
  worker::HostIdentity host;
  pid_t pid = 0;
  std::uint64_t start = 0;      ///< As in /proc/<pid>/stat: clock ticks since the machine started.
  std::int64_t spawned_at = 0;  ///< Seconds since 1970.
  std::filesystem::path log;    ///< What it prints.
  std::string options;          ///< Of its command line, for people.
  std::filesystem::path file;   ///< In which this stands.
};

/// `mitosis/manager` in the cache directory. kUsage without a home.
Result<std::filesystem::path> manager_directory();

/// Start of a living process that is no zombie; nothing when there is none of that number.
std::optional<std::uint64_t> process_start(pid_t pid);
/// Whether it runs on this machine now.
bool is_running(const SpawnedWorker& worker);

/// Writes `worker.file`. kIo.
Result<void> write_record(const SpawnedWorker& worker);
/// All that are recorded in the directory, by number. What cannot be read is left out.
std::vector<SpawnedWorker> read_records(const std::filesystem::path& directory);

}  // namespace mito::cli
