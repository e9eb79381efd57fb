#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mito::cli {

/// Rows under headings, aligned with blanks. Cells are made printable.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string_view title{};
    Align align = Align::kLeft;
    std::size_t least = 0;  ///< May be cut to this many columns where the width is short; 0: never cut.
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// One cell for each column.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// Lines with line ends. Where it would be wider than `width` (0: no limit), the widest cells that may be cut are;
  /// columns that are empty in all rows are left out.
  [[nodiscard]] std::string render(std::size_t width) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Names and values in two columns, as in `tasks get`. Values are made printable.
class Details {
 public:
  void add(std::string_view name, std::string_view value);
  /// Only when there is a value.
  void add_if(std::string_view name, std::string_view value);
  [[nodiscard]] std::string render() const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

}  // namespace mito::cli
