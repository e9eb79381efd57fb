#include "base/log_line.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace mito::log {
namespace {

struct LevelStyle {
  std::string_view name;
  int colour;
};

LevelStyle style_of(Level level) {
  static constexpr std::array<LevelStyle, 6> kStyles = {
      {{"TRACE", 35}, {"DEBUG", 34}, {" INFO", 32}, {" WARN", 33}, {"ERROR", 31}, {"  OFF", 0}}};
  return kStyles[std::min<std::size_t>(static_cast<std::size_t>(level), kStyles.size() - 1)];
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
}

}  // namespace

std::string escape_controls(std::string_view message) {
  std::string text;
  text.reserve(message.size());
  for (const char c : message) {
    if (is_control(c)) {
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      text += c;
    }
  }
  return text;
}

std::string format_line(Timestamp time, Level level, std::string_view target, std::string_view message,
                        Target show_target, Colour colour) {
  const LevelStyle style = style_of(level);
  const std::string when = format_rfc3339(time);
  const std::string text = escape_controls(message);
  const bool shown = show_target == Target::kShown;
  if (colour == Colour::kOff) {
    return shown ? fmt::format("{} {} {}: {}\n", when, style.name, target, text)
                 : fmt::format("{} {} {}\n", when, style.name, text);
  }
  constexpr std::string_view kDim = "\x1b[2m";
  constexpr std::string_view kPlain = "\x1b[0m";
  std::string line = fmt::format("{}{}{} \x1b[{}m{}{} ", kDim, when, kPlain, style.colour, style.name, kPlain);
  if (shown) line += fmt::format("{}{}{}{}:{} ", kDim, target, kPlain, kDim, kPlain);
  return line.append(text).append("\n");
}

std::string prefix_lines(std::string_view text, std::string_view prefix) {
  if (prefix.empty()) return std::string(text);
  std::string result;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty()) result.append(prefix).append(line);
    if (end == std::string_view::npos) break;
    result += '\n';
    text.remove_prefix(end + 1);
  }
  return result;
}

}  // namespace mito::log
