#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/humane.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "cli/values.h"
#include "http/message.h"

// Coordinator and worker run as processes of their own, not as threads of this one: what is tried is then exactly what
// `mito coordinator` and `mito worker` do (their logging, signals and exit codes are those of a process), the end of
// one leaves the other to be stopped in order, and nothing is left behind when this process is killed.
namespace mito::cli {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::uint16_t kUsualPort = 5000;
constexpr milliseconds kStartLimit(20'000);
constexpr milliseconds kStopLimit(15'000);
constexpr std::string_view kAdmin = "mitosis_admin";

constexpr std::array kArguments{
    option("data-dir", 0, "DIR", "Keep everything in this directory, and use what is there")
        .by_default("a temporary one"),
    option("port", 0, "PORT", "Where to listen on 127.0.0.1; 0 takes any free port")
        .by_default("5000, or a free one when that is taken"),
    option("slots", 0, "N", "How many tasks run side by side").by_default("1"),
};
constexpr Command kCommand{.name = "dev",
                           .help =
                               "Run a coordinator and a worker on this machine, for trying things. Everything is kept "
                               "in a temporary directory and removed at the end.",
                           .arguments = kArguments};

/// Nothing of the user's own settings may reach the processes.
std::map<std::string, std::optional<std::string>> without_settings() {
  std::map<std::string, std::optional<std::string>> changes;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view name = std::string_view(*entry).substr(0, std::string_view(*entry).find('='));
    if (name.size() > 5 && http::equals_ignoring_case(name.substr(0, 5), "MITO_") && name != "MITO_FILE_LOG_LEVEL")
      changes[std::string(name)] = std::nullopt;
  }
  changes["NO_COLOR"] = "1";
  return changes;
}

bool port_is_free(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

/// `…listening on: 127.0.0.1:5000`
std::optional<std::uint16_t> listening_port(const std::string& line) {
  const auto words = line.find("listening on");
  const auto colon = line.rfind(':');
  if (words == std::string::npos || colon == std::string::npos || colon < words) return std::nullopt;
  const long port = std::strtol(line.c_str() + colon + 1, nullptr, 10);
  if (port <= 0 || port > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

/// A string of TOML.
std::string toml_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\u{:04x}", byte);
    } else {
      result.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
    }
  }
  return result + "\"";
}

struct Settings {
  fs::path directory;
  bool temporary = true;
  std::uint16_t port = 0;
  std::uint64_t slots = 1;
};

Result<Settings> read_settings(const Arguments& arguments) {
  Settings settings;
  MITO_TRY_ASSIGN(settings.slots, count_value("--slots <N>", arguments.value("slots").value_or("1"), 1));
  if (const auto port = arguments.value("port")) {
    MITO_TRY_ASSIGN(const auto number, count_value("--port <PORT>", *port));
    if (number > 65'535)
      return fail(ErrorCode::kUsage,
                  fmt::format("invalid value '{}' for '--port <PORT>': ports go up to 65535", *port));
    settings.port = static_cast<std::uint16_t>(number);
  } else {
    settings.port = port_is_free(kUsualPort) ? kUsualPort : 0;
  }
  if (const auto directory = arguments.value("data-dir")) {
    std::error_code error;
    settings.directory = fs::absolute(*directory);
    settings.temporary = false;
    fs::create_directories(settings.directory, error);
    if (error)
      return fail(ErrorCode::kIo,
                  fmt::format("cannot make the directory {}: {}", settings.directory.string(), error.message()));
    return settings;
  }
  std::error_code error;
  auto base = fs::temp_directory_path(error);
  if (error) base = "/tmp";
  std::string name = base / "mito-dev-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    return fail(ErrorCode::kIo, fmt::format("cannot make a directory in {}: {}", base.string(), std::strerror(errno)));
  settings.directory = name;
  return settings;
}

/// The processes and the loop that waits for them. One thread, but for signals.
class Dev {
 public:
  explicit Dev(Settings settings) : settings_(std::move(settings)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Dev() {
    worker_.reset();
    coordinator_.reset();
    ::close(wake_);
    std::error_code ignored;
    if (settings_.temporary) fs::remove_all(settings_.directory, ignored);
  }
  Dev(const Dev&) = delete;
  Dev& operator=(const Dev&) = delete;

  int run() {
    const SignalWatch signals([this](int /*signal*/, int count) {
      signals_ = count;
      ::eventfd_write(wake_, 1);
    });
    if (const auto started = start(); !started) {
      stop();
      if (signals_ != 0) return 0;
      return report(started.error());
    }
    announce();
    wait_until([this] { return signals_ != 0 || !alive(worker_) || !alive(coordinator_); }, {});
    const bool asked = signals_ != 0;
    if (asked) fmt::print("\nStopping.\n");
    const std::string fault = asked ? "" : describe_end();
    stop();
    if (asked) {
      if (settings_.temporary) fmt::print("Everything was removed.\n");
      return 0;
    }
    return report(Error(ErrorCode::kIo, fault));
  }

 private:
  using Process = std::unique_ptr<Child>;

  [[nodiscard]] fs::path config() const { return settings_.directory / "config.toml"; }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  static bool alive(const Process& process) { return process != nullptr && !process->end_status(); }

  Result<void> start() {
    auto environment = without_settings();
    MITO_TRY(write_config());
    auto for_coordinator = environment;
    for_coordinator["XDG_CONFIG_HOME"] = settings_.directory.string();  // its tasks do not see it: it has none
    MITO_TRY_ASSIGN(coordinator_,
                    Child::start("coordinator", {"coordinator", "--config", config().string()}, for_coordinator,
                                 settings_.directory / "coordinator.log", [this](const std::string& line) {
                                   if (port_ == 0) port_ = listening_port(line).value_or(0);
                                   show_if_serious("coordinator", line);
                                 }));
    MITO_TRY(wait_for_start(coordinator_, [this] { return port_ != 0; }));
    MITO_TRY(write_config());
    MITO_TRY_ASSIGN(worker_, Child::start("worker", {"worker", "--config", config().string()}, environment,
                                          settings_.directory / "worker.log", [this](const std::string& line) {
                                            if (line.find("registered with ID") != std::string::npos) ++registered_;
                                            show_if_serious("worker", line);
                                          }));
    return wait_for_start(worker_, [this] { return registered_ >= settings_.slots; });
  }

  /// One file for all three roles. Holds the well-known password, but is nobody else's business all the same.
  Result<void> write_config() const {
    const auto in_directory = [this](std::string_view name) {
      return toml_string((settings_.directory / std::string(name)).string());
    };
    std::string text = fmt::format("[coordinator]\nbind = \"127.0.0.1:{}\"\ndata_dir = {}\n", settings_.port,
                                   in_directory("coordinator"));
    const std::string login =
        fmt::format("coordinator_addr = \"{}\"\nuser = \"{}\"\npassword = \"{}\"\ncredential_path = {}\n", url(),
                    kAdmin, kAdmin, in_directory("credentials"));
    if (port_ != 0) {
      text += fmt::format("\n[worker]\n{}work_dir = {}\nslots = {}\ngrace = \"5s\"\n", login, in_directory("work"),
                          settings_.slots);
      text += fmt::format("\n[client]\n{}", login);
    }
    const auto before = ::umask(0077);
    std::ofstream file(config(), std::ios::trunc);
    file << text << std::flush;
    ::umask(before);
    if (!file) return fail(ErrorCode::kIo, fmt::format("cannot write {}", config().string()));
    return {};
  }

  template <class Ready>
  Result<void> wait_for_start(const Process& process, const Ready& ready) {
    const auto limit = steady_clock::now() + kStartLimit;
    wait_until([&] { return signals_ != 0 || ready() || !alive(process); }, limit);
    if (ready()) return {};
    if (signals_ != 0) return fail(ErrorCode::kCancelled, "interrupted");
    if (alive(process)) return fail(ErrorCode::kTimeout, fmt::format("the {} did not start in time", process->name()));
    return fail(ErrorCode::kIo, describe_end());
  }

  /// Reads what the processes write until `done`, or until `limit`.
  template <class Done>
  void wait_until(const Done& done, std::optional<steady_clock::time_point> limit) {
    while (!done()) {
      std::vector<pollfd> watched{{.fd = wake_, .events = POLLIN, .revents = 0}};
      std::vector<Child*> readable;
      for (const auto& process : {coordinator_.get(), worker_.get()}) {
        if (process == nullptr || process == finished_coordinator_ || process == finished_worker_) continue;
        watched.push_back({.fd = process->output_descriptor(), .events = POLLIN, .revents = 0});
        readable.push_back(process);
      }
      for (const auto& process : {coordinator_.get(), worker_.get()})
        if (process != nullptr && !process->end_status())
          watched.push_back({.fd = process->end_descriptor(), .events = POLLIN, .revents = 0});
      int timeout = -1;
      if (limit) {
        const auto left = std::chrono::ceil<milliseconds>(*limit - steady_clock::now()).count();
        if (left <= 0) return;
        timeout = static_cast<int>(left);
      }
      ::poll(watched.data(), watched.size(), timeout);
      eventfd_t ignored = 0;
      if (watched[0].revents != 0) ::eventfd_read(wake_, &ignored);
      for (std::size_t i = 0; i < readable.size(); ++i) {
        if (watched[i + 1].revents == 0 || readable[i]->read_output()) continue;
        (readable[i] == coordinator_.get() ? finished_coordinator_ : finished_worker_) = readable[i];
      }
    }
  }

  /// The worker first, so that it can give back what it has.
  void stop() {
    announced_ = false;
    stop_process(worker_);
    stop_process(coordinator_);
  }

  void stop_process(Process& process) {
    if (!alive(process)) return;
    process->signal(SIGTERM);
    const int signals = signals_;
    wait_until([&] { return !alive(process) || signals_ > signals; }, steady_clock::now() + kStopLimit);
    process->signal(SIGKILL);
    wait_until([&] { return !alive(process); }, steady_clock::now() + kStopLimit);
  }

  [[nodiscard]] std::string describe_end() const {
    const Process& ended = worker_ != nullptr && worker_->end_status() ? worker_ : coordinator_;
    ended->read_output();  // its last words
    const auto reason = describe_wait_status(ended->end_status().value_or(0));
    std::string text = fmt::format("the {} ended{}", ended->name(), reason.empty() ? "" : fmt::format(" ({})", reason));
    const std::vector<std::string> lines(ended->last_lines().begin(), ended->last_lines().end());
    return lines.empty() ? text : fmt::format("{}: {}", text, join(lines, " | "));
  }

  /// Warnings and errors of the processes, once they run.
  void show_if_serious(std::string_view name, const std::string& line) const {
    if (!announced_ || (line.find(" WARN ") == std::string::npos && line.find("ERROR ") == std::string::npos)) return;
    fmt::print(stderr, "{}: {}\n", name, printable(line));
  }

  void announce() {
    announced_ = true;
    const char* given = std::getenv("MITO_COORDINATOR_ADDR");
    std::string client = fmt::format("mito client --config {}", shell_words({config().string()}));
    if (given != nullptr) client += " -c " + url();
    fmt::print("Mitosis is ready at {}\n\n", url());
    fmt::print("Admin login: {} / {}\n", kAdmin, kAdmin);
    fmt::print("Everything is kept in {}{}\n", settings_.directory.string(),
               settings_.temporary ? " until the end" : "");
    fmt::print("\nTo try, in another terminal:\n\n");
    fmt::print("  {} tasks submit --wait -- echo 'Hello, Mitosis!'\n", client);
    fmt::print("  {} tasks query\n", client);
    fmt::print("  {} workers query\n", client);
    fmt::print("\nCtrl-C stops it.\n");
    std::fflush(stdout);
  }

  Settings settings_;
  int wake_;
  std::atomic<int> signals_ = 0;
  Process coordinator_;
  Process worker_;
  const Child* finished_coordinator_ = nullptr;
  const Child* finished_worker_ = nullptr;
  std::uint16_t port_ = 0;
  std::uint64_t registered_ = 0;
  bool announced_ = false;
};

}  // namespace

int run_dev(std::span<const std::string> words) {
  const auto parsed = parse(kArguments, words);
  if (!parsed) return report(Error(ErrorCode::kUsage, parsed.error().text() + "; mito dev --help lists the options"));
  if (parsed->help) {
    const auto text = render_help("mito dev", kCommand, {}, help_width());
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  auto settings = read_settings(parsed->arguments);
  if (!settings) return report(settings.error());
  return Dev(std::move(*settings)).run();
}

}  // namespace mito::cli
