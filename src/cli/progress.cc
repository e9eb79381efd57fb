#include "cli/progress.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/size.h"
#include "cli/humane.h"
#include "cli/text.h"

namespace mito::cli {

namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);

}  // namespace

std::string render_progress(std::uint64_t done, std::uint64_t total, std::chrono::duration<double> passed,
                            ProgressUnit unit, std::size_t bar_width) {
  const bool bytes = unit == ProgressUnit::kBytes;
  const double rate = passed.count() > 0 ? static_cast<double>(done) / passed.count() : 0;
  const std::string speed =
      bytes ? fmt::format("  {}/s", format_size(static_cast<std::uint64_t>(rate))) : std::string();
  const std::string_view things = unit == ProgressUnit::kTasks ? "tasks" : "files";
  if (total == 0) return (bytes ? format_size(done) : fmt::format("{} {}", done, things)) + speed;
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(part * bar_width);
  std::string bar = std::string(filled, '=') + (filled < bar_width ? ">" : "");
  bar.resize(bar_width, ' ');
  if (!bar.empty()) bar = "[" + bar + "] ";
  const std::string amount = bytes ? fmt::format("{} / {}", format_size(done), format_size(total))
                                   : fmt::format("{} / {} {}", done, total, things);
  std::string text = fmt::format("{}{:3.0f}%  {}{}", bar, part * 100, amount, speed);
  if (rate <= 0 || done >= total) return text;
  const std::chrono::duration<double> left(static_cast<double>(total - done) / rate);
  if (left > std::chrono::hours(24 * 365)) return text;
  return text + fmt::format("  {} left", span_of_time(std::chrono::duration_cast<std::chrono::seconds>(left)));
}

std::string fit_progress(std::string_view title, std::uint64_t done, std::uint64_t total,
                         std::chrono::duration<double> passed, ProgressUnit unit, std::size_t width) {
  struct Form {
    std::size_t title;
    std::size_t bar;
  };
  std::string line;
  for (const auto [title_width, bar_width] : {Form{40, 30}, Form{40, 10}, Form{20, 10}, Form{0, 10}, Form{0, 0}}) {
    line = title_width == 0 ? "" : shorten(title, title_width) + "  ";
    line += render_progress(done, total, passed, unit, bar_width);
    if (display_width(line) <= width) return line;
  }
  return shorten(line, width);
}

StatusLine::StatusLine(Output& out, ShowProgress show)
    : out_(out), shown_(show == ShowProgress::kYes && out.status_width() != 0) {}

StatusLine::~StatusLine() {
  if (shown_) out_.show_status("");
}

void StatusLine::update(const std::string& text) {
  if (shown_) out_.show_status(shorten(printable(text), out_.status_width()));
}

ProgressBar::ProgressBar(Output& out, ShowProgress show, const std::string& title, ProgressUnit unit)
    : out_(out),
      title_(printable(title)),
      unit_(unit),
      shown_(show == ShowProgress::kYes && out.status_width() != 0),
      begin_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
  if (shown_) out_.show_status("");
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
  out_.show_status(fit_progress(title_, done, total, now - begin_, unit_, out_.status_width()));
}

}  // namespace mito::cli
