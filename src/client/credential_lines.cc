#include "client/credential_lines.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

namespace mito::client {

namespace {

/// Closes its file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::unexpected<Error> io_failure(std::string_view what, const std::filesystem::path& path, int error) {
  return fail(ErrorCode::kIo, fmt::format("cannot {} the credential file {}: {}; --credential-path names another", what,
                                          path.string(), std::strerror(error)));
}

Result<void> write_whole(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_failure("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(fd) != 0) return io_failure("write", path, errno);
  return {};
}

/// A new file beside `path` with the content, renamed over it.
Result<void> replace_file(const std::filesystem::path& path, std::string_view content) {
  std::string name = path.string() + ".XXXXXX";
  const Descriptor file(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
  if (!file.valid()) return io_failure("write", path, errno);
  if (auto written = write_whole(file.get(), content, path); !written) {
    ::unlink(name.c_str());
    return written;
  }
  if (::rename(name.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(name.c_str());
    return io_failure("replace", path, error);
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> read_lines(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return lines;
    return io_failure("read", path, errno);
  }
  std::string content;
  char buffer[4096];
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_failure("read", path, errno);
    if (count == 0) break;
    content.append(buffer, static_cast<std::size_t>(count));
    if (content.size() > (16U << 20)) return io_failure("read", path, EFBIG);
  }
  std::istringstream stream(content);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

Result<void> change_lines(const std::filesystem::path& path,
                          const std::function<void(std::vector<std::string>&)>& change) {
  std::error_code error;
  // A link stays a link: what it points to is replaced.
  auto target = std::filesystem::weakly_canonical(path, error);
  if (error) target = std::filesystem::absolute(path);
  const auto directory = target.parent_path();
  std::filesystem::create_directories(directory, error);
  if (error) return io_failure("make the directory of", target, error.value());

  const Descriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid()) return io_failure("open the directory of", target, errno);
  while (::flock(lock.get(), LOCK_EX) != 0 && errno == EINTR) {
  }

  MITO_TRY_ASSIGN(auto lines, read_lines(target));
  change(lines);
  std::string content;
  for (const auto& line : lines)
    content += (content.empty() ? "" : "\n") + line;
  return replace_file(target, content);
}

}  // namespace mito::client
