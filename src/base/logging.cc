#include "base/logging.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/log_file.h"
#include "base/log_filter.h"
#include "base/log_line.h"
#include "base/sync.h"
#include "base/time.h"

namespace mito::log {
namespace {

constexpr std::string_view kDefaultFilter = "netmito=info";

Filter filter_of(std::string_view text) {
  auto filter = Filter::parse(text);
  if (!filter) filter = Filter::parse(kDefaultFilter);
  return *std::move(filter);
}

struct Output {
  Filter console = filter_of(kDefaultFilter);
  int console_descriptor = STDOUT_FILENO;
  Target show_target = Target::kShown;
  Colour colour = Colour::kOff;
  Filter file_filter = filter_of("off");
  File file;
  std::string file_prefix;
};

/// What lines are written with. Never destroyed: threads and destructors may still log while the process ends.
Sync<Output>& output() {
  static auto* shared = new Sync<Output>;
  return *shared;
}

/// Lowest level that any output takes: what is below is dropped without a lock.
std::atomic<Level> lowest_level{Level::kInfo};

}  // namespace

bool enabled(Level level, std::string_view target) {
  if (level < lowest_level.load(std::memory_order_relaxed)) return false;
  const auto locked = output().lock();
  return locked->console.accepts(level, target) || locked->file_filter.accepts(level, target);
}

void write(Level level, std::string_view target, std::string_view message) {
  if (level < lowest_level.load(std::memory_order_relaxed)) return;
  const Timestamp now = Clock::system().now();
  const auto locked = output().lock();
  if (locked->console.accepts(level, target)) {
    write_all(locked->console_descriptor,
              format_line(now, level, target, message, locked->show_target, locked->colour));
  }
  if (locked->file.is_open() && locked->file_filter.accepts(level, target)) {
    const std::string line = format_line(now, level, target, message, Target::kShown, Colour::kOff);
    locked->file.write(prefix_lines(line, locked->file_prefix), now);
  }
}

void Source::put(Level level, fmt::string_view format, fmt::format_args args) const {
  if (enabled(level, target_)) write(level, target_, fmt::vformat(format, args));
}

std::string setup(const Settings& settings) {
  Output next;
  next.console = filter_of(settings.console_filter);
  next.console_descriptor = settings.console_to_stderr ? STDERR_FILENO : STDOUT_FILENO;
  next.show_target = settings.show_target ? Target::kShown : Target::kHidden;
  next.colour = settings.colour && ::isatty(next.console_descriptor) == 1 ? Colour::kOn : Colour::kOff;
  if (!settings.file.empty()) {
    const auto rolling = settings.roll_daily ? File::Rolling::kDaily : File::Rolling::kNever;
    std::string problem = next.file.open(settings.file, rolling, Clock::system().now());
    if (!problem.empty()) return problem;
    next.file_filter = filter_of(settings.file_filter);
    next.file_prefix = settings.file_prefix;
  }
  const Level lowest = std::min(next.console.lowest(), next.file_filter.lowest());
  const auto locked = output().lock();
  *locked = std::move(next);
  lowest_level.store(lowest, std::memory_order_relaxed);
  return {};
}

Settings settings_from_environment() {
  Settings settings;
  // NOLINTBEGIN(concurrency-mt-unsafe): read before threads are started, and nothing changes the environment.
  if (const char* filter = std::getenv("RUST_LOG")) settings.console_filter = filter;
  if (const char* filter = std::getenv("MITO_FILE_LOG_LEVEL")) settings.file_filter = filter;
  const char* no_colour = std::getenv("NO_COLOR");
  // NOLINTEND(concurrency-mt-unsafe)
  settings.colour = no_colour == nullptr || *no_colour == '\0';
  return settings;
}

void flush() {
  // Every line is handed to the operating system when it is written, so that a crash loses none; files also reach the
  // disk here.
  const auto locked = output().lock();
  locked->file.sync();
}

}  // namespace mito::log
