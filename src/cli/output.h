#pragma once

#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "base/result.h"

namespace mito::cli {

/// How results are written.
enum class Format {
  kTable,  ///< Sentences, tables and details for people.
  kJson,   ///< One JSON value; its members are those of the HTTP API.
  kQuiet,  ///< Bare UUIDs, keys, names or URLs, one a line.
};

/// Where a command writes: results to standard output, everything else to standard error. One thread.
class Output {
 public:
  Output(Format format, std::FILE* out, std::FILE* err);

  [[nodiscard]] Format format() const { return format_; }
  [[nodiscard]] bool json() const { return format_ == Format::kJson; }
  [[nodiscard]] bool quiet() const { return format_ == Format::kQuiet; }
  /// Columns of the terminal; 0 when the results do not go to one.
  [[nodiscard]] std::size_t width() const { return width_; }

  /// A sentence that says what was done: as it is for people, as `{"msg":…}` in JSON, nothing when quiet.
  void done(std::string_view sentence);
  /// A line for people that goes with a table or a list; nothing in the other formats.
  void say(std::string_view line);
  /// Text as it is, whatever the format.
  void print(std::string_view text);
  /// One JSON value and a line end.
  void print_json(std::string_view value);
  /// `[a,b]` of JSON values.
  void print_json_array(std::span<const std::string> values);
  /// A line on standard error: `note: …`.
  void note(std::string_view text);
  void warn(std::string_view text);
  /// A line on standard error as it is.
  void diagnose(std::string_view line);
  /// Writes out what is buffered. kIo when standard output does not take it (a full disk).
  Result<void> flush();

 private:
  Format format_;
  std::FILE* out_;
  std::FILE* err_;
  std::size_t width_;
};

}  // namespace mito::cli
