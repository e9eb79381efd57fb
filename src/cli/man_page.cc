#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/interpret.h"
#include "cli/program_tree.h"
#include "cli/version.h"

// mito(1), written from the declarations of all commands.
namespace mito::cli {

namespace {

/// Text for troff: no character has a special meaning.
std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\') {
      safe += "\\e";
    } else if (c == '-') {
      safe += "\\-";
    } else if ((c == '.' || c == '\'') && (safe.empty() || safe.back() == '\n')) {
      safe += "\\&";
      safe += c;
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string describe(const Argument& argument) {
  std::string text = escaped(argument.help);
  if (!argument.default_text.empty()) text += escaped(fmt::format(" [default: {}]", argument.default_text));
  std::string choices;
  for (const auto choice : argument.choices)
    choices += fmt::format("{}{}", choices.empty() ? "" : ", ", choice);
  if (!choices.empty()) text += escaped(fmt::format(" [possible values: {}]", choices));
  return text;
}

std::string arguments_of(std::span<const Argument> arguments) {
  std::string text;
  for (const auto& argument : arguments) {
    if (argument.listing == Argument::Listing::kHidden) continue;
    const std::string letter = argument.short_name == 0 ? "" : fmt::format("-{}, ", argument.short_name);
    text += fmt::format(".TP\n\\fB{}\\fR\n{}\n", escaped(letter + display_name(argument)), describe(argument));
  }
  return text;
}

void write(const Command& command, const std::string& path, std::string& page) {
  if (is_old(command)) return;
  const bool is_group = !command.commands.empty();
  if (!is_group) {
    page += fmt::format(".SS \"{}\"\n{}.\n", escaped(path), escaped(command.help));
    const std::string usage = usage_line(path, command);
    page += fmt::format(".PP\n\\fI{}\\fR\n", escaped(usage.substr(usage.find(' ') + 1)));
    page += arguments_of(command.arguments);
    if (!command.details.empty()) page += fmt::format(".PP\n.nf\n{}\n.fi\n", escaped(command.details));
  }
  for (const auto& sub : command.commands)
    write(sub, path + " " + std::string(sub.name), page);
}

}  // namespace

int run_man_page(std::span<const std::string> /*words*/) {
  const auto& program = program_tree();
  const CommonOptions common(CommonOptions::Scope::kProgram);
  const std::string version = version_text();
  std::string page =
      fmt::format(".TH MITO 1 \"\" \"{}\" \"User Commands\"\n", escaped(version.substr(0, version.find('\n'))));
  page += fmt::format(".SH NAME\nmito \\- {}\n", escaped(program.help));
  page += ".SH SYNOPSIS\n\\fBmito\\fR \\fIROLE\\fR [\\fIOPTIONS\\fR] [\\fICOMMAND\\fR]\n.SH DESCRIPTION\n";
  page +=
      "A coordinator keeps tasks and hands them to workers, which run them; clients submit tasks and get what they "
      "made.\n";
  page += ".SH ROLES\n";
  for (const auto& role : program.commands)
    page += fmt::format(".TP\n\\fBmito {}\\fR\n{}.\n", escaped(role.name), escaped(role.help));
  page += ".SH \"OPTIONS OF EVERY CLIENT COMMAND\"\nThey stand before the command, or in their long form behind it.\n";
  page += arguments_of(common.all());
  page += ".SH COMMANDS\n";
  for (const auto& role : program.commands)
    write(role, "mito " + std::string(role.name), page);
  page +=
      ".SH \"EXIT STATUS\"\nOf the client: 0 ok, 1 failed, 2 usage, 3 not logged in, 4 not found, 5 refused, "
      "6 unreachable, 130 interrupted. With \\-\\-wait that of the task; 128 and the number of the signal when it was "
      "killed.\n";
  page +=
      ".SH FILES\n.TP\n$XDG_CONFIG_HOME/mitosis/config.toml, config.toml\nSettings, in tables [coordinator], [worker], "
      "[client] and [client.profiles.NAME].\n.TP\n$XDG_CONFIG_HOME/mitosis/credentials\nLogins.\n"
      ".TP\n$XDG_CACHE_HOME/mitosis/client\\-history\nLines of the interactive client.\n"
      ".SH ENVIRONMENT\nEvery setting can be given as MITO_KEY, for instance MITO_COORDINATOR_ADDR, MITO_USER, "
      "MITO_PASSWORD. NO_COLOR switches colours off, RUST_LOG sets what is logged.\n";
  std::fwrite(page.data(), 1, page.size(), stdout);
  return 0;
}

}  // namespace mito::cli
