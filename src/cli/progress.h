#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "cli/output.h"
#include "client/client.h"

namespace mito::cli {

/// Whether a transfer shows how far it is.
enum class ShowProgress { kNo, kYes };
/// What is counted.
enum class ProgressUnit { kBytes, kFiles, kTasks };

/// One line on standard error that shows how far a transfer is; nothing where that is not a terminal. update() may be
/// called from any thread.
class ProgressBar {
 public:
  ProgressBar(Output& out, ShowProgress show, const std::string& title, ProgressUnit unit = ProgressUnit::kBytes);
  /// Removes the line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// To be handed to a transfer; must not outlive the bar.
  [[nodiscard]] client::Progress callback();

 private:
  void update(std::uint64_t done, std::uint64_t total);

  Output& out_;
  std::string title_;
  ProgressUnit unit_;
  bool shown_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point drawn_;
};

/// One line on standard error that says what goes on; nothing where that is not a terminal. One thread at a time.
class StatusLine {
 public:
  StatusLine(Output& out, ShowProgress show);
  /// Removes the line.
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  void update(const std::string& text);

 private:
  Output& out_;
  bool shown_;
};

/// `[=====>    ]  45%  12 MB / 30 MB  3.2 MB/s  6s left`, `[=====>    ]  45%  9 / 20 files  20s left`
std::string render_progress(std::uint64_t done, std::uint64_t total, std::chrono::duration<double> passed,
                            ProgressUnit unit, std::size_t bar_width = 30);

/// That behind its title in at most `width` columns: with a shorter bar, without the title, without the bar, cut.
std::string fit_progress(std::string_view title, std::uint64_t done, std::uint64_t total,
                         std::chrono::duration<double> passed, ProgressUnit unit, std::size_t width);

}  // namespace mito::cli
