#include "cli/help.h"

#include <algorithm>
#include <cstdio>
#include <ranges>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace mito::cli {

namespace {

using Kind = Argument::Kind;

struct Row {
  std::string term;
  std::string text;
};

std::string term_of(const Argument& argument) {
  if (argument.kind == Kind::kWords) return fmt::format("{}...", argument.value);
  if (!is_option(argument)) return display_name(argument);
  const std::string short_form = argument.short_name != 0 ? fmt::format("-{}, ", argument.short_name) : "    ";
  return short_form + display_name(argument);
}

std::string text_of(const Argument& argument) {
  std::string text(argument.help);
  if (!argument.default_text.empty()) text += fmt::format(" [default: {}]", argument.default_text);
  if (argument.choices.empty()) return text;
  std::string choices;
  for (const auto choice : argument.choices)
    choices += fmt::format("{}{}", choices.empty() ? "" : ", ", choice);
  return text + fmt::format(" [possible values: {}]", choices);
}

/// `title:` and the rows under it, texts in a column of their own.
std::string section(std::string_view title, const std::vector<Row>& rows, std::size_t width) {
  if (rows.empty()) return {};
  constexpr std::size_t kWidestTerm = 34;
  std::size_t column = 0;
  for (const auto& row : rows)
    if (row.term.size() <= kWidestTerm) column = std::max(column, row.term.size());
  constexpr std::size_t kLeastText = 26;
  const bool beside = width >= column + 4 + kLeastText;  // else below
  const std::string indent(beside ? column + 4 : 6, ' ');
  std::string text = fmt::format("\n{}:\n", title);
  for (const auto& row : rows) {
    const auto lines = wrap(row.text, std::max(width - std::min(width, indent.size()), kLeastText));
    const bool fits = beside && row.term.size() <= column;
    text += fits ? fmt::format("  {:<{}}  {}\n", row.term, column, lines.front())
                 : fmt::format("  {}\n{}{}\n", row.term, indent, lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i)
      text += indent + lines[i] + "\n";
  }
  return text;
}

/// Lines as they are, but broken where they are too long.
std::string fitted(std::string_view lines, std::size_t width) {
  std::string text;
  for (const auto part : std::views::split(lines, '\n')) {
    const std::string_view line(part);
    if (display_width(line) <= width) {
      text.append(line) += '\n';
      continue;
    }
    for (const auto& piece : wrap(line, width))
      text.append(piece) += '\n';
  }
  return text;
}

std::vector<Row> rows_of(std::span<const Argument> arguments, bool options) {
  std::vector<Row> rows;
  for (const auto& argument : arguments)
    if (is_option(argument) == options && argument.listing == Argument::Listing::kShown)
      rows.push_back({term_of(argument), text_of(argument)});
  return rows;
}

}  // namespace

std::string usage_line(std::string_view path, const Command& command) {
  const std::string_view gap = path.empty() ? "" : " ";
  if (!command.commands.empty()) return fmt::format("Usage: {}{}<COMMAND>", path, gap);
  std::string line = fmt::format("Usage: {}{}[OPTIONS]", path, gap);
  for (const auto& argument : command.arguments)
    if (!is_option(argument) && argument.listing == Argument::Listing::kShown) line += " " + display_name(argument);
  return line;
}

std::string render_help(std::string_view path, const Command& command, std::span<const Argument> common,
                        std::size_t width) {
  std::string text;
  for (const auto& line : wrap(command.help, width))
    text += line + "\n";
  text += "\n" + usage_line(path, command) + "\n";
  if (is_old(command)) text += fmt::format("\nThis is the old form of: {}\n", command.successor);
  if (!command.alias.empty()) text += fmt::format("\nAlso called: {}\n", command.alias);
  if (!command.commands.empty()) {
    std::vector<Row> rows;
    rows.reserve(command.commands.size());
    for (const auto& sub : command.commands)
      if (!is_old(sub) || is_old(command)) rows.push_back({std::string(sub.name), std::string(sub.help)});
    text += section("Commands", rows, width);
  }
  text += section("Arguments", rows_of(command.arguments, false), width);
  auto options = rows_of(command.arguments, true);
  options.push_back({"-h, --help", "Print this help"});
  text += section("Options", options, width);
  text += section("Options of every command", rows_of(common, true), width);
  if (!command.details.empty()) text += "\n" + fitted(command.details, width);
  return text;
}

std::size_t help_width() {
  const std::size_t columns = terminal_width(stdout);
  return columns == 0 ? 100 : std::clamp<std::size_t>(columns, 32, 120);
}

}  // namespace mito::cli
