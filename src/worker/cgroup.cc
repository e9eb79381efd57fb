#include "worker/cgroup.h"

#include <atomic>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace mito::worker {
namespace {

constexpr std::string_view kPrefix = "mito-";

struct Mount {
  std::string root;   ///< Which cgroup the mount shows.
  std::string place;  ///< Where.
};

/// A line of mountinfo (proc(5)): `id parent major:minor root place options [fields] - type source options`.
std::optional<Mount> find_mount() {
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    const auto separator = line.find(" - ");
    if (separator == std::string::npos || !line.substr(separator + 3).starts_with("cgroup2 ")) continue;
    std::istringstream words(line);
    std::string skipped;
    Mount mount;
    words >> skipped >> skipped >> skipped >> mount.root >> mount.place;
    return mount;
  }
  return std::nullopt;
}

std::optional<std::string> own_cgroup() {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return std::nullopt;
}

bool write_file(const std::filesystem::path& file, std::string_view text) {
  const Descriptor target(open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return target && write(target.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// `mito-<pid>-<number>` of processes that are no more. One with tasks in it cannot be removed and stays.
void remove_leftovers(const std::filesystem::path& parent) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().native();
    if (!name.starts_with(kPrefix)) continue;
    pid_t pid = 0;
    const auto* begin = name.data() + kPrefix.size();
    const auto parsed = std::from_chars(begin, name.data() + name.size(), pid);
    if (parsed.ec != std::errc{} || *parsed.ptr != '-' || pid <= 0) continue;
    if (::kill(pid, 0) != 0 && errno == ESRCH) rmdir(entry->path().c_str());
  }
}

}  // namespace

std::optional<std::filesystem::path> find_cgroup_parent() {
  const auto mount = find_mount();
  const auto own = own_cgroup();
  if (!mount || !own) return std::nullopt;
  std::string_view below(*own);
  if (mount->root != "/") {
    if (!below.starts_with(mount->root)) return std::nullopt;
    below.remove_prefix(mount->root.size());
  }
  while (below.starts_with('/'))
    below.remove_prefix(1);
  auto parent = std::filesystem::path(mount->place) / below;
  if (access(parent.c_str(), W_OK | X_OK) != 0 || access((parent / "cgroup.procs").c_str(), F_OK) != 0)
    return std::nullopt;
  remove_leftovers(parent);
  return parent;
}

std::optional<SlotCgroup> SlotCgroup::create(const std::filesystem::path& parent,
                                             std::optional<std::uint64_t> memory_limit) {
  static std::atomic<unsigned> number{0};
  SlotCgroup group(parent / fmt::format("{}{}-{}", kPrefix, getpid(), ++number));
  if (mkdir(group.path_.c_str(), 0755) != 0) {
    group.path_.clear();
    return std::nullopt;
  }
  group.directory_ = Descriptor(open(group.path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  group.kill_ = Descriptor(open((group.path_ / "cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  group.members_ = Descriptor(open((group.path_ / "cgroup.procs").c_str(), O_PATH | O_CLOEXEC));
  if (!group.directory_) return std::nullopt;
  if (memory_limit) group.limits_memory_ = group.limit_memory(*memory_limit);
  return group;
}

SlotCgroup& SlotCgroup::operator=(SlotCgroup&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(directory_, other.directory_);
  std::swap(kill_, other.kill_);
  std::swap(members_, other.members_);
  std::swap(limits_memory_, other.limits_memory_);
  return *this;
}

SlotCgroup::~SlotCgroup() {
  if (!path_.empty()) rmdir(path_.c_str());
}

bool SlotCgroup::limit_memory(std::uint64_t bytes) const {
  const auto file = path_ / "memory.max";
  if (access(file.c_str(), F_OK) != 0) write_file(path_.parent_path() / "cgroup.subtree_control", "+memory");
  if (!write_file(file, std::to_string(bytes))) return false;
  write_file(path_ / "memory.swap.max", "0");
  write_file(path_ / "memory.oom.group", "1");
  return true;
}

std::uint64_t SlotCgroup::memory_kills() const {
  std::ifstream in(path_ / "memory.events");
  std::string name;
  for (std::uint64_t count = 0; in >> name >> count;)
    if (name == "oom_kill") return count;
  return 0;
}

void SlotCgroup::kill() const {
  if (kill_) [[maybe_unused]]
    const auto written = write(kill_.get(), "1", 1);
}

}  // namespace mito::worker
