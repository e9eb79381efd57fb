#include "storage/objects/file_system.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>
#include <openssl/evp.h>

#include "base/encoding.h"
#include "security/openssl.h"

namespace mito::storage {

namespace {

using Path = FileSystem::Path;

/// The extended attribute that keeps the MD5 digest of a file.
constexpr const char* kDigestNote = "user.mitosis.md5";
constexpr std::size_t kDigestDigits = 32;

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
    EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
    while (!bytes.empty()) {
      const auto count = ::write(file_.number(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return failed("write", file_.path(), count < 0 ? errno : ENOSPC);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  Result<void> sync() override {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    EVP_DigestFinal_ex(digest_.get(), bytes.data(), &size);
    const std::string text = hex_encode({reinterpret_cast<const char*>(bytes.data()), size});
    // Not every file system keeps such notes; then versions are told apart by other means.
    static_cast<void>(::fsetxattr(file_.number(), kDigestNote, text.data(), text.size(), 0));
    return file_.sync();
  }

 private:
  static security::OpensslPtr<EVP_MD_CTX> new_digest() {
    security::OpensslPtr<EVP_MD_CTX> digest(EVP_MD_CTX_new());
    if (!digest || EVP_DigestInit_ex(digest.get(), EVP_md5(), nullptr) != 1)
      throw std::runtime_error("OpenSSL cannot compute MD5");
    return digest;
  }

  Descriptor file_;
  security::OpensslPtr<EVP_MD_CTX> digest_ = new_digest();
};

class SystemReadableFile final : public ReadableFile {
 public:
  SystemReadableFile(const Path& path, int number, const struct stat& status) : file_(path, number), status_(status) {}

  [[nodiscard]] std::uint64_t size() const override { return static_cast<std::uint64_t>(status_.st_size); }

  [[nodiscard]] std::string version() const override {
    std::array<char, kDigestDigits + 1> digest{};
    if (::fgetxattr(file_.number(), kDigestNote, digest.data(), digest.size()) == kDigestDigits)
      return {digest.data(), kDigestDigits};
    return fmt::format("{:x}-{:x}.{:x}-{:x}", status_.st_ino, status_.st_mtim.tv_sec, status_.st_mtim.tv_nsec,
                       status_.st_size);
  }

  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t count) override {
    for (;;) {
      const auto got = ::pread(file_.number(), buffer, count, static_cast<off_t>(offset));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return failed("read", file_.path(), errno);
    }
  }

 private:
  Descriptor file_;
  struct stat status_;
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
    return std::make_unique<SystemReadableFile>(path, number, status);
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

  Result<std::optional<Timestamp>> written_at(const Path& path) override {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      return failed("examine", path, errno);
    }
    const auto since = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
    return Timestamp(std::chrono::duration_cast<Timestamp::duration>(since));
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
