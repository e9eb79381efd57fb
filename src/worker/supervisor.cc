#include "worker/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <span>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "worker/vfork.h"

namespace mito::worker {
namespace {

// What a command leaves behind gets SIGTERM, this long to end, then SIGKILL, and is given up after the second time.
constexpr std::int64_t kLeftoverTermMs = 2'000;
constexpr std::int64_t kLeftoverKillMs = 5'000;
// A command that does not go away on SIGKILL (it hangs in the kernel) is given up after this long.
constexpr std::int64_t kCommandKillMs = 10'000;
// The start of a command is told this late, or with its end: a short one wakes the worker once instead of twice.
constexpr int kStartDelayMs = 10;
// What is kept for the next request.
constexpr std::size_t kKeptBytes = 1 << 20;
constexpr std::size_t kStepBytes = 64 << 10;

std::int64_t now_ms() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000 + time.tv_nsec / 1'000'000;
}

std::int64_t wall_us() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000;
}

bool read_fully(int fd, void* data, std::size_t size) {
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = read(fd, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

// ---------------------------------------------------------------------------------------------------- children of ours

struct ProcessStat {
  pid_t parent = 0;
  char state = '?';
  std::array<char, 20> name{};
};

/// From /proc/<pid>/stat: `pid (name) state ppid …`; the name may hold blanks and parentheses.
bool read_stat(std::string_view pid, ProcessStat& stat) {
  std::array<char, 64> path{};
  std::array<char, 512> text{};
  std::memcpy(path.data(), "/proc/", 6);
  std::memcpy(path.data() + 6, pid.data(), pid.size());
  std::memcpy(path.data() + 6 + pid.size(), "/stat", 6);
  const int fd = open(path.data(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t size = read(fd, text.data(), text.size() - 1);
  close(fd);
  if (size <= 0) return false;
  const std::string_view line(text.data(), static_cast<std::size_t>(size));
  const auto open_at = line.find('(');
  const auto close_at = line.rfind(')');
  if (open_at == std::string_view::npos || close_at == std::string_view::npos || close_at + 4 >= line.size())
    return false;
  const auto name = line.substr(open_at + 1, std::min(close_at - open_at - 1, stat.name.size() - 1));
  std::memcpy(stat.name.data(), name.data(), name.size());
  stat.state = line[close_at + 2];
  pid_t parent = 0;
  for (std::size_t at = close_at + 4; at < line.size() && line[at] >= '0' && line[at] <= '9'; ++at)
    parent = parent * 10 + (line[at] - '0');
  stat.parent = parent;
  return true;
}

struct DirectoryEntry {  // linux_dirent64 of getdents64(2)
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
  char name[1];
};

/// Calls `visit(pid, stat)` for every living child of this process.
template <class Visit>
void for_each_child(Visit visit) {
  const int directory = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  const pid_t self = getpid();
  alignas(8) static std::array<char, 32'768> buffer;
  for (;;) {
    const long size = syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer.data() + at);
      at += entry->length;
      const char* name = &entry->name[0];
      if (*name < '1' || *name > '9') continue;
      pid_t pid = 0;
      const char* digit = name;
      for (; *digit >= '0' && *digit <= '9'; ++digit)
        pid = pid * 10 + (*digit - '0');
      ProcessStat stat;
      if (*digit != '\0' || !read_stat(name, stat) || stat.parent != self || stat.state == 'Z') continue;
      visit(pid, stat);
    }
  }
  close(directory);
}

// ------------------------------------------------------------------------------------------------------------ spawning

struct SpawnPlan {
  const SupervisorRequest* request;
  const char* directory;
  std::span<char*> candidates;
  char** args;
  char** shell_args;  ///< Two longer: `/bin/sh <candidate> args[1…]`, for scripts without `#!`.
  char** environment;
  int in, out, err;
  int failure = 0;  ///< errno, written by the child.
};

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

/// In the child, which shares our memory until it executes the command, as execvp(3) would. Returns only on failure.
int become_command(void* argument) {
  auto& plan = *static_cast<SpawnPlan*>(argument);
  setsid();
  dup2(plan.in, STDIN_FILENO);
  dup2(plan.out, STDOUT_FILENO);
  dup2(plan.err, STDERR_FILENO);
  syscall(SYS_close_range, 3U, ~0U, 0U);
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (!take_rights(*plan.request)) {
    plan.failure = errno;
    return 127;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the change of user, which takes it back
  if (*plan.directory != '\0' && chdir(plan.directory) != 0) {
    plan.failure = errno;
    return 127;
  }
  bool denied = false;
  int last = ENOENT;
  for (char* candidate : plan.candidates) {
    // Most places of PATH do not have it, which stat(2) finds out for a fraction of what execve(2) takes.
    struct stat found{};
    if (plan.candidates.size() > 1 && stat(candidate, &found) != 0 && is_worth_next_candidate(errno)) {
      last = errno;
      denied = denied || last == EACCES;
      continue;
    }
    execve(candidate, plan.args, plan.environment);
    if (errno == ENOEXEC) {
      plan.shell_args[1] = candidate;
      execve("/bin/sh", plan.shell_args, plan.environment);
    }
    last = errno;
    denied = denied || last == EACCES;
    if (!is_worth_next_candidate(last)) break;
  }
  plan.failure = denied && is_worth_next_candidate(last) ? EACCES : last;
  return 127;
}

// --------------------------------------------------------------------------------------------------------- the process

class Supervisor {
 public:
  explicit Supervisor(const SupervisorStart& start)
      : socket_(start.socket),
        cgroup_(start.cgroup),
        cgroup_kill_(start.cgroup_kill),
        cgroup_path_(start.cgroup_path) {}

  [[noreturn]] void run() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    signal(SIGCHLD, SIG_DFL);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    signals_ = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    null_ = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
      dup2(null_, stream);
    for (;;) {
      std::array<pollfd, 2> waits{{{socket_, POLLIN, 0}, {signals_, POLLIN, 0}}};
      const int ready = poll(waits.data(), waits.size(), timeout());
      if (ready < 0 && errno != EINTR) leave();
      if ((waits[1].revents & POLLIN) != 0) {
        signalfd_siginfo ignored;  // pending once at most
        [[maybe_unused]] const auto size = read(signals_, &ignored, sizeof ignored);
      }
      if (active_) reap();
      if (ready == 0) tell_start();
      if (waits[0].revents != 0) take_request();
    }
  }

 private:
  /// What ends the task's processes now.
  enum class Phase { kRunning, kLeftoverTerm, kLeftoverKill };

  [[nodiscard]] int timeout() const {
    if (start_untold_) return kStartDelayMs;
    if (!active_ || (phase_ == Phase::kRunning && !killing_)) return -1;
    return static_cast<int>(std::clamp<std::int64_t>(deadline_ms_ - now_ms(), 0, 100));
  }

  void take_request() {
    SupervisorRequest request;
    std::array<int, 2> descriptors{-1, -1};
    if (!receive(request, descriptors)) leave();
    switch (request.kind) {
      case SupervisorRequestKind::kSpawn:
        spawn(request, descriptors);
        break;
      case SupervisorRequestKind::kTerminate:
        if (active_ && command_ > 0 && kill(-command_, SIGTERM) == 0) kill(-command_, SIGCONT);
        break;
      case SupervisorRequestKind::kKill:
        if (active_) kill_everything();
        break;
    }
    for (const int fd : descriptors)
      if (fd >= 0) close(fd);
  }

  bool receive(SupervisorRequest& request, std::array<int, 2>& descriptors) {
    iovec part{&request, sizeof request};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got = 0;
    do
      got = recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr && header->cmsg_type == SCM_RIGHTS)
      std::memcpy(descriptors.data(), CMSG_DATA(header),
                  std::min(sizeof descriptors, std::size_t{header->cmsg_len - CMSG_LEN(0)}));
    const auto size = static_cast<std::size_t>(got);
    return size == sizeof request ||
           read_fully(socket_, reinterpret_cast<char*>(&request) + size, sizeof request - size);
  }

  void send(std::span<const SupervisorEvent> events) {
    const auto* at = reinterpret_cast<const char*>(events.data());
    std::size_t left = events.size_bytes();
    while (left > 0) {
      const ssize_t sent = ::send(socket_, at, left, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) leave();
      at += sent;
      left -= static_cast<std::size_t>(sent);
    }
  }

  void spawn(const SupervisorRequest& request, const std::array<int, 2>& descriptors) {
    const std::size_t pointers =
        (std::size_t{request.candidates} + 2 * std::size_t{request.args} + request.environment + 8) * sizeof(char*);
    const std::size_t size = pointers + request.bytes + 1;
    void* memory = take_memory(size);
    char* text = static_cast<char*>(memory) + pointers;
    if (!read_fully(socket_, text, request.bytes)) leave();

    auto** next = static_cast<char**>(memory);
    const auto take = [&](std::uint32_t count) {
      char** first = next;
      for (std::uint32_t i = 0; i < count; ++i) {
        *next++ = text;
        text += std::strlen(text) + 1;
      }
      *next++ = nullptr;
      return first;
    };
    const char* directory = *take(1);
    char** candidates = take(request.candidates);
    char** args = take(request.args);
    char** environment = take(request.environment);
    char** shell_args = next;
    static char shell[] = "/bin/sh";
    shell_args[0] = &shell[0];
    shell_args[1] = nullptr;
    for (std::uint32_t i = 1; i <= request.args; ++i)
      shell_args[i + 1] = args[i];

    SpawnPlan plan{.request = &request,
                   .directory = directory,
                   .candidates = {candidates, request.candidates},
                   .args = args,
                   .shell_args = shell_args,
                   .environment = environment,
                   .in = null_,
                   .out = request.captures != 0 ? descriptors[0] : null_,
                   .err = request.captures != 0 ? descriptors[1] : null_};
    start(plan);
    if (memory_size_ > kKeptBytes) release_memory();
  }

  void* take_memory(std::size_t size) {
    if (size <= memory_size_) return memory_;
    release_memory();
    size = (size + kStepBytes - 1) / kStepBytes * kStepBytes;
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) leave();
    memory_ = memory;
    memory_size_ = size;
    return memory;
  }

  void release_memory() {
    if (memory_ != nullptr) munmap(memory_, memory_size_);
    memory_ = nullptr;
    memory_size_ = 0;
  }

  void start(SpawnPlan& plan) {
    alignas(16) static std::array<char, 64 << 10> stack;
    pid_t pid = -1;
    if (cgroup_ >= 0) {
      pid = clone_into(cgroup_, become_command, &plan, stack);
      if (pid < 0) cgroup_ = -1;  // an old kernel, a filter, or somebody removed it: go on without
    }
    if (pid < 0) pid = clone_plain(become_command, &plan, stack);
    if (pid < 0 || plan.failure != 0) {
      SupervisorEvent event;
      event.kind = SupervisorEventKind::kSpawnFailed;
      event.error_number = pid < 0 ? errno : plan.failure;
      if (pid > 0) waitpid(pid, nullptr, 0);
      send({&event, 1});
    } else {
      start_untold_ = true;
      started_ = pid;
      command_ = pid;
      active_ = true;
      killing_ = false;
      phase_ = Phase::kRunning;
      end_ = SupervisorEvent{};
      end_.kind = SupervisorEventKind::kEnded;
    }
  }

  [[nodiscard]] SupervisorEvent start_event() const {
    SupervisorEvent event;
    event.kind = SupervisorEventKind::kStarted;
    event.pid = started_;
    return event;
  }

  void tell_start() {
    if (!start_untold_) return;
    start_untold_ = false;
    const auto event = start_event();
    send({&event, 1});
  }

  /// Collects what has ended; reports when nothing is left, or what is left cannot be ended.
  void reap() {
    for (;;) {
      int status = 0;
      rusage usage{};
      const pid_t pid = wait4(-1, &status, WNOHANG, &usage);
      if (pid > 0) {
        count(usage);
        if (pid == command_) {
          end_.wait_status = status;
          end_.finished_at_us = wall_us();
          command_ = 0;
        }
        continue;
      }
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) {  // ECHILD: nothing is left
        finish();
        return;
      }
      break;
    }
    if (command_ == 0)
      end_leftovers();
    else if (killing_ && now_ms() >= kill_start_ms_ + kCommandKillMs)
      give_up();
    else if (killing_ && now_ms() >= deadline_ms_)
      kill_everything();
  }

  void count(const rusage& usage) {
    end_.cpu_us += (std::int64_t{usage.ru_utime.tv_sec} + usage.ru_stime.tv_sec) * 1'000'000 + usage.ru_utime.tv_usec +
                   usage.ru_stime.tv_usec;
    end_.peak_memory = std::max(end_.peak_memory, static_cast<std::uint64_t>(usage.ru_maxrss) * 1'024);
  }

  void end_leftovers() {
    const std::int64_t now = now_ms();
    if (phase_ == Phase::kRunning) {
      phase_ = killing_ ? Phase::kLeftoverKill : Phase::kLeftoverTerm;
      deadline_ms_ = now + (killing_ ? kLeftoverKillMs : kLeftoverTermMs);
    } else if (now >= deadline_ms_) {
      if (phase_ == Phase::kLeftoverKill) {
        give_up();
        return;
      }
      phase_ = Phase::kLeftoverKill;
      deadline_ms_ = now + kLeftoverKillMs;
    }
    const int signal_number = phase_ == Phase::kLeftoverTerm ? SIGTERM : SIGKILL;
    if (signal_number == SIGKILL) kill_cgroup();
    for_each_child([&](pid_t pid, const ProcessStat& stat) {
      const bool known = !note_leftover(pid, stat);
      if (signal_number == SIGTERM && known) return;  // a second SIGTERM may mean something else to it
      if (kill(pid, signal_number) == 0 && signal_number == SIGTERM) kill(pid, SIGCONT);
    });
  }

  /// Whether the process was not known yet.
  bool note_leftover(pid_t pid, const ProcessStat& stat) {
    const auto known = std::span(leftovers_).first(std::min<std::size_t>(end_.leftover_count, leftovers_.size()));
    if (std::ranges::find(known, pid) != known.end() || known.size() == leftovers_.size()) return false;
    leftovers_[known.size()] = pid;
    if (known.size() < end_.leftovers.size()) end_.leftovers[known.size()] = {pid, stat.name};
    ++end_.leftover_count;
    return true;
  }

  /// Reports the end although something is left.
  void give_up() {
    gave_up_ = true;
    if (command_ != 0) {
      end_.wait_status = SIGKILL;
      end_.finished_at_us = wall_us();
      command_ = 0;
    }
    for_each_child([&](pid_t pid, const ProcessStat& stat) {
      if (end_.survivor_count < end_.survivors.size()) end_.survivors[end_.survivor_count] = {pid, stat.name};
      ++end_.survivor_count;
    });
    end_.survivor_count = std::max(end_.survivor_count, 1U);
    finish();
  }

  /// The command is not reaped yet, so its number and group are still its own; the others are our children.
  void kill_everything() {
    if (!killing_) {
      killing_ = true;
      kill_start_ms_ = now_ms();
      if (phase_ == Phase::kLeftoverTerm) {
        phase_ = Phase::kLeftoverKill;
        deadline_ms_ = now_ms() + kLeftoverKillMs;
      }
    }
    kill_cgroup();
    if (command_ > 0) {
      kill(-command_, SIGKILL);
      kill(command_, SIGKILL);
      deadline_ms_ = now_ms() + 100;
    }
    for_each_child([](pid_t pid, const ProcessStat&) { kill(pid, SIGKILL); });
  }

  /// A kernel may take what is born later in a cgroup that was killed once for part of it, and kill it, too (seen on
  /// Linux 6.18): it is not used again.
  void kill_cgroup() {
    if (cgroup_kill_ >= 0) end_.cgroup_spent = 1;
    if (cgroup_kill_ >= 0) [[maybe_unused]]
      const auto written = write(cgroup_kill_, "1", 1);
  }

  void finish() {
    active_ = false;
    if (!start_untold_) return send({&end_, 1});
    start_untold_ = false;
    const std::array<SupervisorEvent, 2> both{start_event(), end_};
    send(both);
  }

  /// The worker is gone, or nothing works any more: what runs here ends with it.
  [[noreturn]] void leave() {
    const std::int64_t give_up = now_ms() + (gave_up_ ? 0 : kLeftoverKillMs);
    kill_cgroup();
    if (command_ > 0) kill(-command_, SIGKILL);
    while (now_ms() < give_up) {
      for_each_child([](pid_t pid, const ProcessStat&) { kill(pid, SIGKILL); });
      pid_t reaped = 0;
      while ((reaped = waitpid(-1, nullptr, WNOHANG)) > 0) {
      }
      if (reaped < 0 && errno == ECHILD) break;
      pollfd wait{signals_, POLLIN, 0};
      poll(&wait, 1, 20);
      std::array<char, 1'024> ignored;
      while (read(signals_, ignored.data(), ignored.size()) > 0) {
      }
    }
    if (cgroup_path_ != nullptr) rmdir(cgroup_path_);
    _exit(0);
  }

  int socket_;
  int cgroup_;
  int cgroup_kill_;
  const char* cgroup_path_;
  int signals_ = -1;
  int null_ = -1;
  bool active_ = false;        ///< A command was started and its end not reported.
  bool killing_ = false;       ///< The worker wants everything killed.
  bool start_untold_ = false;  ///< That of the command, started_.
  pid_t started_ = 0;
  void* memory_ = nullptr;  ///< For requests.
  std::size_t memory_size_ = 0;
  bool gave_up_ = false;  ///< What could not be ended was reported; waiting for it once more is of no use.
  pid_t command_ = 0;     ///< 0: none, or reaped.
  Phase phase_ = Phase::kRunning;
  std::int64_t deadline_ms_ = 0;
  std::int64_t kill_start_ms_ = 0;
  SupervisorEvent end_;
  std::array<pid_t, 1'024> leftovers_{};
};

}  // namespace

void run_supervisor(const SupervisorStart& start) {
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_NAME, "mito-slot");
  // Everything but these and the standard streams belongs to the worker. First out of the way, then in their places.
  std::array<int, 3> descriptors{start.socket, start.cgroup, start.cgroup_kill};
  constexpr int kFirst = 3;
  constexpr int kAway = 16;
  for (int& fd : descriptors)
    if (fd >= 0) fd = fcntl(fd, F_DUPFD_CLOEXEC, kAway);
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    const int place = kFirst + static_cast<int>(i);
    if (descriptors[i] < 0)
      close(place);
    else
      descriptors[i] = dup3(descriptors[i], place, O_CLOEXEC);
  }
  syscall(SYS_close_range, static_cast<unsigned>(kFirst + descriptors.size()), ~0U, 0U);
  Supervisor({descriptors[0], descriptors[1], descriptors[2], start.cgroup_path}).run();
}

}  // namespace mito::worker
