#include "worker/archive.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/encoding.h"
#include "worker/descriptor.h"
#include "worker/output.h"

namespace mito::worker {
namespace {

constexpr std::size_t kMaxNotes = 20;
constexpr std::size_t kMaxDepth = 1'000;

struct Free {
  void operator()(struct archive* archive) const { archive_write_free(archive); }
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
  void operator()(DIR* directory) const { closedir(directory); }
};
using EntryHandle = std::unique_ptr<archive_entry, Free>;

/// The file an archive is written to, with the digest of what goes there.
class Target {
 public:
  explicit Target(const std::filesystem::path& file)
      : file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)),
        digest_(EVP_MD_CTX_new()) {
    if (EVP_DigestInit_ex(digest_.get(), EVP_md5(), nullptr) != 1) digest_.reset();
  }
  explicit operator bool() const { return bool{file_}; }

  la_ssize_t write(const char* bytes, std::size_t size) {
    const ssize_t written = ::write(file_.get(), bytes, size);
    if (written > 0 && digest_) EVP_DigestUpdate(digest_.get(), bytes, static_cast<std::size_t>(written));
    return written;
  }

  std::string md5() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (!digest_ || EVP_DigestFinal_ex(digest_.get(), bytes.data(), &size) != 1) return {};
    return base64_encode({reinterpret_cast<const char*>(bytes.data()), size});
  }

 private:
  struct FreeDigest {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  Descriptor file_;
  std::unique_ptr<EVP_MD_CTX, FreeDigest> digest_;
};

extern "C" {
static la_ssize_t write_to_target(struct archive* archive, void* target, const void* bytes, std::size_t size) {
  const auto written = static_cast<Target*>(target)->write(static_cast<const char*>(bytes), size);
  if (written < 0) archive_set_error(archive, errno, "%s", std::strerror(errno));
  return written;
}
}

class Packer {
 public:
  Packer(std::filesystem::path file, OutsideLinks links, std::stop_token stop = {})
      : file_(std::move(file)), links_(links), stop_(std::move(stop)), target_(file_), archive_(archive_write_new()) {}

  Result<void> open() {
    if (!target_)
      return fail(ErrorCode::kIo, fmt::format("cannot create {}: {}", file_.native(), std::strerror(errno)));
    if (archive_write_set_format_gnutar(archive_.get()) != ARCHIVE_OK ||
        archive_write_add_filter_gzip(archive_.get()) != ARCHIVE_OK ||
        archive_write_set_options(archive_.get(), "gzip:!timestamp") != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(archive_.get(), 1) != ARCHIVE_OK ||
        archive_write_open(archive_.get(), &target_, nullptr, write_to_target, nullptr) != ARCHIVE_OK)
      return broken();
    return {};
  }

  Result<Archive> finish() {
    if (archive_write_close(archive_.get()) != ARCHIVE_OK) return broken();
    struct stat stat{};
    if (::stat(file_.c_str(), &stat) != 0)
      return fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", file_.native(), std::strerror(errno)));
    if (further_notes_ > 0) notes_.push_back(fmt::format("and {} more", further_notes_));
    return Archive{file_, static_cast<std::uint64_t>(stat.st_size), target_.md5(), std::move(notes_)};
  }

  Result<void> add_stream(const char* name, const CapturedStream& stream) {
    const EntryHandle entry(archive_entry_new());
    const auto size = readable_size(stream);
    archive_entry_set_pathname(entry.get(), name);
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0664);
    archive_entry_set_mtime(entry.get(), 0, 0);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    if (archive_write_header(archive_.get(), entry.get()) != ARCHIVE_OK) return broken();
    bool written = true;
    MITO_TRY(read_stream(stream, [&](std::string_view bytes) { return written = write(bytes); }));
    if (!written) return broken();
    if (stream.failed) add_note(name, "is incomplete: the disk was full or could not be written");
    return {};
  }

  /// The directory at `fd` and everything below it. `path` is its name in the archive, `inside` its path below the top.
  Result<void> add_tree(int fd, const std::string& path, const std::filesystem::path& inside) {
    struct stat stat{};
    if (fstat(fd, &stat) != 0) return note(path, std::strerror(errno));
    if (depth_.size() >= kMaxDepth) return note(path, "lies too deep");
    const auto identity = std::pair(stat.st_dev, stat.st_ino);
    if (std::ranges::find(depth_, identity) != depth_.end()) return note(path, "leads back to a directory above it");
    MITO_TRY(add_header(path, stat, nullptr));
    depth_.push_back(identity);
    for (const auto& name : names(fd, path))
      MITO_TRY(add(fd, name, path + "/" + name, inside / name));
    depth_.pop_back();
    return {};
  }

  void add_note(std::string_view path, std::string_view text) {
    if (notes_.size() < kMaxNotes)
      notes_.push_back(fmt::format("{}: {}", path, text));
    else
      ++further_notes_;
  }
  /// The same, as the end of a step that goes on with the next entry.
  Result<void> note(std::string_view path, std::string_view text) {
    add_note(path, text);
    return {};
  }

 private:
  Result<void> add(int directory, const std::string& name, const std::string& path,
                   const std::filesystem::path& inside) {
    if (stop_.stop_requested()) return stopped();
    struct stat stat{};
    if (fstatat(directory, name.c_str(), &stat, AT_SYMLINK_NOFOLLOW) != 0) return left_out(path, errno);
    if (S_ISLNK(stat.st_mode)) {
      std::string target(4'096, '\0');
      const ssize_t size = readlinkat(directory, name.c_str(), target.data(), target.size());
      if (size < 0) return left_out(path, errno);
      target.resize(static_cast<std::size_t>(size));
      if (links_ == OutsideLinks::kKeep || link_stays_inside(inside, target))
        return add_header(path, stat, target.c_str());
      if (fstatat(directory, name.c_str(), &stat, 0) != 0)
        return note(path, fmt::format("left out: the link leads to {}, which is not there", target));
    }
    if (!S_ISDIR(stat.st_mode) && !S_ISREG(stat.st_mode))
      return note(path, "left out: it is neither a file nor a directory");
    // O_NONBLOCK: what has become a FIFO since must not hold us up.
    const Descriptor file(openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) return left_out(path, errno);
    if (fstat(file.get(), &stat) != 0) return left_out(path, errno);
    if (S_ISDIR(stat.st_mode)) return add_tree(file.get(), path, inside);
    if (!S_ISREG(stat.st_mode)) return note(path, "left out: it is neither a file nor a directory");
    return add_file(file.get(), path, stat);
  }

  std::unexpected<Error> stopped() {
    archive_write_fail(archive_.get());  // else the end would fill up the file whose size was promised
    return fail(ErrorCode::kCancelled, "interrupted");
  }

  Result<void> left_out(const std::string& path, int error) {
    return note(path, fmt::format("left out: {}", std::strerror(error)));
  }

  Result<void> add_file(int fd, const std::string& path, const struct stat& stat) {
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    MITO_TRY(add_header(path, stat, nullptr));
    // The header has promised the size: what comes behind is not packed, what lacks is filled up with zeros by the
    // library.
    auto left = static_cast<std::uint64_t>(stat.st_size);
    while (left > 0) {
      if (stop_.stop_requested()) return stopped();
      const ssize_t got = read(fd, buffer_.data(), std::min<std::uint64_t>(buffer_.size(), left));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0)
        return note(path,
                    got < 0 ? fmt::format("incomplete: {}", std::strerror(errno)) : "incomplete: it became shorter");
      if (!write({buffer_.data(), static_cast<std::size_t>(got)})) return broken();
      left -= static_cast<std::uint64_t>(got);
    }
    return {};
  }

  Result<void> add_header(const std::string& path, const struct stat& stat, const char* link_target) {
    const EntryHandle entry(archive_entry_new());
    archive_entry_copy_stat(entry.get(), &stat);
    archive_entry_set_nlink(entry.get(), 1);
    archive_entry_set_mtime(entry.get(), stat.st_mtim.tv_sec, 0);
    archive_entry_set_pathname(entry.get(), path.c_str());
    if (link_target != nullptr) {
      archive_entry_set_filetype(entry.get(), AE_IFLNK);
      archive_entry_set_symlink(entry.get(), link_target);
    }
    if (!S_ISREG(stat.st_mode) || link_target != nullptr) archive_entry_set_size(entry.get(), 0);
    const int result = archive_write_header(archive_.get(), entry.get());
    if (result == ARCHIVE_FATAL) return broken();
    if (result < ARCHIVE_WARN) return note(path, fmt::format("left out: {}", text()));
    return {};
  }

  /// The entries of a directory in byte order.
  std::vector<std::string> names(int fd, const std::string& path) {
    std::vector<std::string> result;
    const int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, Free> directory(own < 0 ? nullptr : fdopendir(own));
    if (!directory) {
      if (own >= 0) close(own);
      add_note(path, fmt::format("content left out: {}", std::strerror(errno)));
      return result;
    }
    while (const dirent* entry = readdir(directory.get())) {
      const std::string_view name(&entry->d_name[0]);
      if (name != "." && name != "..") result.emplace_back(name);
    }
    std::ranges::sort(result);
    return result;
  }

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto written = archive_write_data(archive_.get(), bytes.data(), bytes.size());
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  [[nodiscard]] std::string text() const {
    const char* message = archive_error_string(archive_.get());
    return message != nullptr ? message : "unknown error";
  }
  [[nodiscard]] std::unexpected<Error> broken() const {
    return fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", file_.native(), text()));
  }

  std::filesystem::path file_;
  OutsideLinks links_;
  std::stop_token stop_;
  Target target_;
  std::unique_ptr<struct archive, Free> archive_;
  std::vector<std::string> notes_;
  std::size_t further_notes_ = 0;
  std::vector<std::pair<dev_t, ino_t>> depth_;
  std::array<char, 256 << 10> buffer_{};
};

}  // namespace

bool has_entries(const std::filesystem::path& directory) {
  const std::unique_ptr<DIR, Free> handle(opendir(directory.c_str()));
  if (!handle) return false;
  while (const dirent* entry = readdir(handle.get())) {
    const std::string_view name(&entry->d_name[0]);
    if (name != "." && name != "..") return true;
  }
  return false;
}

bool link_stays_inside(const std::filesystem::path& link, const std::filesystem::path& target) {
  if (target.empty() || target.is_absolute()) return false;
  int depth = -1;  // of the directory the link stands in: its own name does not count
  for ([[maybe_unused]] const auto& part : link)
    ++depth;
  for (const auto& part : target) {
    if (part == "..") {
      if (--depth < 0) return false;
    } else if (!part.empty() && part != ".") {
      ++depth;
    }
  }
  return true;
}

Result<Archive> pack_directory(const std::filesystem::path& directory, std::string_view prefix,
                               const std::filesystem::path& file, OutsideLinks links, std::stop_token stop) {
  const auto packer = std::make_unique<Packer>(file, links, std::move(stop));
  MITO_TRY(packer->open());
  if (const Descriptor top(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)); top)
    MITO_TRY(packer->add_tree(top.get(), std::string(prefix), {}));
  else
    MITO_TRY(packer->note(prefix, fmt::format("left out: {}", std::strerror(errno))));
  return packer->finish();
}

Result<Archive> pack_output(const CapturedStream& out, const CapturedStream& err, const std::filesystem::path& file) {
  const auto packer = std::make_unique<Packer>(file, OutsideLinks::kFollow);
  MITO_TRY(packer->open());
  MITO_TRY(packer->add_stream("std-log/stdout.log", out));
  MITO_TRY(packer->add_stream("std-log/stderr.log", err));
  return packer->finish();
}

}  // namespace mito::worker
