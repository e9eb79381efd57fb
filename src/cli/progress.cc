#include "cli/progress.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

#include <fmt/core.h>

#include "base/size.h"
#include "cli/help.h"
#include "cli/humane.h"
#include "cli/text.h"

namespace mito::cli {

namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);

void write_line(const std::string& text) {
  const std::string line = "\r\x1b[K" + text;
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string render_progress(std::uint64_t done, std::uint64_t total, std::chrono::duration<double> passed,
                            ProgressUnit unit) {
  const bool bytes = unit == ProgressUnit::kBytes;
  const double rate = passed.count() > 0 ? static_cast<double>(done) / passed.count() : 0;
  const std::string speed =
      bytes ? fmt::format("  {}/s", format_size(static_cast<std::uint64_t>(rate))) : std::string();
  const std::string_view things = unit == ProgressUnit::kTasks ? "tasks" : "files";
  if (total == 0) return (bytes ? format_size(done) : fmt::format("{} {}", done, things)) + speed;
  constexpr std::size_t kWidth = 30;
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(part * kWidth);
  const std::string bar =
      std::string(filled, '=') + (filled < kWidth ? ">" : "") + std::string(kWidth - std::min(kWidth, filled + 1), ' ');
  const std::string amount = bytes ? fmt::format("{} / {}", format_size(done), format_size(total))
                                   : fmt::format("{} / {} {}", done, total, things);
  std::string text = fmt::format("[{}] {:3.0f}%  {}{}", bar, part * 100, amount, speed);
  if (rate <= 0 || done >= total) return text;
  const std::chrono::duration<double> left(static_cast<double>(total - done) / rate);
  if (left > std::chrono::hours(24 * 365)) return text;
  return text + fmt::format("  {} left", span_of_time(std::chrono::duration_cast<std::chrono::seconds>(left)));
}

StatusLine::StatusLine(ShowProgress show) : shown_(show == ShowProgress::kYes && ::isatty(STDERR_FILENO) != 0) {}

StatusLine::~StatusLine() {
  if (shown_) write_line("");
}

void StatusLine::update(const std::string& text) {
  if (shown_) write_line(shorten(printable(text), help_width() - 1));
}

ProgressBar::ProgressBar(ShowProgress show, const std::string& title, ProgressUnit unit)
    : title_(printable(title)),
      unit_(unit),
      shown_(show == ShowProgress::kYes && ::isatty(STDERR_FILENO) != 0),
      begin_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
  if (shown_) write_line("");
}

client::Progress ProgressBar::callback() {
  if (!shown_) return {};
  return [this](std::uint64_t done, std::uint64_t total) { update(done, total); };
}

void ProgressBar::update(std::uint64_t done, std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_ < kRedraw && (done < total || unit_ == ProgressUnit::kBytes)) return;
  drawn_ = now;
  write_line(fmt::format("{}  {}", shorten(title_, 40), render_progress(done, total, now - begin_, unit_)));
}

}  // namespace mito::cli
