#include "base/log_file.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace mito::log {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKeptFiles = 3;
constexpr std::size_t kDateLength = 10;

std::string date_of(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

bool is_date(std::string_view text) {
  if (text.size() != kDateLength) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

}  // namespace

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      // Somebody made the terminal or pipe non-blocking; a reader that stays away for a second loses the line.
      pollfd ready{.fd = descriptor, .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, 1000) <= 0) return;
    } else if (errno != EINTR) {
      return;
    }
  }
}

File::File(File&& other) noexcept {
  *this = std::move(other);
}

File& File::operator=(File&& other) noexcept {
  if (this == &other) return *this;
  close();
  path_ = std::move(other.path_);
  rolling_ = other.rolling_;
  day_ = other.day_;
  descriptor_ = std::exchange(other.descriptor_, -1);
  return *this;
}

File::~File() {
  close();
}

void File::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

std::string File::open(std::string path, Rolling rolling, Timestamp now) {
  path_ = std::move(path);
  rolling_ = rolling;
  const fs::path folder = fs::path(path_).parent_path();
  if (!folder.empty()) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return fmt::format("cannot make the directory {} of the log file: {}", folder.string(), error.message());
  }
  return open_current(now);
}

void File::write(std::string_view line, Timestamp now) {
  if (descriptor_ < 0) return;
  if (rolling_ == Rolling::kDaily && std::chrono::floor<std::chrono::days>(now) > day_) {
    const std::string problem = open_current(now);
    if (!problem.empty()) write_all(descriptor_, problem + "\n");
  }
  write_all(descriptor_, line);
}

void File::sync() const {
  if (descriptor_ >= 0) ::fdatasync(descriptor_);
}

std::string File::open_current(Timestamp now) {
  day_ = std::chrono::floor<std::chrono::days>(now);
  const std::string name = rolling_ == Rolling::kDaily ? path_ + "." + date_of(day_) : path_;
  const int opened = ::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (opened < 0) {
    return fmt::format("cannot open the log file {}: {}", name, std::generic_category().message(errno));
  }
  close();
  descriptor_ = opened;
  if (rolling_ == Rolling::kDaily) remove_old();
  return {};
}

void File::remove_old() const {
  const fs::path base(path_);
  const fs::path folder = base.has_parent_path() ? base.parent_path() : fs::path(".");
  const std::string prefix = base.filename().string() + ".";
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(prefix) && is_date(std::string_view(name).substr(prefix.size())))
      found.push_back(entry->path());
  }
  std::ranges::sort(found);
  for (std::size_t i = 0; i + kKeptFiles < found.size(); ++i)
    fs::remove(found[i], error);
}

}  // namespace mito::log
