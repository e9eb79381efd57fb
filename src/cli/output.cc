#include "cli/output.h"

#include <cerrno>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/text.h"
#include "protocol/codec.h"
#include "protocol/messages.h"

namespace mito::cli {

namespace {

std::size_t terminal_width(std::FILE* file) {
  const int fd = ::fileno(file);
  if (fd < 0 || ::isatty(fd) == 0) return 0;
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

Output::Output(Format format, std::FILE* out, std::FILE* err)
    : format_(format), out_(out), err_(err), width_(terminal_width(out)) {}

void Output::done(std::string_view sentence) {
  if (json()) {
    print_json(protocol::encode(protocol::ErrorMsg{.msg = std::string(sentence)}));
  } else {
    say(sentence);
  }
}

void Output::say(std::string_view line) {
  if (format_ == Format::kTable) print(printable(line) + "\n");
}

void Output::print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), out_);
}

void Output::print_json(std::string_view value) {
  print(value);
  print("\n");
}

void Output::print_json_array(std::span<const std::string> values) {
  print("[");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) print(",\n ");
    print(values[i]);
  }
  print("]\n");
}

void Output::note(std::string_view text) {
  diagnose(fmt::format("note: {}", text));
}
void Output::warn(std::string_view text) {
  diagnose(fmt::format("warning: {}", text));
}

void Output::diagnose(std::string_view line) {
  std::fflush(out_);
  const std::string whole = printable(line) + "\n";
  std::fwrite(whole.data(), 1, whole.size(), err_);
  std::fflush(err_);
}

Result<void> Output::flush() {
  if (std::fflush(out_) == 0 && std::ferror(out_) == 0) return {};
  return fail(ErrorCode::kIo, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

}  // namespace mito::cli
