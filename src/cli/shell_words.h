#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// A line of text taken apart as a shell does: blanks separate, '…' keeps everything, "…" everything but \" and \\, a
// backslash the next character; a backslash at the end of a line joins it to the next.
namespace mito::cli {

/// The words of a whole line. kUsage when a quote is not closed or nothing follows a backslash.
Result<std::vector<std::string>> split_line(std::string_view line);

/// Whether the line is not whole without the next one: a quote is not closed, or a backslash stands at its end.
bool goes_on(std::string_view line);

/// The words of a line that is still being written.
struct UnfinishedLine {
  std::vector<std::string> words;  ///< Complete ones.
  std::string begun;               ///< The last, perhaps empty.
  std::size_t begun_at = 0;        ///< Where that one begins in the line.
};
UnfinishedLine split_unfinished(std::string_view line);

/// The word as it must be written in a line; plain ones stay as they are.
std::string quote_word(std::string_view word);

}  // namespace mito::cli
