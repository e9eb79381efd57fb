#pragma once

#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "base/result.h"
#include "base/sync.h"
#include "cli/style.h"
#include "cli/table.h"

namespace mito::cli {

/// How results are written.
enum class Format {
  kTable,  ///< Sentences, tables and details for people.
  kWide,   ///< The same with all columns, nothing cut.
  kJson,   ///< One JSON value; its members are those of the HTTP API.
  kYaml,   ///< The same value as YAML.
  kName,   ///< Bare UUIDs, keys, names or URLs, one a line.
};

/// Everything that options say about results.
struct OutputForm {
  Format format = Format::kTable;
  Headers headers = Headers::kShown;
};

/// Where a command writes: results to standard output, everything else to standard error. One thread
/// where nothing else is said.
class Output {
 public:
  Output(OutputForm form, std::FILE* out, std::FILE* err);

  void set_form(OutputForm form) { form_ = form; }
  [[nodiscard]] OutputForm form() const { return form_; }
  /// Tables and sentences.
  [[nodiscard]] bool for_people() const { return form_.format == Format::kTable || wide(); }
  [[nodiscard]] bool wide() const { return form_.format == Format::kWide; }
  /// JSON or YAML.
  [[nodiscard]] bool structured() const { return form_.format == Format::kJson || form_.format == Format::kYaml; }
  /// Bare UUIDs, keys or names.
  [[nodiscard]] bool names() const { return form_.format == Format::kName; }
  /// Columns of the terminal; 0 when the results do not go to one.
  [[nodiscard]] std::size_t width() const;
  /// Whether results may be coloured.
  [[nodiscard]] Colour colour() const { return colour_; }

  /// A sentence that says what was done: as it is for people, as `{"msg":…}` for programs, nothing as names.
  void done(std::string_view sentence);
  /// A line for people that is a result of its own; nothing in the other formats.
  void say(std::string_view line);
  /// A line for people that stands above a table; left out together with its headers.
  void heading(std::string_view line);
  /// One thing: its JSON, its name, or its text for people.
  void show(std::string_view json, std::string_view name, std::string_view text);
  /// A table for people; nothing in the other formats.
  void print_table(const Table& table);
  /// Text as it is, whatever the format.
  void print(std::string_view text);
  /// One JSON value, as JSON or YAML, and a line end.
  void print_object(std::string_view json);
  /// A list of JSON values, as JSON or YAML.
  void print_list(std::span<const std::string> values);
  /// A line on standard error: `note: …`.
  void note(std::string_view text);
  void warn(std::string_view text);
  /// A line on standard error as it is.
  void diagnose(std::string_view line);
  /// Shows the text on standard error in place of what this showed before, until the next line there; an empty one
  /// takes it away. Nothing where that is no terminal. Any thread.
  void show_status(std::string_view text);
  /// Columns for that; 0 when standard error is no terminal.
  [[nodiscard]] std::size_t status_width() const;
  /// Writes out what is buffered. kIo when standard output does not take it (a full disk).
  Result<void> flush();

 private:
  /// What stands at the end of standard error.
  struct Status {
    bool shown = false;
  };
  void write_diagnosis(std::string_view label, Style style, std::string_view text);
  void write_line(std::string line);

  OutputForm form_;
  std::FILE* out_;
  std::FILE* err_;
  Colour colour_;
  Colour err_colour_;
  Sync<Status> status_;
};

}  // namespace mito::cli
