#pragma once

#include <span>
#include <sys/types.h>

namespace mito::worker {

/// As vfork(2), but on a stack of its own: the child must not write into frames the caller returns from. Runs
/// `child(argument)` in a process that shares this one's memory; the caller waits until it has executed another program
/// or ended. -1 with errno. Async-signal-safe.
pid_t clone_plain(int (*child)(void*), void* argument, std::span<char> stack);

/// The same, with the child in a cgroup (descriptor of its directory) from its first moment on: clone3(2), for which
/// the C library has no function with a stack of its own. ENOSYS on machines other than x86-64 and arm64.
pid_t clone_into(int cgroup, int (*child)(void*), void* argument, std::span<char> stack);

}  // namespace mito::worker
