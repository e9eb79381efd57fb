#pragma once

#include <array>
#include <cstdint>
#include <sys/types.h>

#include "worker/account.h"

// A supervisor is a small process between the worker and the commands of one slot. It is the child subreaper of
// everything that runs in the slot: a process whose parent ends, becomes a child of the supervisor, also when it made a
// session of its own. So "wait says ECHILD" means "nothing of the task is left", at the cost of one system call and
// without a look at /proc. Where there is a cgroup for the slot, commands are born in it, and one write kills all of
// them, also those we may not signal and those that multiply faster than we look. And when the worker itself is killed,
// the supervisor sees its socket close and kills what runs: a task never goes on without its worker. A fork of the
// worker is expensive and needed once per slot; the commands are vforked from the supervisor. That a command has
// started is told a moment later, or together with its end, so that a short one wakes the worker once.
//
// After the fork of a program with threads only async-signal-safe calls are allowed: supervisor.cc allocates nothing
// and uses no library but system calls.
namespace mito::worker {

enum class SupervisorRequestKind : std::uint32_t { kSpawn, kTerminate, kKill };

/// Worker to supervisor. A spawn request carries the descriptors for stdout and stderr when `captures` is not 0, and is
/// followed by `bytes` of NUL-terminated strings: directory, candidates, arguments, environment.
struct SupervisorRequest {
  SupervisorRequestKind kind = SupervisorRequestKind::kSpawn;
  std::uint32_t becomes_user = 0;  ///< 1: of the next three.
  uid_t user = 0;
  gid_t group = 0;
  std::uint32_t group_count = 0;
  std::array<gid_t, kMaxGroups> groups{};
  std::uint64_t memory_limit = 0;  ///< Bytes of address space for each process; 0: none.
  std::uint32_t captures = 0;
  std::uint32_t candidates = 0;
  std::uint32_t args = 0;
  std::uint32_t environment = 0;
  std::uint64_t bytes = 0;
};

enum class SupervisorEventKind : std::uint32_t { kStarted, kSpawnFailed, kEnded };

struct NamedProcess {
  pid_t pid = 0;
  std::array<char, 20> name{};  ///< NUL-terminated, as in /proc/<pid>/comm.
};

/// Supervisor to worker.
struct SupervisorEvent {
  SupervisorEventKind kind = SupervisorEventKind::kStarted;
  std::int32_t error_number = 0;    ///< kSpawnFailed.
  pid_t pid = 0;                    ///< kStarted.
  std::int32_t wait_status = 0;     ///< kEnded, as everything below.
  std::int64_t finished_at_us = 0;  ///< Wall clock when the command itself ended.
  std::int64_t cpu_us = 0;
  std::uint64_t peak_memory = 0;  ///< Bytes.
  std::uint32_t leftover_count = 0;
  std::uint32_t survivor_count = 0;
  std::uint32_t cgroup_spent = 0;  ///< 1: the cgroup was killed and cannot be used again.
  std::array<NamedProcess, 8> leftovers{};
  std::array<NamedProcess, 8> survivors{};
};

/// What a supervisor begins with.
struct SupervisorStart {
  int socket = -1;                    ///< Its end of a stream socket.
  int cgroup = -1;                    ///< Directory in which commands are born; -1: none.
  int cgroup_kill = -1;               ///< To write `1` to for killing all that is in it; -1: none.
  const char* cgroup_path = nullptr;  ///< Removed at the end.
};
/// The life of a supervisor; to be called in a forked child. Returns never.
[[noreturn]] void run_supervisor(const SupervisorStart& start);

}  // namespace mito::worker
