#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mito::cli {

/// The text with control characters and broken UTF-8 made visible (`\n`, `\x1b`), so that nothing a task or file is
/// called can disturb a terminal or a table.
std::string printable(std::string_view text);

/// Columns that UTF-8 text takes on a terminal: one a code point, none for combining marks.
std::size_t display_width(std::string_view text);

/// Cut to `width` columns with `…` at the end where something is missing.
std::string shorten(std::string_view text, std::size_t width);

/// Lines of at most `width` columns, broken at blanks.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// `a, b, c`
std::string join(const std::vector<std::string>& items, std::string_view separator = ", ");

/// The UUIDs, separated alike.
template <class Uuids>
std::string join_uuids(const Uuids& uuids) {
  std::string text;
  for (const auto& uuid : uuids)
    text.append(text.empty() ? "" : ", ").append(uuid.to_string());
  return text;
}

/// A command line as a shell would take it: words with blanks or special characters in single quotes.
std::string shell_words(const std::vector<std::string>& args);

}  // namespace mito::cli
