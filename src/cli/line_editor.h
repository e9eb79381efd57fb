#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/completion.h"
#include "cli/interrupts.h"

namespace mito::cli {

/// What stands before the cursor can become: the whole words that fit. `before` are the words in front.
using Completer =
    std::function<std::vector<Candidate>(const std::vector<std::string>& before, const std::string& begun)>;

/// Lines typed on the terminal, with history (Up, Down, Ctrl-R) and completion (Tab), by libedit. On a terminal with
/// colours the rest of the latest line of the history that begins as this one stands behind it in grey; Right, End,
/// Ctrl-E or Ctrl-F takes it. One at a time, on one thread.
class LineEditor {
 public:
  /// `prompt` stands before a line, `continuation` before one that belongs to the line before it.
  LineEditor(std::string prompt, std::string continuation, Interrupts& interrupts, Completer completer);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class End { kLine, kInterrupted, kEndOfInput };
  struct Line {
    End end = End::kLine;
    std::string text;
  };
  /// Waits for a line; `begun` are those before it that it continues. Ctrl-C gives kInterrupted, Ctrl-D on an empty
  /// line kEndOfInput.
  Line read(std::string_view begun = {});
  /// Adds a line to what Up shows.
  void remember(const std::string& line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The lines typed in earlier shells: one a line, a newline in it written as `<\n>`, as the original keeps them.
class ShellHistory {
 public:
  /// In `$XDG_CACHE_HOME/mitosis/client-history`, else below `~/.cache`; without a home directory nothing is kept.
  ShellHistory();

  /// Oldest first.
  [[nodiscard]] std::vector<std::string> load() const;
  void add(const std::string& line);
  /// Appends what was added, without what came twice in a row, and keeps the last 1000. The file is private to its
  /// user.
  [[nodiscard]] Result<void> save();

 private:
  std::string path_;
  std::vector<std::string> added_;
};

}  // namespace mito::cli
