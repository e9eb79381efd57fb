#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace mito::cli {

std::size_t terminal_width(std::FILE* file) {
  constexpr std::size_t kUsual = 80;
  constexpr std::size_t kLeast = 20;  // what says less does not know
  const int fd = ::fileno(file);
  if (fd < 0 || ::isatty(fd) == 0) return 0;
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= kLeast ? size.ws_col : kUsual;
}

}  // namespace mito::cli
