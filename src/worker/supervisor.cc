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
#include <utility>

#include "worker/exec_child.h"
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

// ------------------------------------------------------------------------------------------------------------- memory

/// Pages of this process: there is no allocator after a fork.
struct Memory {
  char* at = nullptr;
  std::size_t size = 0;
};

void release(Memory& memory) {
  if (memory.at != nullptr) munmap(memory.at, memory.size);
  memory = {};
}

/// Makes room for `size` bytes, the first `kept` of which stay. False when there is none.
bool grow_memory(Memory& memory, std::size_t size, std::size_t kept) {
  if (size <= memory.size) return true;
  size = (size + kStepBytes - 1) / kStepBytes * kStepBytes;
  void* fresh = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh == MAP_FAILED) return false;
  if (kept > 0) std::memcpy(fresh, memory.at, kept);
  release(memory);
  memory = {static_cast<char*>(fresh), size};
  return true;
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
    take_signals();
    null_ = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
      dup2(null_, stream);
    for (;;) {
      if (active_)
        watch();
      else
        take_next();
    }
  }

 private:
  /// What ends the task's processes now.
  enum class Phase { kRunning, kLeftoverTerm, kLeftoverKill };

  /// All are blocked here and let through again in the command, which is to begin as if it came from a shell: the
  /// handlers of the worker must not run in between, and it ignores SIGPIPE only for itself.
  void take_signals() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action{};
      if (sigaction(number, nullptr, &action) == 0 && (action.sa_handler != SIG_IGN || number == SIGPIPE))
        signal(number, SIG_DFL);
    }
    signal(SIGCHLD, SIG_DFL);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    signals_ = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  }

  /// While a task runs: its processes, and what the worker wants done to them.
  void watch() {
    std::array<pollfd, 2> waits{{{socket_, POLLIN, 0}, {signals_, POLLIN, 0}}};
    const int ready = poll(waits.data(), waits.size(), timeout());
    if (ready < 0 && errno != EINTR) leave();
    if ((waits[1].revents & POLLIN) != 0) {
      signalfd_siginfo ignored;  // pending once at most
      [[maybe_unused]] const auto size = read(signals_, &ignored, sizeof ignored);
    }
    reap();
    if (ready == 0) tell_start();
    if (waits[0].revents == 0 || !active_) return;  // not active: take_next() sees to it
    SupervisorRequest request;
    if (!read_fully(socket_, &request, sizeof request)) leave();
    obey(request);
  }

  [[nodiscard]] int timeout() const {
    if (start_untold_) return kStartDelayMs;
    if (phase_ == Phase::kRunning && !killing_) return -1;
    return static_cast<int>(std::clamp<std::int64_t>(deadline_ms_ - now_ms(), 0, 100));
  }

  void obey(const SupervisorRequest& request) {
    if (request.kind == SupervisorRequestKind::kKill) return kill_everything();
    if (request.kind != SupervisorRequestKind::kTerminate || command_ <= 0) return;
    if (kill(-command_, SIGTERM) == 0) kill(-command_, SIGCONT);
  }

  /// While nothing runs: sleeps until the worker wants something.
  void take_next() {
    // Not in recvmsg(2), which would also wake when the worker takes what we have sent.
    pollfd look{socket_, POLLIN, 0};
    if (poll(&look, 1, -1) < 0 && errno != EINTR) leave();
    if (look.revents == 0) return;
    std::array<int, 2> descriptors{-1, -1};
    if (!receive(descriptors)) leave();
    spawn(descriptors);
    for (const int fd : descriptors)
      if (fd >= 0) close(fd);
  }

  /// The next command into request_, with its text into input_. What came too late for the last task is passed over.
  bool receive(std::array<int, 2>& descriptors) {
    constexpr std::size_t kHead = sizeof request_;
    std::size_t have = 0;
    for (;;) {
      while (have < kHead)
        if (!receive_some(have, descriptors)) return false;
      std::memcpy(&request_, input_.at, kHead);
      if (request_.kind == SupervisorRequestKind::kSpawn) break;
      have -= kHead;
      std::memmove(input_.at, input_.at + kHead, have);
    }
    const std::size_t size = kHead + request_.bytes;
    if (have > size) return false;  // after a command nothing is sent but what concerns it
    grow(input_, size, have);
    return read_fully(socket_, input_.at + have, size - have);
  }

  bool receive_some(std::size_t& have, std::array<int, 2>& descriptors) {
    grow(input_, kStepBytes, have);
    iovec part{input_.at + have, input_.size - have};
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
    have += static_cast<std::size_t>(got);
    return true;
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

  void spawn(const std::array<int, 2>& descriptors) {
    const std::size_t count =
        std::size_t{request_.candidates} + 2 * std::size_t{request_.args} + request_.environment + 8;
    grow(pointers_, count * sizeof(char*), 0);
    auto** next = reinterpret_cast<char**>(pointers_.at);
    char* text = input_.at + sizeof request_;
    const auto take = [&](std::uint32_t words) {
      char** first = next;
      for (std::uint32_t i = 0; i < words; ++i) {
        *next++ = text;
        text += std::strlen(text) + 1;
      }
      *next++ = nullptr;
      return first;
    };
    plan_ = {.request = &request_,
             .directory = *take(1),
             .candidates = take(request_.candidates),
             .args = take(request_.args),
             .environment = take(request_.environment),
             .out = request_.captures != 0 ? descriptors[0] : -1,
             .err = request_.captures != 0 ? descriptors[1] : -1,
             .expected = plan_.tried};
    static char shell[] = "/bin/sh";
    plan_.shell_args = next;
    plan_.shell_args[0] = &shell[0];
    plan_.shell_args[1] = nullptr;
    for (std::uint32_t i = 1; i <= request_.args; ++i)
      plan_.shell_args[i + 1] = plan_.args[i];
    start();
  }

  void grow(Memory& memory, std::size_t size, std::size_t kept) {
    if (!grow_memory(memory, size, kept)) leave();
  }

  void start() {
    alignas(16) static std::array<char, 64 << 10> stack;
    pid_t pid = -1;
    if (cgroup_ >= 0) {
      pid = clone_into(cgroup_, become_command, &plan_, stack);
      if (pid < 0) cgroup_ = -1;  // an old kernel, a filter, or somebody removed it: go on without
    }
    if (pid < 0) pid = clone_plain(become_command, &plan_, stack);
    if (pid < 0 || plan_.failure != 0) {
      SupervisorEvent event;
      event.kind = SupervisorEventKind::kSpawnFailed;
      event.error_number = pid < 0 ? errno : plan_.failure;
      if (pid > 0) waitpid(pid, nullptr, 0);
      send({&event, 1});
      return;
    }
    start_untold_ = true;
    started_ = pid;
    command_ = pid;
    active_ = true;
    killing_ = false;
    phase_ = Phase::kRunning;
    end_ = SupervisorEvent{};
    end_.kind = SupervisorEventKind::kEnded;
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
    for (auto* memory : {&input_, &pointers_})
      if (memory->size > kKeptBytes) release(*memory);
    if (!std::exchange(start_untold_, false)) return send({&end_, 1});
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
  SupervisorRequest request_;  ///< Of the command, as the next three.
  Memory input_;               ///< The request as it came, with its text.
  Memory pointers_;            ///< Into it.
  ExecPlan plan_;
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
