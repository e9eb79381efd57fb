#include "worker/vfork.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mito::worker {

pid_t clone_plain(int (*child)(void*), void* argument, std::span<char> stack) {
  return clone(child, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
}

#if defined(__x86_64__) || defined(__aarch64__)
namespace {

struct CloneArguments {  // clone_args of clone3(2)
  std::uint64_t flags = 0, pidfd = 0, child_tid = 0, parent_tid = 0, exit_signal = 0, stack = 0, stack_size = 0,
                tls = 0, set_tid = 0, set_tid_size = 0, cgroup = 0;
};

}  // namespace

pid_t clone_into(int cgroup, int (*child)(void*), void* argument, std::span<char> stack) {
  constexpr std::uint64_t kIntoCgroup = 0x200000000;  // CLONE_INTO_CGROUP
  const CloneArguments arguments{.flags = kIntoCgroup | CLONE_VM | CLONE_VFORK,
                                 .exit_signal = SIGCHLD,
                                 .stack = reinterpret_cast<std::uintptr_t>(stack.data()),
                                 .stack_size = stack.size(),
                                 .cgroup = static_cast<std::uint64_t>(cgroup)};
  long result = 0;
#if defined(__x86_64__)
  register int (*function)(void*) asm("r8") = child;
  register void* value asm("r9") = argument;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r9, %%rdi\n\t"
      "call *%%r8\n\t"
      "mov %%eax, %%edi\n\t"
      "mov %[exit], %%eax\n\t"
      "syscall\n\t"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone3), "D"(&arguments), "S"(sizeof arguments), "r"(function), "r"(value), [exit] "i"(SYS_exit)
      : "rcx", "r11", "memory", "cc");
#else
  register long number asm("x8") = SYS_clone3;
  register long first asm("x0") = reinterpret_cast<long>(&arguments);
  register long second asm("x1") = sizeof arguments;
  register int (*function)(void*) asm("x4") = child;
  register void* value asm("x5") = argument;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x0, x5\n\t"
      "blr x4\n\t"
      "mov x8, %[exit]\n\t"
      "svc #0\n\t"
      "1:"
      : "+r"(first)
      : "r"(number), "r"(second), "r"(function), "r"(value), [exit] "i"(SYS_exit)
      : "memory", "cc");
  result = first;
#endif
  if (result >= 0) return static_cast<pid_t>(result);
  errno = static_cast<int>(-result);
  return -1;
}
#else
pid_t clone_into(int, int (*)(void*), void*, std::span<char>) {
  errno = ENOSYS;
  return -1;
}
#endif

}  // namespace mito::worker
