#include "http/local_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

namespace mito::http {

LocalFile::~LocalFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::unexpected<Error> LocalFile::failed(std::string_view action, int reason) const {
  return fail(ErrorCode::kIo, fmt::format("Cannot {} {}: {}", action, path_, std::generic_category().message(reason)));
}

Result<void> LocalFile::open_for_reading(const std::string& path) {
  path_ = path;
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) return failed("open", errno);
  return {};
}

Result<void> LocalFile::open_for_writing(const std::string& path, std::uint64_t keep) {
  path_ = path;
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) return failed("create", errno);
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) return failed("examine", errno);
  if (!S_ISREG(status.st_mode) && keep == 0) return {};  // for instance /dev/null
  if (static_cast<std::uint64_t>(status.st_size) < keep) {
    return fail(ErrorCode::kIo,
                fmt::format("Cannot resume {} behind its first {} bytes: it has only {}", path_, keep, status.st_size));
  }
  if (::ftruncate(descriptor_, static_cast<off_t>(keep)) != 0) return failed("cut", errno);
  return {};
}

Result<std::uint64_t> LocalFile::size() const {
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) return failed("examine", errno);
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kIo, fmt::format("{} is not a regular file", path_));
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::size_t> LocalFile::read_at(std::uint64_t offset, char* buffer, std::size_t count) const {
  for (;;) {
    auto got = ::pread(descriptor_, buffer, count, static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return failed("read", errno);
  }
}

Result<void> LocalFile::write_at(std::uint64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    auto put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == ESPIPE) put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return failed("write", put < 0 ? errno : ENOSPC);
    offset += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> LocalFile::close() {
  if (descriptor_ < 0) return {};
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) return failed("write", errno);
  return {};
}

}  // namespace mito::http
