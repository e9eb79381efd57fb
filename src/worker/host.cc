#include "worker/host.h"

#include <fstream>
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <fmt/format.h>

namespace mito::worker {
namespace {

std::string first_line(const char* file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

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

HostIdentity this_host() {
  HostIdentity identity;
  if (utsname system{}; uname(&system) == 0) identity.host = &system.nodename[0];
  if (const auto machine = first_line("/etc/machine-id"); !machine.empty()) identity.host += "/" + machine;
  identity.boot = first_line("/proc/sys/kernel/random/boot_id");
  return identity;
}

}  // namespace mito::worker
