#include "bench/machine.h"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "bench/coordinator_process.h"

namespace mito::bench {

std::vector<std::pair<std::string, std::string>> describe_machine() {
  std::string processor = "unknown";
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);)
    if (line.starts_with("model name")) {
      processor = line.substr(line.find(':') + 2);
      break;
    }
  utsname kernel{};
  uname(&kernel);
  struct sysinfo memory{};
  sysinfo(&memory);
  return {{"date", fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::now()))},
          {"processor", processor},
          {"cores", std::to_string(std::thread::hardware_concurrency())},
          {"memory", fmt::format("{:.0f} GiB", static_cast<double>(memory.totalram) * memory.mem_unit / (1 << 30))},
          {"kernel", fmt::format("{} {}", kernel.sysname, kernel.release)},
          {"compiler", __VERSION__}};
}

std::string version_of(const std::string& program) {
  const TemporaryDirectory directory("");
  ChildProcess child({program, "--version"}, directory.path() / "version");
  child.wait();
  std::ifstream file(directory.path() / "version");
  std::string version;
  for (std::string line; std::getline(file, line);)
    version += (version.empty() ? "" : "; ") + line;
  return version;
}

std::string without_passwords(const std::string& text) {
  static const std::regex option("(--[a-z0-9-]*(?:password|secret)[a-z-]*[= ])[^ ]+");
  static const std::regex url("(://[^:/@ ]*:)[^@ ]+@");
  return std::regex_replace(std::regex_replace(text, option, "$1***"), url, "$1***@");
}

Latencies measure_fdatasync(const std::string& directory, int rounds) {
  std::string path = directory + "/fdatasync.XXXXXX";
  const int file = mkstemp(path.data());
  if (file < 0) throw std::runtime_error("cannot write in " + directory);
  unlink(path.c_str());
  const std::string block(4096, 'x');
  Latencies latencies;
  for (int round = 0; round < rounds; ++round) {
    if (write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size())) break;
    const auto begin = std::chrono::steady_clock::now();
    fdatasync(file);
    latencies.add(std::chrono::steady_clock::now() - begin);
  }
  close(file);
  return latencies;
}

Seconds own_cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return Seconds{seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

Seconds cpu_time_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return Seconds{0};
  std::istringstream fields(text.substr(name_end + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return Seconds{(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK))};
}

double resident_bytes_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/statm", pid));
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

std::size_t raise_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace mito::bench
