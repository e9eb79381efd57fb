#include "cli/manager_records.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

#include <fmt/format.h>

#include "worker/work_directory.h"

namespace mito::cli {

namespace {

constexpr std::string_view kEnding = ".worker";

template <class T>
T number_in(std::string_view text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<SpawnedWorker> read_record(const std::filesystem::path& file) {
  std::ifstream in(file);
  SpawnedWorker worker;
  worker.file = file;
  for (std::string line; std::getline(in, line);) {
    const auto sign = line.find('=');
    if (sign == std::string::npos) return std::nullopt;
    const auto key = line.substr(0, sign);
    auto value = line.substr(sign + 1);
    if (key == "host") worker.host.host = value;
    if (key == "boot") worker.host.boot = value;
    if (key == "pid") worker.pid = number_in<pid_t>(value);
    if (key == "start") worker.start = number_in<std::uint64_t>(value);
    if (key == "spawned_at") worker.spawned_at = number_in<std::int64_t>(value);
    if (key == "log") worker.log = value;
    if (key == "options") worker.options = value;
  }
  if (worker.pid <= 0) return std::nullopt;
  return worker;
}

}  // namespace

Result<std::filesystem::path> manager_directory() {
  MITO_TRY_ASSIGN(const auto place, worker::default_work_directory());
  return place / "manager";
}

std::optional<std::uint64_t> process_start(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(in, line);
  const auto name_end = line.rfind(')');  // the name may hold blanks and parentheses
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  constexpr int kState = 3;
  constexpr int kStart = 22;
  for (int number = kState; fields >> field; ++number) {
    if (number == kState && (field == "Z" || field == "X")) return std::nullopt;
    if (number == kStart) return number_in<std::uint64_t>(field);
  }
  return std::nullopt;
}

bool is_running(const SpawnedWorker& worker) {
  return worker.host == worker::this_host() && process_start(worker.pid) == worker.start;
}

Result<void> write_record(const SpawnedWorker& worker) {
  std::ofstream out(worker.file);
  out << "host=" << worker.host.host << "\nboot=" << worker.host.boot << "\npid=" << worker.pid
      << "\nstart=" << worker.start << "\nspawned_at=" << worker.spawned_at << "\nlog=" << worker.log.native()
      << "\noptions=" << worker.options << '\n';
  out.close();
  if (out) return {};
  return fail(ErrorCode::kIo, fmt::format("cannot write {}: check the cache directory", worker.file.native()));
}

std::vector<SpawnedWorker> read_records(const std::filesystem::path& directory) {
  std::vector<SpawnedWorker> workers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != kEnding) continue;
    if (auto worker = read_record(entry->path())) workers.push_back(std::move(*worker));
  }
  std::ranges::sort(workers, {}, &SpawnedWorker::pid);
  return workers;
}

}  // namespace mito::cli
