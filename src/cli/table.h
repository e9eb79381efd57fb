#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/style.h"

namespace mito::cli {

/// Whether tables bear a line of headings.
enum class Headers { kShown, kHidden };

/// Rows under headings, aligned with blanks. Cells are made printable.
class Table {
 public:
  enum class Align { kLeft, kRight };
  /// Which columns are shown.
  enum class Columns { kUsual, kAll };
  struct Column {
    std::string_view title{};
    Align align = Align::kLeft;
    std::size_t least = 0;            ///< May be cut to this many columns where the width is short; 0: never cut.
    Columns shown = Columns::kUsual;  ///< kAll: only where all columns are asked for.
  };
  /// A text and how it stands out.
  struct Cell {
    Cell(std::string content, Style look = Style::kPlain) : text(std::move(content)), style(look) {}
    Cell(const char* content) : text(content) {}
    std::string text;
    Style style = Style::kPlain;
  };
  struct Rendering {
    std::size_t width = 0;  ///< Columns of the terminal; 0: no limit.
    Headers headers = Headers::kShown;
    Columns columns = Columns::kUsual;
    Colour colour = Colour::kNo;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// One cell for each column.
  void add(std::vector<Cell> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// Lines with line ends. Where it would be wider than the width, the widest cells that may be cut are; columns that
  /// are empty in all rows are left out.
  [[nodiscard]] std::string render(const Rendering& rendering) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// Names and values in two columns, as in `tasks get`. Values are made printable.
class Details {
 public:
  void add(std::string_view name, std::string_view value) { add(name, Table::Cell(std::string(value))); }
  void add(std::string_view name, const char* value) { add(name, Table::Cell(value)); }
  void add(std::string_view name, const std::string& value) { add(name, Table::Cell(value)); }
  void add(std::string_view name, Table::Cell value);
  /// Only when there is a value.
  void add_if(std::string_view name, std::string_view value);
  [[nodiscard]] std::string render(Colour colour = Colour::kNo) const;

 private:
  std::vector<std::pair<std::string, Table::Cell>> lines_;
};

}  // namespace mito::cli
