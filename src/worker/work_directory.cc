#include "worker/work_directory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <limits>
#include <memory>
#include <string_view>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/logging.h"
#include "worker/archive.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
/// Longer than the steps in which any file system counts time (FAT: two seconds): a change comes with another time.
constexpr std::chrono::seconds kCoarsestClock{3};
constexpr std::array<std::string_view, 4> kDirectories{"result", "exec", "resource", "work"};

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using DirectoryHandle = std::unique_ptr<DIR, CloseDirectory>;

struct RawEntry {  // linux_dirent64 of getdents64(2)
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
  char name[1];
};

/// Calls `visit(name, inode)` for each entry of an open directory but `.` and `..`. Whether it could be read.
template <class Visit>
bool for_each_entry(int directory, Visit visit) {
  alignas(RawEntry) std::array<char, 4'096> buffer;
  if (lseek(directory, 0, SEEK_SET) != 0) return false;
  for (;;) {
    const long size = syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
    if (size <= 0) return size == 0;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const RawEntry*>(buffer.data() + at);
      at += entry->length;
      if (const std::string_view name(&entry->name[0]); name != "." && name != "..")
        visit(name, static_cast<ino_t>(entry->inode));
    }
  }
}

/// Opens a directory for emptying; gives its owner the rights for that first where they lack.
DirectoryHandle open_directory(int parent, const char* name) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat(parent, name, kFlags);
  if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0) fd = openat(parent, name, kFlags);
  if (fd < 0) return nullptr;
  fchmod(fd, 0700);
  DirectoryHandle handle(fdopendir(fd));
  if (!handle) close(fd);
  return handle;
}

/// Removes `name`, or as much of it as can be. Keeps one open directory per level of the tree, up to kMaxLevels; what
/// lies deeper is moved up first, so that neither the stack nor the descriptors run out.
class Remover {
 public:
  /// `top` is the directory in which the tree stands, `aside` how names begin that may be used there.
  Remover(int top, std::string aside) : top_(top), aside_(std::move(aside)) {}

  bool remove(int parent, const char* name, int level = 0) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM && errno != EACCES) return false;
    const auto directory = open_directory(parent, name);
    if (!directory) return errno == ENOENT || unlinkat(parent, name, AT_REMOVEDIR) == 0;
    const int fd = dirfd(directory.get());
    bool all = true;
    while (const dirent* entry = readdir(directory.get())) {
      const char* child = &entry->d_name[0];
      if (std::string_view(child) == "." || std::string_view(child) == "..") continue;
      all = (level < kMaxLevels ? remove(fd, child, level + 1) : move_up(fd, child)) && all;
    }
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 && all;
  }

  /// Names of what was moved beside the top and is to be removed next.
  std::vector<std::string>& moved() { return moved_; }

 private:
  static constexpr int kMaxLevels = 64;

  bool move_up(int parent, const char* child) {
    if (unlinkat(parent, child, 0) == 0 || errno == ENOENT) return true;
    auto name = fmt::format("{}.remove-{}", aside_, count_++);
    if (renameat(parent, child, top_, name.c_str()) != 0) return false;
    moved_.push_back(std::move(name));
    return true;
  }

  int top_;
  std::string aside_;
  int count_ = 0;
  std::vector<std::string> moved_;
};

}  // namespace

Result<std::filesystem::path> default_work_directory() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in this program changes the environment.
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::filesystem::path(cache) / "mitosis";
  // NOLINTNEXTLINE(concurrency-mt-unsafe): as above.
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::filesystem::path(home) / ".cache" / "mitosis";
  return fail(ErrorCode::kUsage, "Cache dir not found: set HOME or XDG_CACHE_HOME, or give --work-dir");
}

bool remove_tree(const std::filesystem::path& path) {
  const auto parent_path = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const int parent = open(parent_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return errno == ENOENT;
  Remover remover(parent, path.filename().native());
  bool all = remover.remove(parent, path.filename().c_str());
  while (!remover.moved().empty()) {
    const auto name = std::move(remover.moved().back());
    remover.moved().pop_back();
    all = remover.remove(parent, name.c_str()) && all;
  }
  close(parent);
  // Directories whose content moved away were refused the first time and are empty now.
  if (!all && access(path.c_str(), F_OK) == 0) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  return access(path.c_str(), F_OK) != 0 && errno == ENOENT;
}

Result<WorkDirectory> WorkDirectory::create(std::filesystem::path root, WorkDirectorySettings settings) {
  std::error_code error;
  std::filesystem::create_directories(root.parent_path(), error);
  if (error)
    return fail(ErrorCode::kIo, fmt::format("cannot create the directory {}: {}; choose another with --work-dir",
                                            root.parent_path().native(), error.message()));
  WorkDirectory directory(std::move(root), std::move(settings));
  MITO_TRY(directory.make());
  return directory;
}

WorkDirectory::WorkDirectory(std::filesystem::path root, WorkDirectorySettings settings)
    : root_(std::move(root)),
      settings_(std::move(settings)),
      places_{result().native(), exec().native(), resource().native(), new_task().native()} {}

WorkDirectory::WorkDirectory(WorkDirectory&& other) noexcept
    : root_(std::exchange(other.root_, {})),
      settings_(std::move(other.settings_)),
      places_(std::move(other.places_)),
      top_(std::move(other.top_)),
      inner_(std::move(other.inner_)),
      user_(other.user_),
      clean_(std::move(other.clean_)) {}

WorkDirectory& WorkDirectory::operator=(WorkDirectory&& other) noexcept {
  std::swap(root_, other.root_);
  std::swap(settings_, other.settings_);
  std::swap(places_, other.places_);
  std::swap(top_, other.top_);
  std::swap(inner_, other.inner_);
  std::swap(user_, other.user_);
  std::swap(clean_, other.clean_);
  return *this;
}

WorkDirectory::~WorkDirectory() {
  if (!root_.empty() && !remove_tree(root_))
    kLog.warn("The directory {} could not be removed entirely", root_.native());
}

Result<void> WorkDirectory::reset() {
  if (look().clean) return {};
  if (!remove_tree(root_)) {
    // Something in it cannot be removed (files of another user, a mount): put it aside, the next task gets a fresh
    // directory.
    const auto aside = root_.native() + fmt::format(".left-{}", Clock::system().now().time_since_epoch().count());
    if (rename(root_.c_str(), aside.c_str()) != 0 && errno != ENOENT)
      return fail(ErrorCode::kIo,
                  fmt::format("cannot clean the directory {}: {}", root_.native(), std::strerror(errno)));
    kLog.warn("What the task left could not be removed and was moved to {}", aside);
  }
  return make();
}

std::filesystem::path WorkDirectory::working() const {
  return settings_.working == WorkDirectorySettings::Working::kFresh ? root_ / "work" : std::filesystem::path();
}

std::span<const std::string_view> WorkDirectory::names() const {
  const bool with_work = settings_.working == WorkDirectorySettings::Working::kFresh;
  return std::span(kDirectories).first(with_work ? kDirectories.size() : kDirectories.size() - 1);
}

std::uint64_t WorkDirectory::free_space() const {
  struct statvfs stat{};
  if (fstatvfs(top_.get(), &stat) != 0) return std::numeric_limits<std::uint64_t>::max();
  return std::uint64_t{stat.f_bavail} * stat.f_frsize;
}

WorkDirectory::Times WorkDirectory::times_of_change() const {
  if (!top_ || inner_.size() != names().size()) return {};
  Times times;
  times.reserve(inner_.size() + 1);
  struct stat stat{};
  if (fstat(top_.get(), &stat) != 0) return {};
  times.push_back(stat.st_ctim);
  for (const auto& inner : inner_) {
    if (fstat(inner.directory.get(), &stat) != 0 || (stat.st_mode & 0700) != 0700 || stat.st_uid != user_) return {};
    times.push_back(stat.st_ctim);
  }
  return times;
}

WorkDirectory::Content WorkDirectory::look(std::chrono::steady_clock::time_point now) {
  auto times = times_of_change();  // before the entries, so that what changes meanwhile is seen the next time
  const bool same = !times.empty() && std::ranges::equal(times, clean_.times, [](const auto& a, const auto& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  });
  if (same && clean_.settled) return {.result = false, .exec = false, .new_task = false, .clean = true};
  auto content = read_entries();
  content.clean = content.clean && !times.empty();
  if (!content.clean)
    clean_ = {};
  else if (!same)
    clean_ = {.times = std::move(times), .first_seen = now, .settled = false};
  else
    clean_.settled = now - clean_.first_seen >= kCoarsestClock;
  return content;
}

WorkDirectory::Content WorkDirectory::read_entries() const {
  Content content;
  if (!top_ || inner_.size() != names().size()) return content;
  std::size_t in_place = 0;
  std::size_t others = 0;
  const bool readable = for_each_entry(top_.get(), [&](std::string_view name, ino_t inode) {
    const auto known = std::ranges::find(names(), name);
    if (known != names().end() && inner_[static_cast<std::size_t>(known - names().begin())].inode == inode)
      ++in_place;
    else
      ++others;
    if (name == new_task().filename().native()) content.new_task = true;
  });
  bool all_empty = true;
  for (std::size_t i = 0; i < inner_.size(); ++i) {
    bool has_entries = false;
    const bool read = for_each_entry(inner_[i].directory.get(), [&](std::string_view, ino_t) { has_entries = true; });
    all_empty = all_empty && read && !has_entries;
    if (names()[i] == "result") content.result = has_entries;
    if (names()[i] == "exec") content.exec = has_entries;
  }
  content.clean = readable && others == 0 && in_place == inner_.size() && all_empty;
  if (in_place == inner_.size()) return content;
  // The task has replaced some of them: look again by name.
  content.result = has_entries(result());
  content.exec = has_entries(exec());
  return content;
}

Result<void> WorkDirectory::make_directory(const std::filesystem::path& path) const {
  const bool made = mkdir(path.c_str(), 0755) == 0 &&
                    (!settings_.owner || lchown(path.c_str(), settings_.owner->uid, settings_.owner->gid) == 0);
  if (made) return {};
  return fail(ErrorCode::kIo, fmt::format("cannot create the directory {}: {}; choose another with --work-dir",
                                          path.native(), std::strerror(errno)));
}

Result<void> WorkDirectory::make() {
  inner_.clear();
  clean_ = {};
  user_ = settings_.owner ? settings_.owner->uid : geteuid();
  MITO_TRY(make_directory(root_));
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  top_ = Descriptor(open(root_.c_str(), kFlags));
  for (const auto name : names()) {
    MITO_TRY(make_directory(root_ / name));
    Inner inner{Descriptor(open((root_ / name).c_str(), kFlags)), 0};
    struct stat stat{};
    if (!inner.directory || fstat(inner.directory.get(), &stat) != 0)
      return fail(ErrorCode::kIo,
                  fmt::format("cannot open the directory {}: {}", (root_ / name).native(), std::strerror(errno)));
    inner.inode = stat.st_ino;
    inner_.push_back(std::move(inner));
  }
  return {};
}

}  // namespace mito::worker
