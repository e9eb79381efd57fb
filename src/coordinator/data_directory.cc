#include "coordinator/data_directory.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

namespace mito::coordinator {

namespace fs = std::filesystem;

namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string reason(int error) {
  return std::generic_category().message(error);
}

constexpr std::int64_t kFuseMagic = 0x65735546;

/// The type that mountinfo(5) gives for the mount with this device number; empty when it is not listed.
std::string mount_type(dev_t device) {
  std::ifstream mounts("/proc/self/mountinfo");
  const std::string wanted = fmt::format("{}:{}", major(device), minor(device));
  std::string line;
  while (std::getline(mounts, line)) {
    // <id> <parent> <major:minor> <root> <mount point> <options> [<tags>…] - <type> <source> <super options>
    const auto device_start = line.find(' ', line.find(' ') + 1) + 1;
    if (line.compare(device_start, wanted.size() + 1, wanted + " ") != 0) continue;
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto end = line.find(' ', dash + 3);
    return line.substr(dash + 3, end - dash - 3);
  }
  return {};
}

/// The network file system that `path` is on; empty when it is a local one.
std::string network_file_system_of(const fs::path& path) {
  struct statfs info{};
  if (statfs(path.c_str(), &info) != 0) return {};
  if (const auto name = network_file_system(info.f_type); !name.empty()) return std::string(name);
  if (static_cast<std::int64_t>(info.f_type) != kFuseMagic) return {};
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return {};
  std::string type = mount_type(status.st_dev);
  return is_remote_mount_type(type) ? type : std::string();
}

Result<void> make_directory(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (!error && mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    error = std::error_code(errno, std::generic_category());
  if (error)
    return fail(ErrorCode::kUsage,
                fmt::format("The data directory {} cannot be made: {}. Name another one with --data-dir or data_dir.",
                            path.string(), error.message()));
  return {};
}

}  // namespace

Result<fs::path> default_data_directory() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/')
    return fs::path(data) / "mitosis";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".local/share/mitosis";
  return fail(ErrorCode::kUsage,
              "There is no place for data: neither XDG_DATA_HOME nor HOME is set. Name a directory with --data-dir.");
}

std::string_view network_file_system(std::int64_t magic) {
  // Magic numbers of statfs(2) and of linux/magic.h.
  switch (static_cast<std::uint32_t>(magic)) {
    case 0x6969:
      return "NFS";
    case 0x517B:
    case 0xFF534D42:
    case 0xFE534D42:
      return "SMB";
    case 0x00C36400:
      return "Ceph";
    case 0x5346414F:
    case 0x6B414653:
      return "AFS";
    case 0x73757245:
      return "Coda";
    case 0x0BD00BD0:
      return "Lustre";
    case 0x47504653:
      return "GPFS";
    case 0x19830326:
      return "BeeGFS";
    case 0x7461636F:
      return "OCFS2";
    case 0x01161970:
      return "GFS2";
    default:
      return {};
  }
}

bool is_remote_mount_type(std::string_view type) {
  static constexpr std::array kRemote{
      "nfs",          "nfs4",         "cifs",          "smb3",           "ceph",          "afs",
      "lustre",       "beegfs",       "fuse.sshfs",    "fuse.glusterfs", "fuse.ceph",     "fuse.s3fs",
      "fuse.rclone",  "fuse.gcsfuse", "fuse.goofys",   "fuse.juicefs",   "fuse.davfs2",   "fuse.curlftpfs",
      "fuse.moosefs", "fuse.cvmfs2",  "fuse.blobfuse", "fuse.blobfuse2", "fuse.mount-s3", "fuse.smbnetfs"};
  for (const std::string_view remote : kRemote)
    if (type == remote) return true;
  return false;
}

Result<void> require_local(const fs::path& directory, const std::string& what, const std::string& remedy) {
  const std::string name = network_file_system_of(directory);
  if (name.empty()) return {};
  return fail(
      ErrorCode::kUsage,
      fmt::format("{} is on a network file system ({}), where the database could be damaged: use a local disk. {}",
                  what, name, remedy));
}

Result<FileLock> FileLock::acquire(const fs::path& path, const std::string& what, const std::string& remedy) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0)
    return fail(ErrorCode::kUsage,
                fmt::format("{} cannot be written: {}. Change its owner or mode. {}", what, reason(errno), remedy));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> holder{};
    const ssize_t length = pread(file.get(), holder.data(), holder.size(), 0);
    std::string pid(holder.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (const auto end = pid.find('\n'); end != std::string::npos) pid.resize(end);
    return fail(ErrorCode::kUsage, fmt::format("{} is in use by another coordinator (process {}). Stop that one. {}",
                                               what, pid.empty() ? "unknown" : pid, remedy));
  }
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(file.get(), 0) != 0 ||
      pwrite(file.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return fail(ErrorCode::kUsage, fmt::format("{} cannot be written: {}. Make room on that volume. {}", path.string(),
                                               reason(errno), remedy));
  return FileLock(file.release());
}

FileLock::~FileLock() {
  if (file_ >= 0) close(file_);
}

Result<DataDirectory> DataDirectory::open(const fs::path& given) {
  const std::string remedy = "Or name another directory, on a local disk, with --data-dir or data_dir.";
  std::error_code ignored;
  fs::path path = fs::absolute(given, ignored);
  const std::string what = fmt::format("The data directory {}", path.string());
  MITO_TRY(make_directory(path));
  MITO_TRY(require_local(path, what, remedy));
  MITO_TRY_ASSIGN(FileLock lock, FileLock::acquire(path / "lock", what, remedy));
  return DataDirectory(std::move(path), std::move(lock));
}

Result<void> write_private_file(const fs::path& path, std::string_view content) {
  const auto failed = [&](const char* step) {
    return fail(ErrorCode::kIo, fmt::format("{} cannot be written ({}): {}.", path.string(), step, reason(errno)));
  };
  fs::path temporary = path;
  temporary += ".new";
  {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return failed("open");
    if (fchmod(file.get(), 0600) != 0) return failed("chmod");
    std::string_view rest = content;
    while (!rest.empty()) {
      const ssize_t count = write(file.get(), rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failed("write");
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    if (fsync(file.get()) != 0) return failed("fsync");
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return failed("rename");
  const Descriptor directory(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) return failed("fsync of the directory");
  return {};
}

Result<std::string> read_small_file(const fs::path& path) {
  constexpr std::size_t kLimit = 1 << 20;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(ErrorCode::kIo, fmt::format("{} cannot be read: {}.", path.string(), reason(errno)));
  std::string content;
  std::array<char, 4096> buffer{};
  while (content.size() <= kLimit) {
    const ssize_t count = read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(ErrorCode::kIo, fmt::format("{} cannot be read: {}.", path.string(), reason(errno)));
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return fail(ErrorCode::kIo, fmt::format("{} is larger than 1 MiB.", path.string()));
}

}  // namespace mito::coordinator
