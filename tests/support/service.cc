#include "support/service.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace mito::testing {

namespace fs = std::filesystem;

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

/// A socket that is closed in the end.
class Socket {
 public:
  Socket() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() { ::close(descriptor_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

std::optional<fs::path> find_program(const std::string& name) {
  std::vector<fs::path> folders{fs::path(MITO_SOURCE_DIR) / ".venv" / "bin"};
  if (const char* path = std::getenv("PATH")) {
    std::istringstream parts(path);
    for (std::string part; std::getline(parts, part, ':');)
      folders.emplace_back(part);
  }
  for (const fs::path& folder : folders)
    if (::access((folder / name).c_str(), X_OK) == 0) return folder / name;
  return std::nullopt;
}

std::uint16_t free_port() {
  const Socket socket;
  sockaddr_in place = loopback(0);
  socklen_t length = sizeof place;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&place), length) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&place), &length) != 0)
    throw std::runtime_error("no port is free");
  return ntohs(place.sin_port);
}

bool is_listening(std::uint16_t port) {
  const Socket socket;
  const sockaddr_in place = loopback(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0;
}

bool wait_for(const std::function<bool()>& condition, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (fs::temp_directory_path() / "mito-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory can be made");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Service::Service(const fs::path& program, std::vector<std::string> arguments, const fs::path& directory) {
  arguments.insert(arguments.begin(), program.string());
  std::vector<char*> raw;
  for (std::string& argument : arguments)
    raw.push_back(argument.data());
  raw.push_back(nullptr);
  const std::string log = (directory / (program.filename().string() + ".log")).string();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("no process can be started");
  if (pid_ != 0) return;
  // Only what is safe after fork() in a program with threads.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  if (::chdir(directory.c_str()) == 0) ::execv(raw[0], raw.data());
  ::_exit(127);
}

Service::~Service() {
  kill();
}

void Service::signal(int number) const {
  if (pid_ <= 0) return;
  ::kill(pid_, number);
  // A thread of the program may be running for a moment still.
  siginfo_t ignored{};
  if (number == SIGSTOP) ::waitid(P_PID, static_cast<id_t>(pid_), &ignored, WSTOPPED);
}

void Service::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool Service::is_running() const {
  return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0;
}

}  // namespace mito::testing
