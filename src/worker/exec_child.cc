#include "worker/exec_child.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mito::worker {
namespace {

constexpr bool is_worth_next_candidate(int error) {
  return error == EACCES || error == ENOENT || error == ESTALE || error == ENOTDIR || error == ENODEV ||
         error == ETIMEDOUT;
}

/// Limits and rights of the command, by system calls alone: the library's functions look at threads we do not have.
bool take_rights(const SupervisorRequest& request) {
  if (request.memory_limit != 0) {
    const rlimit limit{request.memory_limit, request.memory_limit};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
  }
  if (request.becomes_user == 0) return true;
  return syscall(SYS_setgroups, std::size_t{request.group_count}, request.groups.data()) == 0 &&
         syscall(SYS_setresgid, request.group, request.group, request.group) == 0 &&
         syscall(SYS_setresuid, request.user, request.user, request.user) == 0;
}

/// Returns only when none of the candidates could be executed: errno of that.
int execute(ExecPlan& plan) {
  bool denied = false;
  int last = ENOENT;
  const bool only_one = plan.candidates[0] == nullptr || plan.candidates[1] == nullptr;
  for (std::size_t i = 0; plan.candidates[i] != nullptr; ++i) {
    char* candidate = plan.candidates[i];
    // Most places of PATH do not have it, which a look finds out for a fraction of what execve(2) takes.
    if (!only_one && i != plan.expected && access(candidate, F_OK) != 0 && is_worth_next_candidate(errno)) {
      last = errno;
      denied = denied || last == EACCES;
      continue;
    }
    plan.tried = i;
    execve(candidate, plan.args, plan.environment);
    if (errno == ENOEXEC) {
      plan.shell_args[1] = candidate;
      execve("/bin/sh", plan.shell_args, plan.environment);
    }
    last = errno;
    denied = denied || last == EACCES;
    if (!is_worth_next_candidate(last)) break;
  }
  return denied && is_worth_next_candidate(last) ? EACCES : last;
}

int prepare_and_execute(ExecPlan& plan) {
  setsid();
  if (plan.out >= 0) dup2(plan.out, STDOUT_FILENO);
  if (plan.err >= 0) dup2(plan.err, STDERR_FILENO);
  syscall(SYS_close_range, 3U, ~0U, 0U);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (!take_rights(*plan.request)) return errno;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the change of user, which takes it back
  if (*plan.directory != '\0' && chdir(plan.directory) != 0) return errno;
  return execute(plan);
}

}  // namespace

int become_command(void* argument) {
  auto& plan = *static_cast<ExecPlan*>(argument);
  plan.failure = prepare_and_execute(plan);
  return 127;
}

}  // namespace mito::worker
