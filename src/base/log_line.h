#pragma once

#include <string>
#include <string_view>

#include "base/logging.h"
#include "base/time.h"

namespace mito::log {

enum class Colour { kOff, kOn };
enum class Target { kHidden, kShown };

/// `<RFC3339 UTC, 6 decimals>Z <LEVEL right-aligned to 5> <target>: <message>` and a line break
/// (reference/client-and-worker.md 1.16).
std::string format_line(Timestamp time, Level level, std::string_view target, std::string_view message,
                        Target show_target, Colour colour);

/// Control characters but tab and line break as `\x1b`, so that what comes from outside cannot steer a terminal.
std::string escape_controls(std::string_view message);

/// Puts `prefix` before every line that is not empty.
std::string prefix_lines(std::string_view text, std::string_view prefix);

}  // namespace mito::log
