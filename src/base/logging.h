#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/core.h>

namespace mito::log {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };

/// Whether anything is written for this level and target; cheap.
bool enabled(Level level, std::string_view target);
/// Writes one line; line breaks in `message` are kept, control characters escaped.
void write(Level level, std::string_view target, std::string_view message);

/// A source of log lines, named as filters name it (`netmito::worker`). One constant per file: `constexpr log::Source
/// kLog{"netmito::worker"};`
class Source {
 public:
  constexpr explicit Source(std::string_view target) : target_(target) {}

  template <class... Args>
  void trace(fmt::format_string<Args...> format, Args&&... args) const {
    put(Level::kTrace, format, fmt::make_format_args(args...));
  }
  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) const {
    put(Level::kDebug, format, fmt::make_format_args(args...));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) const {
    put(Level::kInfo, format, fmt::make_format_args(args...));
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) const {
    put(Level::kWarn, format, fmt::make_format_args(args...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) const {
    put(Level::kError, format, fmt::make_format_args(args...));
  }

 private:
  void put(Level level, fmt::string_view format, fmt::format_args args) const;
  std::string_view target_;
};

/// Where lines go. The console line is `<RFC3339 UTC, 6 decimals>Z <LEVEL right-aligned to 5> <target>: <message>`.
struct Settings {
  /// Filter of the console, in the form of RUST_LOG (`info`, `netmito=debug,netmito::http=warn`). Not valid:
  /// `netmito=info`.
  std::string console_filter = "netmito=info";
  bool console_to_stderr = false;
  bool show_target = true;
  /// Colours are asked for; they are used only where the console is a terminal.
  bool colour = false;
  /// Empty: no file log.
  std::string file;
  std::string file_filter = "netmito=info";
  /// `<file>.YYYY-MM-DD`, a new one each UTC day, three kept; else exactly `file`, appended to.
  bool roll_daily = false;
  /// Put before every non-empty line of the file, for files that several workers share.
  std::string file_prefix;
};

/// Replaces what was set up before. Fails with a text when the file cannot be opened. May be called again (for instance
/// when a worker knows its id).
[[nodiscard]] std::string setup(const Settings& settings);
/// Console settings from RUST_LOG and NO_COLOR, file filter from MITO_FILE_LOG_LEVEL.
Settings settings_from_environment();
/// Returns when all lines are on the disk; they are never held back in the program. Before the process ends.
void flush();

}  // namespace mito::log
