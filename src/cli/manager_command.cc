#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/logging.h"
#include "base/program.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/manager_records.h"
#include "cli/report.h"
#include "cli/role_command.h"
#include "cli/role_logging.h"
#include "worker/settings.h"

extern char** environ;

namespace mito::cli {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr log::Source kLog{"netmito::manager"};
constexpr std::chrono::seconds kStartTime{60};
constexpr std::chrono::seconds kStopTime{60};
constexpr std::chrono::hours kLogLife{7 * 24};
constexpr std::size_t kShownLines = 5;

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// ------------------------------------------------------------------------------------------------------------ spawning

/// Where workers tell that they are registered, as services tell systemd (sd_notify(3)).
class ReadySocket {
 public:
  static Result<ReadySocket> open() {
    ReadySocket ready;
    ready.fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const sa_family_t family = AF_UNIX;
    const int yes = 1;
    // An address without a name: the kernel chooses one that is not in the file system.
    if (ready.fd_ < 0 || setsockopt(ready.fd_, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0 ||
        bind(ready.fd_, reinterpret_cast<const sockaddr*>(&family), sizeof family) != 0)
      return fail(ErrorCode::kIo, fmt::format("cannot make a socket: {}", std::strerror(errno)));
    sockaddr_un address{};
    socklen_t size = sizeof address;
    getsockname(ready.fd_, reinterpret_cast<sockaddr*>(&address), &size);
    const auto length = size - offsetof(sockaddr_un, sun_path);
    ready.name_.assign(&address.sun_path[0], length);
    ready.name_.front() = '@';
    return ready;
  }
  ReadySocket(ReadySocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), name_(std::move(other.name_)) {}
  ReadySocket& operator=(ReadySocket&&) = delete;
  ~ReadySocket() {
    if (fd_ >= 0) close(fd_);
  }

  [[nodiscard]] int descriptor() const { return fd_; }
  /// For NOTIFY_SOCKET.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// The process that told it is ready, if there is a message.
  [[nodiscard]] std::optional<pid_t> receive() const {
    std::array<char, 256> text{};
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (recvmsg(fd_, &message, 0) <= 0) return std::nullopt;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_CREDENTIALS) return std::nullopt;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
    return sender.pid;
  }

 private:
  ReadySocket() = default;
  int fd_ = -1;
  std::string name_;
};

/// The command line of a worker: what was given, less what must not be seen in the list of processes.
std::vector<std::string> worker_words(const std::vector<Argument>& declared, const Arguments& given) {
  std::vector<std::string> words;
  for (const auto& argument : declared) {
    if (!given.has(argument.name) || argument.name == "password" || argument.name == "count") continue;
    if (argument.kind == Argument::Kind::kFlag)
      words.push_back(fmt::format("--{}", argument.name));
    else if (argument.kind == Argument::Kind::kList)
      words.push_back(fmt::format("--{}={}", argument.name, fmt::join(given.list(argument.name), ",")));
    else
      words.push_back(fmt::format("--{}={}", argument.name, *given.value(argument.name)));
  }
  return words;
}

std::vector<std::string> worker_environment(const ReadySocket& ready, const std::optional<std::string>& password) {
  std::map<std::string, std::string> changes{{"NO_COLOR", "1"}, {"NOTIFY_SOCKET", ready.name()}};
  // NOLINTNEXTLINE(concurrency-mt-unsafe): this program has one thread here.
  if (std::getenv("MITO_FILE_LOG_LEVEL") == nullptr) changes["MITO_FILE_LOG_LEVEL"] = "info";
  if (password) changes["MITO_PASSWORD"] = *password;
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!changes.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
  }
  for (const auto& [name, value] : changes)
    result.push_back(fmt::format("{}={}", name, value));
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts)
    all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::string last_lines(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::deque<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back("  " + line + "\n");
    if (lines.size() > kShownLines) lines.pop_front();
  }
  return fmt::format("{}", fmt::join(lines, ""));
}

/// Starts workers and waits until each is registered or has ended.
class Spawner {
 public:
  Spawner(std::filesystem::path directory, ReadySocket ready, std::vector<std::string> words,
          const std::optional<std::string>& password)
      : directory_(std::move(directory)),
        ready_(std::move(ready)),
        words_(std::move(words)),
        environment_(worker_environment(ready_, password)) {}

  /// How many are running and registered.
  Result<std::size_t> run(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      MITO_TRY(start(i));
    const auto deadline = SteadyClock::now() + kStartTime;
    while (!waiting_.empty() && SteadyClock::now() < deadline)
      wait_a_little();
    for (const auto& worker : waiting_)
      kLog.warn("The worker {} has not registered yet; it goes on trying, see {}", worker.pid, worker.log.native());
    return count - failed_;
  }

 private:
  Result<void> start(std::size_t number) {
    SpawnedWorker worker;
    worker.host = worker::this_host();
    worker.spawned_at =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::system().now().time_since_epoch()).count();
    worker.log = directory_ / fmt::format("{}-{}.log", getpid(), number);
    worker.options = fmt::format("{}", fmt::join(words_, " "));
    std::vector<std::string> words{"mito", "worker"};
    words.insert(words.end(), words_.begin(), words_.end());
    const auto argv = pointers(words);
    const auto environment = pointers(environment_);
    const int log = open(worker.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const auto program = program_path();
    if (log < 0 || null < 0)
      return fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", worker.log.native(), std::strerror(errno)));
    worker.pid = fork();
    if (worker.pid == 0) {
      setsid();
      dup2(null, STDIN_FILENO);
      dup2(log, STDOUT_FILENO);
      dup2(log, STDERR_FILENO);
      execve(program.c_str(), argv.data(), environment.data());
      _exit(127);
    }
    close(log);
    close(null);
    if (worker.pid < 0) return fail(ErrorCode::kIo, fmt::format("cannot start a process: {}", std::strerror(errno)));
    worker.start = process_start(worker.pid).value_or(0);
    worker.file = directory_ / fmt::format("{}-{}.worker", worker.pid, worker.start);
    MITO_TRY(write_record(worker));
    waiting_.push_back(std::move(worker));
    return {};
  }

  void wait_a_little() {
    pollfd look{ready_.descriptor(), POLLIN, 0};
    constexpr int kLookForEndsMs = 100;
    poll(&look, 1, kLookForEndsMs);
    while (const auto pid = ready_.receive())
      std::erase_if(waiting_, [&](const auto& worker) { return worker.pid == *pid; });
    std::erase_if(waiting_, [this](const auto& worker) {
      int status = 0;
      if (waitpid(worker.pid, &status, WNOHANG) != worker.pid) return false;
      ++failed_;
      kLog.error("A worker ended instead of registering ({}):\n{}",
                 WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                                   : fmt::format("signal {}", WTERMSIG(status)),
                 last_lines(worker.log));
      unlink(worker.file.c_str());
      unlink(worker.log.c_str());
      return true;
    });
  }

  std::filesystem::path directory_;
  ReadySocket ready_;
  std::vector<std::string> words_;
  std::vector<std::string> environment_;
  std::vector<SpawnedWorker> waiting_;
  std::size_t failed_ = 0;
};

/// What is running here; records of those that have ended are removed.
std::vector<SpawnedWorker> running_workers(const std::filesystem::path& directory) {
  auto workers = read_records(directory);
  std::erase_if(workers, [](const auto& worker) {
    if (is_running(worker)) return false;
    // Nothing is known of other machines.
    if (worker.host.host == worker::this_host().host) unlink(worker.file.c_str());
    return true;
  });
  return workers;
}

void remove_old_logs(const std::filesystem::path& directory, const std::vector<SpawnedWorker>& running) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto& path = entry->path();
    if (path.extension() != ".log" || std::ranges::find(running, path, &SpawnedWorker::log) != running.end()) continue;
    const auto age = std::filesystem::file_time_type::clock::now() - entry->last_write_time(error);
    if (!error && age > kLogLife) unlink(path.c_str());
  }
}

Result<std::size_t> count_in(const std::string& text) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc{} && end == text.data() + text.size() && count <= 10'000) return std::size_t{count};
  return fail(ErrorCode::kUsage, fmt::format("'{}' is not a number of workers: 0 to 10000 are", text));
}

Result<int> spawn(const RoleOptions& options, const std::vector<Argument>& declared, const Arguments& given) {
  MITO_TRY_ASSIGN(const auto count, count_in(given.at("count")));
  // A mistake is told here, once, and not in the log of each worker.
  MITO_TRY(worker::settings_declaration().load(options.sources(given)));
  if (count == 0) {
    kLog.warn("Cannot spawn 0 workers");
    return 0;
  }
  MITO_TRY_ASSIGN(const auto directory, manager_directory());
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("cannot create {}: {}", directory.native(), error.message()));
  chmod(directory.c_str(), 0700);
  remove_old_logs(directory, running_workers(directory));
  MITO_TRY_ASSIGN(auto ready, ReadySocket::open());
  MITO_TRY_ASSIGN(
      const auto started,
      Spawner(directory, std::move(ready), worker_words(declared, given), given.value("password")).run(count));
  print(fmt::format("Spawned {} workers in total\nCurrent worker numbers: {}\n", started,
                    running_workers(directory).size()));
  return started == count ? 0 : 1;
}

int run_spawn(std::span<const std::string> words) {
  const RoleOptions options(worker::settings_declaration());
  auto declared = options.arguments();
  declared.insert(declared.begin(), word("count", "How many workers to start"));
  const Command command{.name = "spawn",
                        .help =
                            "Start workers in the background on this machine. All options of mito worker are taken; "
                            "a password reaches the workers through their environment, not their command line.",
                        .arguments = declared};
  const auto parsed = parse(declared, words);
  if (!parsed)
    return report(Error(ErrorCode::kUsage, parsed.error().text() + "; mito manager spawn --help lists the options"));
  if (parsed->help) {
    print(render_help("mito manager spawn", command, {}, help_width()));
    return 0;
  }
  const auto code = spawn(options, declared, parsed->arguments);
  if (code) return *code;
  kLog.error("Failed to spawn workers: {}", code.error().text());
  return code.error().code() == ErrorCode::kUsage ? static_cast<int>(ExitCode::kUsage) : 1;
}

// ---------------------------------------------------------------------------------------------------- status and kill

Result<int> status() {
  MITO_TRY_ASSIGN(const auto directory, manager_directory());
  const auto workers = running_workers(directory);
  if (!workers.empty()) print(fmt::format("{:>8}  {:<27}  {}\n", "PID", "STARTED", "OPTIONS"));
  for (const auto& worker : workers)
    print(fmt::format("{:>8}  {:<27}  {}\n", worker.pid,
                      format_rfc3339(Timestamp{std::chrono::seconds{worker.spawned_at}}), worker.options));
  print(fmt::format("Total: {}\n", workers.size()));
  return 0;
}

/// A process by a descriptor, so that no signal reaches another one that got its number.
class ProcessHandle {
 public:
  explicit ProcessHandle(const SpawnedWorker& worker) : fd_(static_cast<int>(syscall(SYS_pidfd_open, worker.pid, 0U))) {
    if (is_running(worker)) return;
    close(fd_);
    fd_ = -1;
  }
  ProcessHandle(ProcessHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ProcessHandle& operator=(ProcessHandle&&) = delete;
  ~ProcessHandle() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int descriptor() const { return fd_; }
  [[nodiscard]] bool signal(int number) const {
    return fd_ < 0 || syscall(SYS_pidfd_send_signal, fd_, number, nullptr, 0U) == 0 || errno == ESRCH;
  }

 private:
  int fd_;
};

Result<int> kill_all(bool at_once) {
  MITO_TRY_ASSIGN(const auto directory, manager_directory());
  const auto workers = running_workers(directory);
  if (workers.empty()) {
    print("No mito workers found to kill\n");
    return 0;
  }
  std::vector<ProcessHandle> handles;
  for (const auto& worker : workers)
    handles.emplace_back(worker);
  // The second signal ends running tasks. It is another one: two of a kind may reach a process as one.
  static constexpr std::array kBoth{SIGTERM, SIGINT};
  for (std::size_t i = 0; i < handles.size(); ++i)
    for (const int number : std::span(kBoth).first(at_once ? 2 : 1))
      if (!handles[i].signal(number))
        return fail(ErrorCode::kPermissionDenied,
                    fmt::format("worker {} cannot be signalled: {}", workers[i].pid, std::strerror(errno)));
  const auto deadline = SteadyClock::now() + kStopTime;
  std::size_t left = 0;
  for (const auto& handle : handles) {
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    pollfd look{handle.descriptor(), POLLIN, 0};
    if (handle.descriptor() >= 0 && poll(&look, 1, static_cast<int>(std::max<std::int64_t>(time.count(), 0))) == 0)
      ++left;
  }
  if (left > 0) {
    print(fmt::format("{} workers still finish their tasks; mito manager kill --force ends those\n", left));
    return 1;
  }
  running_workers(directory);
  print("All mito workers have been killed\n");
  return 0;
}

int run_simple(std::span<const std::string> words, const Command& command, std::string_view failure,
               Result<int> (*run)(const Arguments&)) {
  const auto path = fmt::format("mito manager {}", command.name);
  const auto parsed = parse(command.arguments, words);
  if (!parsed)
    return report(Error(ErrorCode::kUsage, parsed.error().text() + "; " + path + " --help lists the options"));
  if (parsed->help) {
    print(render_help(path, command, {}, help_width()));
    return 0;
  }
  const auto code = run(parsed->arguments);
  if (code) return *code;
  kLog.error("{}: {}", failure, code.error().text());
  return 1;
}

int print_manager_help(std::FILE* file) {
  constexpr std::string_view kText =
      "Start, list and stop workers on this machine.\n\n"
      "Usage: mito manager <COMMAND>\n\n"
      "Commands:\n"
      "  spawn   Start workers in the background\n"
      "  status  List the workers that were started this way\n"
      "  kill    Stop them: running tasks end first\n\n"
      "mito manager <COMMAND> --help tells more.\n";
  std::fwrite(kText.data(), 1, kText.size(), file);
  return file == stdout ? 0 : static_cast<int>(ExitCode::kUsage);
}

}  // namespace

int run_manager(std::span<const std::string> words) {
  log_to_console();
  if (words.empty()) return print_manager_help(stderr);
  const auto rest = words.subspan(1);
  if (words.front() == "--help" || words.front() == "-h" || words.front() == "help") return print_manager_help(stdout);
  if (words.front() == "--version" || words.front() == "-V") return print_version();
  if (words.front() == "spawn") return run_spawn(rest);
  if (words.front() == "status")
    return run_simple(rest, {.name = "status", .help = "List the workers that mito manager started on this machine."},
                      "Failed to get worker status", [](const Arguments&) { return status(); });
  if (words.front() == "kill") {
    static constexpr std::array kArguments{flag("force", 'f', "End running tasks at once; they go to other workers")};
    return run_simple(rest,
                      {.name = "kill",
                       .help = "Stop the workers that mito manager started on this machine, after their running tasks, "
                               "and wait for them for a minute.",
                       .arguments = kArguments},
                      "Failed to kill workers", [](const Arguments& given) { return kill_all(given.has("force")); });
  }
  return report(Error(ErrorCode::kUsage,
                      fmt::format("unrecognized subcommand '{}'; mito manager --help lists them", words.front())));
}

}  // namespace mito::cli
