#include "unit/worker/recorded_syncs.h"

#include <filesystem>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace mito::worker {
namespace {

std::vector<std::string>& names() {
  static std::vector<std::string> all;
  return all;
}

int record_and_sync(long call, int fd) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
  const auto result = static_cast<int>(syscall(call, fd));
  if (result == 0) names().push_back(path.filename().native());
  return result;
}

}  // namespace

std::vector<std::string> take_syncs() {
  return std::exchange(names(), {});
}

}  // namespace mito::worker

extern "C" int fsync(int fd) {
  return mito::worker::record_and_sync(SYS_fsync, fd);
}

extern "C" int fdatasync(int fd) {
  return mito::worker::record_and_sync(SYS_fdatasync, fd);
}
