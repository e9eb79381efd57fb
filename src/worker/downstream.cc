#include "worker/downstream.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "protocol/codec.h"

namespace mito::worker {
namespace {

constexpr std::size_t kMaxBytes = 2 << 20;  // what a coordinator takes as a request body

std::unexpected<std::string> unusable(std::string_view reason) {
  return std::unexpected(fmt::format("new_task.json cannot be read: {}", reason));
}

std::expected<std::string, std::string> read_file(int fd) {
  struct stat stat{};
  if (fstat(fd, &stat) != 0) return unusable(std::strerror(errno));
  if (!S_ISREG(stat.st_mode)) return unusable("it is not a file");
  if (static_cast<std::uint64_t>(stat.st_size) > kMaxBytes) return unusable("it is larger than 2 MiB");
  std::string text(kMaxBytes, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unusable(std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

}  // namespace

std::expected<std::optional<protocol::SubmitTaskReq>, std::string> read_new_task(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    if (errno == ENOENT) return std::nullopt;
    return unusable(std::strerror(errno));
  }
  const auto text = read_file(fd);
  close(fd);
  if (!text) return std::unexpected(text.error());
  if (text->find_first_not_of(" \t\r\n\v\f") == std::string::npos) return std::nullopt;
  auto task = protocol::decode<protocol::SubmitTaskReq>(*text);
  if (!task) return std::unexpected(fmt::format("new_task.json is not a task to submit: {}", task.error().text()));
  return std::move(*task);
}

}  // namespace mito::worker
