#include "worker/host.h"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <fmt/format.h>

namespace mito::worker {

protocol::WorkerHostInfo describe_host(const std::optional<std::string>& name) {
  protocol::WorkerHostInfo info;
  info.name = name;
  info.version = MITO_VERSION;
  if (utsname system{}; uname(&system) == 0) {
    info.host = &system.nodename[0];
    info.kernel = fmt::format("{} {}", &system.sysname[0], &system.release[0]);
  }
  // Those this process may run on, which is what its tasks can use.
  if (cpu_set_t cores; sched_getaffinity(0, sizeof cores, &cores) == 0)
    info.cores = static_cast<std::uint32_t>(CPU_COUNT(&cores));
  if (struct sysinfo system{}; sysinfo(&system) == 0)
    info.memory_bytes = std::uint64_t{system.totalram} * system.mem_unit;
  return info;
}

}  // namespace mito::worker
