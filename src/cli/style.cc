#include "cli/style.h"

#include <cstdlib>
#include <unistd.h>

#include <fmt/core.h>

namespace mito::cli {

namespace {

std::string_view sequence(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kHeader:
      return "1";
    case Style::kGood:
      return "32";
    case Style::kBad:
      return "31";
    case Style::kBusy:
      return "33";
    case Style::kDim:
      return "2";
  }
  return "";
}

}  // namespace

Colour colour_of(std::FILE* file) {
  const int fd = ::fileno(file);
  if (fd < 0 || ::isatty(fd) == 0) return Colour::kNo;
  if (const char* unwanted = std::getenv("NO_COLOR"); unwanted != nullptr && unwanted[0] != '\0') return Colour::kNo;
  const char* terminal = std::getenv("TERM");
  return terminal == nullptr || std::string_view(terminal) == "dumb" ? Colour::kNo : Colour::kYes;
}

std::string painted(std::string_view text, Style style, Colour colour) {
  if (colour == Colour::kNo || style == Style::kPlain || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", sequence(style), text);
}

}  // namespace mito::cli
