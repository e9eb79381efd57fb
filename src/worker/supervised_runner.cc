#include "worker/supervised_runner.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "worker/cgroup.h"
#include "worker/descriptor.h"
#include "worker/output.h"
#include "worker/supervisor.h"

namespace mito::worker {
namespace {

/// One stream of the command on its way to the disk.
struct Stream {
  Descriptor pipe;  ///< Read end; closed at its end.
  std::optional<OutputRing> ring;

  void drain() {
    if (pipe && !ring->drain(pipe.get())) pipe.reset();
  }
  /// What is still in the pipe. Nobody writes any more, so this ends; a survivor that does is not waited for.
  void finish() {
    constexpr int kRounds = 64;
    for (int round = 0; pipe && round < kRounds; ++round) {
      pollfd look{pipe.get(), POLLIN, 0};
      if (poll(&look, 1, 0) <= 0) break;
      drain();
    }
    pipe.reset();
  }
};

std::vector<std::string> names(const std::array<NamedProcess, 8>& processes, std::uint32_t count) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < std::min<std::size_t>(count, processes.size()); ++i)
    result.push_back(fmt::format("{} ({})", processes[i].name.data(), processes[i].pid));
  if (count > processes.size()) result.push_back(fmt::format("and {} more", count - processes.size()));
  return result;
}

}  // namespace

class SupervisedRunner::Impl {
 public:
  explicit Impl(RunnerSettings settings)
      : settings_(std::move(settings)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Impl() { dismiss(); }

  std::expected<void, SpawnError> start(const Command& command) {
    out_ = Stream{};
    err_ = Stream{};
    std::array<Descriptor, 2> write_ends;
    if (command.capture) {
      if (auto opened = open_stream(out_, write_ends[0], command.capture->stdout_file, command.capture->limit); !opened)
        return std::unexpected(opened.error());
      if (auto opened = open_stream(err_, write_ends[1], command.capture->stderr_file, command.capture->limit); !opened)
        return std::unexpected(opened.error());
    }
    // The supervisor may have been killed since the last task: then a new one is tried once.
    for (const bool last : {false, true}) {
      if (auto there = ensure_supervisor(); !there) return there;
      SupervisorEvent event;
      if (request_spawn(command, write_ends[0].get(), write_ends[1].get()) && receive(event)) {
        if (event.kind == SupervisorEventKind::kStarted) {
          command_ = event.pid;
          return {};
        }
        return std::unexpected(SpawnError{event.error_number, std::strerror(event.error_number)});
      }
      if (cgroup_) cgroup_->kill();  // it may have started something before it was lost
      dismiss();
      if (last) break;
    }
    return std::unexpected(
        SpawnError{0, "the process that supervises the commands of this slot cannot be kept running"});
  }

  std::optional<ProcessEnd> wait(Clock::Monotonic deadline, const std::stop_token& stop) {
    const std::stop_callback wake(stop, [this] {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = write(wake_.get(), &one, sizeof one);
    });
    for (;;) {
      if (stop.stop_requested()) return std::nullopt;
      if (has_event()) return take_end();
      std::array<pollfd, 4> waits{{{supervisor_.get(), POLLIN, 0},
                                   {wake_.get(), POLLIN, 0},
                                   {out_.pipe.get(), POLLIN, 0},
                                   {err_.pipe.get(), POLLIN, 0}}};
      const auto left = deadline - Clock::system().monotonic();
      if (left <= std::chrono::nanoseconds{0} && !is_readable(supervisor_.get())) return std::nullopt;
      const timespec timeout = to_timespec(left);
      if (ppoll(waits.data(), waits.size(), &timeout, nullptr) < 0 && errno != EINTR) return lost();
      if (waits[1].revents != 0) {
        std::uint64_t ignored = 0;
        [[maybe_unused]] const auto got = read(wake_.get(), &ignored, sizeof ignored);
      }
      if (waits[2].revents != 0) out_.drain();
      if (waits[3].revents != 0) err_.drain();
      if (waits[0].revents != 0) return take_end();
    }
  }

  void tell(SupervisorRequestKind kind) {
    const SupervisorRequest request{.kind = kind};
    [[maybe_unused]] const auto sent = send(supervisor_.get(), &request, sizeof request, MSG_NOSIGNAL);
  }

 private:
  static timespec to_timespec(std::chrono::nanoseconds length) {
    constexpr std::chrono::nanoseconds kLongest = std::chrono::hours{24};
    const auto bounded = std::clamp(length, std::chrono::nanoseconds{0}, kLongest);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(bounded);
    return {.tv_sec = seconds.count(), .tv_nsec = (bounded - seconds).count()};
  }

  static bool is_readable(int fd) {
    pollfd look{fd, POLLIN, 0};
    return poll(&look, 1, 0) > 0;
  }

  static std::expected<void, SpawnError> open_stream(Stream& stream, Descriptor& write_end,
                                                     const std::filesystem::path& file, std::uint64_t limit) {
    auto ring = OutputRing::open(file, limit);
    if (!ring) return std::unexpected(SpawnError{0, ring.error().text()});
    stream.ring = std::move(*ring);
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(SpawnError{errno, std::strerror(errno)});
    stream.pipe = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return {};
  }

  std::expected<void, SpawnError> ensure_supervisor() {
    if (supervisor_) return {};
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      return std::unexpected(SpawnError{errno, std::strerror(errno)});
    Descriptor ours(ends[0]);
    const Descriptor theirs(ends[1]);
    // With every signal blocked no handler of this program can run in the child.
    if (settings_.cgroup_parent) cgroup_ = SlotCgroup::create(*settings_.cgroup_parent, settings_.memory_limit);
    memory_kills_ = 0;
    SupervisorStart start{.socket = theirs.get()};
    if (cgroup_) {
      start.cgroup = cgroup_->descriptor();
      start.cgroup_kill = cgroup_->kill_descriptor();
      start.cgroup_path = cgroup_->path().c_str();
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = fork();
    if (pid == 0) run_supervisor(start);
    const int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) return std::unexpected(SpawnError{error, std::strerror(error)});
    supervisor_ = std::move(ours);
    supervisor_pid_ = pid;
    return {};
  }

  /// Closing the socket makes the supervisor kill what is left and end.
  void dismiss() {
    supervisor_.reset();
    if (supervisor_pid_ > 0)
      while (waitpid(supervisor_pid_, nullptr, 0) < 0 && errno == EINTR) {
      }
    supervisor_pid_ = 0;
    command_ = 0;
    received_ = 0;
    cgroup_.reset();
  }

  bool request_spawn(const Command& command, int out, int err) {
    std::string text;
    const auto add = [&text](const std::string& word) { text.append(word).push_back('\0'); };
    add(command.directory.native());
    for (const auto& word : command.candidates)
      add(word);
    for (const auto& word : command.args)
      add(word);
    text.append(command.environment.text);
    SupervisorRequest request{.kind = SupervisorRequestKind::kSpawn,
                              .captures = command.capture ? 1U : 0U,
                              .candidates = static_cast<std::uint32_t>(command.candidates.size()),
                              .args = static_cast<std::uint32_t>(command.args.size()),
                              .environment = command.environment.count,
                              .bytes = text.size()};
    if (settings_.memory_limit && !(cgroup_ && cgroup_->limits_memory()))
      request.memory_limit = *settings_.memory_limit;
    if (command.account != nullptr) {
      request.becomes_user = 1;
      request.user = command.account->uid;
      request.group = command.account->gid;
      request.group_count = static_cast<std::uint32_t>(command.account->groups.size());
      std::ranges::copy(command.account->groups, request.groups.begin());
    }
    return send_request(request, text, out, err);
  }

  /// With `text` behind it, so that the supervisor wakes once.
  bool send_request(SupervisorRequest& request, std::string& text, int out, int err) {
    std::array<iovec, 2> parts{{{&request, sizeof request}, {text.data(), text.size()}}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control{};
    if (request.captures != 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(2 * sizeof(int));
      const std::array<int, 2> descriptors{out, err};
      std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof descriptors);
    }
    ssize_t sent = 0;
    do
      sent = sendmsg(supervisor_.get(), &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    const auto done = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    return done >= sizeof request && send_all(std::string_view(text).substr(done - sizeof request));
  }

  bool send_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(supervisor_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Whether an event is here already: the start of a short command comes with its end.
  [[nodiscard]] bool has_event() const { return received_ >= sizeof(SupervisorEvent); }

  bool receive(SupervisorEvent& event) {
    while (!has_event()) {
      // Sleeping in recv(2) itself, this thread would also be woken when the supervisor takes our request: the kernel
      // tells everybody who waits at a local socket that there is room again. poll(2) is told what it asked for.
      pollfd look{supervisor_.get(), POLLIN, 0};
      if (poll(&look, 1, -1) < 0 && errno != EINTR) return false;
      if (look.revents == 0) continue;
      const ssize_t got = recv(supervisor_.get(), inbox_.data() + received_, inbox_.size() - received_, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      received_ += static_cast<std::size_t>(got);
    }
    std::memcpy(&event, inbox_.data(), sizeof event);
    received_ -= sizeof event;
    std::memmove(inbox_.data(), inbox_.data() + sizeof event, received_);
    return true;
  }

  ProcessEnd take_end() {
    SupervisorEvent event;
    if (!receive(event) || event.kind != SupervisorEventKind::kEnded) return lost();
    ProcessEnd end;
    end.wait_status = event.wait_status;
    end.cpu_time = std::chrono::microseconds{event.cpu_us};
    end.peak_memory = event.peak_memory;
    end.finished_at = Timestamp{std::chrono::microseconds{event.finished_at_us}};
    end.leftovers = names(event.leftovers, event.leftover_count);
    end.survivors = names(event.survivors, event.survivor_count);
    std::erase_if(end.leftovers, [&](const std::string& name) {
      return std::ranges::find(end.survivors, name) != end.survivors.end();
    });
    if (cgroup_ && cgroup_->limits_memory()) {
      const auto kills = cgroup_->memory_kills();
      end.out_of_memory = kills > std::exchange(memory_kills_, kills);
    }
    finish_output(end);
    // What could not be ended is still a child of that supervisor and must not be taken for part of the next task.
    if (event.survivor_count > 0 || event.cgroup_spent != 0) dismiss();
    command_ = 0;
    return end;
  }

  /// The supervisor was killed; the kernel has killed the command with it (PR_SET_PDEATHSIG).
  ProcessEnd lost() {
    if (command_ > 0) ::kill(-command_, SIGKILL);
    if (cgroup_) cgroup_->kill();
    dismiss();
    ProcessEnd end;
    end.wait_status = SIGKILL;
    end.finished_at = Clock::system().now();
    end.survivors = {"unknown: the process that supervised the command was killed"};
    finish_output(end);
    return end;
  }

  void finish_output(ProcessEnd& end) {
    for (auto [stream, captured] : {std::pair{&out_, &end.out}, std::pair{&err_, &end.err}}) {
      stream->finish();
      if (stream->ring) *captured = stream->ring->captured();
      stream->ring.reset();
    }
  }

  RunnerSettings settings_;
  Descriptor wake_;
  Descriptor supervisor_;
  std::optional<SlotCgroup> cgroup_;  ///< Of the supervisor.
  std::uint64_t memory_kills_ = 0;
  pid_t supervisor_pid_ = 0;
  pid_t command_ = 0;
  std::array<char, 2 * sizeof(SupervisorEvent)> inbox_{};
  std::size_t received_ = 0;  ///< Bytes in inbox_.
  Stream out_, err_;
};

SupervisedRunner::SupervisedRunner(RunnerSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
SupervisedRunner::~SupervisedRunner() = default;
std::expected<void, SpawnError> SupervisedRunner::start(const Command& command) {
  return impl_->start(command);
}
std::optional<ProcessEnd> SupervisedRunner::wait(Clock::Monotonic deadline, std::stop_token stop) {
  return impl_->wait(deadline, stop);
}
void SupervisedRunner::terminate() {
  impl_->tell(SupervisorRequestKind::kTerminate);
}
void SupervisedRunner::kill() {
  impl_->tell(SupervisorRequestKind::kKill);
}

}  // namespace mito::worker
