#include "storage/objects/file_system.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

namespace mito::storage {

namespace {

using Path = FileSystem::Path;

std::unexpected<Error> failed(std::string_view action, const Path& path, int reason) {
  const bool full = reason == ENOSPC || reason == EDQUOT;
  return fail(full ? ErrorCode::kStorageFull : ErrorCode::kIo,
              fmt::format("Cannot {} {}: {}", action, path.string(), std::generic_category().message(reason)));
}

/// A file descriptor and the path it was opened by.
class Descriptor {
 public:
  Descriptor(Path path, int number) : path_(std::move(path)), number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] const Path& path() const { return path_; }

  Result<void> sync() const {
    while (::fsync(number_) != 0)
      if (errno != EINTR) return failed("sync", path_, errno);
    return {};
  }

 private:
  Path path_;
  int number_;
};

class SystemWritableFile final : public WritableFile {
 public:
  SystemWritableFile(const Path& path, int number) : file_(path, number) {}

  Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto count = ::write(file_.number(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return failed("write", file_.path(), count < 0 ? errno : ENOSPC);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  Result<void> sync() override { return file_.sync(); }

 private:
  Descriptor file_;
};

class SystemReadableFile final : public ReadableFile {
 public:
  SystemReadableFile(const Path& path, int number, std::uint64_t size) : file_(path, number), size_(size) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }

  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t count) override {
    for (;;) {
      const auto got = ::pread(file_.number(), buffer, count, static_cast<off_t>(offset));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return failed("read", file_.path(), errno);
    }
  }

 private:
  Descriptor file_;
  std::uint64_t size_;
};

class SystemFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> create(const Path& path) override {
    const int number = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (number < 0) return failed("create", path, errno);
    return std::make_unique<SystemWritableFile>(path, number);
  }

  Result<std::unique_ptr<ReadableFile>> open(const Path& path) override {
    const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (number < 0 && (errno == ENOENT || errno == ENOTDIR)) return nullptr;
    if (number < 0) return failed("open", path, errno);
    struct stat status{};
    if (::fstat(number, &status) != 0) {
      const int reason = errno;
      ::close(number);
      return failed("examine", path, reason);
    }
    return std::make_unique<SystemReadableFile>(path, number, static_cast<std::uint64_t>(status.st_size));
  }

  Result<void> rename(const Path& from, const Path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("give its name to", to, errno);
    return {};
  }

  Result<bool> remove(const Path& path) override {
    if (::unlink(path.c_str()) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed("remove", path, errno);
  }

  Result<bool> make_directory(const Path& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return true;
    const int reason = errno;
    std::error_code ignored;
    if (reason == EEXIST && std::filesystem::is_directory(path, ignored)) return false;
    return failed("make the directory", path, reason);
  }

  Result<void> sync_directory(const Path& path) override {
    const Descriptor directory(path, ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.number() < 0) return failed("open", path, errno);
    return directory.sync();
  }

  Result<std::vector<std::string>> list(const Path& path) override {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator entry(path, error);
    while (!error && entry != std::filesystem::directory_iterator()) {
      names.push_back(entry->path().filename().string());
      entry.increment(error);
    }
    if (error) return failed("list", path, error.value());
    return names;
  }

  Result<std::uint64_t> free_space(const Path& path) override {
    struct statvfs status{};
    if (::statvfs(path.c_str(), &status) != 0) return failed("measure the free space of", path, errno);
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  }
};

}  // namespace

FileSystem& FileSystem::system() {
  static SystemFileSystem instance;
  return instance;
}

}  // namespace mito::storage
