#include "worker/memory_limit.h"

#include <cerrno>
#include <sys/resource.h>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/size.h"
#include "base/time.h"
#include "worker/cgroup.h"
#include "worker/environment.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr std::chrono::seconds kPatience{10};

bool limits_whole_tasks(const RunnerSettings& settings) {
  if (!settings.cgroup_parent) return false;
  const auto probe = SlotCgroup::create(*settings.cgroup_parent, settings.memory_limit);
  return probe && probe->limits_memory();
}

/// Where the operating system bounds what may be asked for.
std::string hard_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return {};
  return fmt::format("; a process of this worker may have {} at most (ulimit -H -v)", format_size(limit.rlim_max));
}

std::unexpected<Error> too_little(std::uint64_t limit) {
  return fail(ErrorCode::kUsage, fmt::format("not even the command 'true' runs with {} of memory: give more to "
                                             "--memory-limit, or leave it out",
                                             format_size(limit)));
}

}  // namespace

Result<void> try_memory_limit(const RunnerSettings& settings) {
  if (!settings.memory_limit) return {};
  if (*settings.memory_limit == 0) return too_little(0);  // for the operating system it would mean none
  const auto limit = format_size(*settings.memory_limit);
  SupervisedRunner runner(settings);
  const auto command = make_command({"true"}, inherited_environment());
  const auto started = command ? runner.start(*command) : std::unexpected(command.error());
  if (!started && started.error().error_number == EPERM)
    return fail(ErrorCode::kUsage, fmt::format("the memory of tasks cannot be limited to {} here: {}{}; give less to "
                                               "--memory-limit, or leave it out",
                                               limit, started.error().reason, hard_limit()));
  const auto end = started ? runner.wait(Clock::system().monotonic() + kPatience, {}) : std::nullopt;
  const bool unknown = started ? !end : started.error().error_number == ENOENT;
  if (!unknown && (!started || end->wait_status != 0)) return too_little(*settings.memory_limit);
  kLog.info("The memory limit of {} holds for {}", limit,
            limits_whole_tasks(settings) ? "each task as a whole, by its cgroup"
                                         : "each process of a task, by RLIMIT_AS: no cgroup can be limited here");
  return {};
}

}  // namespace mito::worker
