#include "cli/table.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/core.h>

#include "cli/text.h"

namespace mito::cli {

namespace {

constexpr std::string_view kGap = "  ";

/// Takes columns of the terminal from the widest that may be cut, until all fit into `width`.
void shrink(std::vector<std::size_t>& widths, const std::vector<Table::Column>& columns, std::size_t width) {
  const auto total = [&] {
    std::size_t sum = 0;
    for (const std::size_t w : widths)
      sum += w == 0 ? 0 : w + kGap.size();
    return sum < kGap.size() ? 0 : sum - kGap.size();
  };
  while (total() > width) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool may_be_cut = columns[i].least != 0 && widths[i] > std::max(columns[i].least, columns[i].title.size());
      if (may_be_cut && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
    }
    if (widest == widths.size()) return;
    --widths[widest];
  }
}

std::string pad(std::string_view text, std::size_t width, Table::Align align) {
  std::string cell = shorten(text, width);
  const std::string blanks(width - std::min(width, display_width(cell)), ' ');
  return align == Table::Align::kLeft ? cell + blanks : blanks + cell;
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& cell : cells)
    cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::render(std::size_t width) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  for (std::size_t i = 0; i < widths.size(); ++i)
    if (widths[i] != 0) widths[i] = std::max(widths[i], columns_[i].title.size());
  if (width != 0) shrink(widths, columns_, width);

  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] == 0) continue;
      line.append(line.empty() ? "" : kGap).append(pad(cell_of(i), widths[i], columns_[i].align));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  if (rows_.empty()) return text;
  add_line([&](std::size_t i) { return columns_[i].title; });
  for (const auto& row : rows_)
    add_line([&](std::size_t i) { return std::string_view(row[i]); });
  return text;
}

void Details::add(std::string_view name, std::string_view value) {
  lines_.emplace_back(name, printable(value));
}

void Details::add_if(std::string_view name, std::string_view value) {
  if (!value.empty()) add(name, value);
}

std::string Details::render() const {
  std::size_t width = 0;
  for (const auto& [name, value] : lines_)
    width = std::max(width, name.size() + 1);
  std::string text;
  for (const auto& [name, value] : lines_)
    text += fmt::format("{:<{}} {}\n", name + ":", width, value);
  return text;
}

}  // namespace mito::cli
