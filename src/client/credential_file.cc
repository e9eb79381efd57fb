#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <fmt/core.h>

#include "client/credentials.h"

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

/// The lines of the file; none when there is no file.
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

std::optional<Credential> split_line(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == line.size()) return std::nullopt;
  return Credential{.username = std::string(line.substr(0, colon)), .token = std::string(line.substr(colon + 1))};
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

Result<CredentialFile> CredentialFile::at_default_path() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && config[0] == '/')
    return CredentialFile(std::filesystem::path(config) / "mitosis" / "credentials");
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] != '\0')
    return CredentialFile(std::filesystem::path(home) / ".config" / "mitosis" / "credentials");
  return fail(ErrorCode::kUsage,
              "there is no place for the credential file because HOME is not set; give one with --credential-path");
}

bool CredentialFile::exists() const {
  std::error_code error;
  return std::filesystem::is_regular_file(path_, error);
}

Result<std::optional<Credential>> CredentialFile::find(const std::optional<std::string>& user) const {
  MITO_TRY_ASSIGN(const auto lines, read_lines(path_));
  if (!user) return lines.empty() ? std::nullopt : split_line(lines.front());
  for (const auto& line : lines)
    if (auto credential = split_line(line); credential && credential->username == *user) return credential;
  return std::optional<Credential>{};
}

Result<void> CredentialFile::store(const Credential& credential) const {
  std::error_code error;
  // A link stays a link: what it points to is replaced.
  auto target = std::filesystem::weakly_canonical(path_, error);
  if (error) target = std::filesystem::absolute(path_);
  const auto directory = target.parent_path();
  std::filesystem::create_directories(directory, error);
  if (error) return io_failure("make the directory of", target, error.value());

  // Held while the file is read and replaced, so that two logins at once do not lose one of the lines.
  const Descriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid()) return io_failure("open the directory of", target, errno);
  while (::flock(lock.get(), LOCK_EX) != 0 && errno == EINTR) {
  }

  MITO_TRY_ASSIGN(auto lines, read_lines(target));
  const std::string mine = credential.username + ":" + credential.token;
  bool replaced = false;
  for (auto& line : lines) {
    if (!line.starts_with(credential.username + ":")) continue;
    line = mine;
    replaced = true;
    break;
  }
  if (!replaced) lines.push_back(mine);
  std::string content;
  for (const auto& line : lines)
    content += (content.empty() ? "" : "\n") + line;
  return replace_file(target, content);
}

}  // namespace mito::client
