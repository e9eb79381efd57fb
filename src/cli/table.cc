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

void Table::add(std::vector<Cell> cells) {
  cells.resize(columns_.size(), Cell(""));
  for (auto& cell : cells)
    cell.text = printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::render(const Rendering& rendering) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  const auto shown = [&](std::size_t i) {
    return columns_[i].shown == Columns::kUsual || rendering.columns == Columns::kAll;
  };
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      if (shown(i)) widths[i] = std::max(widths[i], display_width(row[i].text));
  for (std::size_t i = 0; i < widths.size(); ++i)
    if (widths[i] != 0 && rendering.headers == Headers::kShown)
      widths[i] = std::max(widths[i], columns_[i].title.size());
  if (rendering.width != 0) shrink(widths, columns_, rendering.width);

  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    std::string blanks;  // kept back: no line ends with them
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] == 0) continue;
      const auto [content, style] = cell_of(i);
      const std::string cell = pad(content, widths[i], columns_[i].align);
      const std::size_t end = cell.find_last_not_of(' ') + 1;
      if (end != 0) line += blanks + painted(std::string_view(cell).substr(0, end), style, rendering.colour);
      if (end == 0) {
        blanks += cell;
      } else {
        blanks = cell.substr(end);
      }
      blanks += kGap;
    }
    text += line + "\n";
  };
  if (rows_.empty()) return text;
  if (rendering.headers == Headers::kShown)
    add_line([&](std::size_t i) { return std::pair(columns_[i].title, Style::kHeader); });
  for (const auto& row : rows_)
    add_line([&](std::size_t i) { return std::pair(std::string_view(row[i].text), row[i].style); });
  return text;
}

void Details::add(std::string_view name, Table::Cell value) {
  value.text = printable(value.text);
  lines_.emplace_back(name, std::move(value));
}

void Details::add_if(std::string_view name, std::string_view value) {
  if (!value.empty()) add(name, value);
}

std::string Details::render(Colour colour) const {
  std::size_t width = 0;
  for (const auto& [name, value] : lines_)
    width = std::max(width, name.size() + 1);
  std::string text;
  for (const auto& [name, value] : lines_)
    text += fmt::format("{:<{}} {}\n", name + ":", width, painted(value.text, value.style, colour));
  return text;
}

}  // namespace mito::cli
