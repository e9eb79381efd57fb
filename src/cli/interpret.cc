#include "cli/interpret.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "cli/help.h"
#include "cli/suggest.h"
#include "client/settings.h"

namespace mito::cli {

namespace {

constexpr std::array<std::string_view, 5> kFormats{"table", "wide", "json", "yaml", "name"};

std::string joined(const std::string& path, std::string_view word) {
  return path.empty() ? std::string(word) : path + " " + std::string(word);
}

std::unexpected<Error> unknown_word(const Node& node, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& command : node.command->commands)
    if (!is_old(command) || is_old(*node.command)) names.emplace_back(command.name);
  return fail(ErrorCode::kUsage, fmt::format("unrecognized subcommand '{}'{}; {} lists them", word,
                                             did_you_mean(word, names), joined(node.path, "--help")));
}

struct Descent {
  Node node;
  bool help = false;  ///< The word `help` stood on the way.
};

/// Follows `words` down the tree; what is left of them stays in `words`.
Result<Descent> descend(const Command& root, std::string path, std::span<const std::string>& words) {
  Descent descent{.node = {.command = &root, .path = std::move(path), .look_up = {}}};
  Node& node = descent.node;
  while (!node.command->commands.empty() && !words.empty() && !words.front().starts_with('-')) {
    const Command* next = find_command(node.command->commands, words.front());
    if (words.front() == "help") {
      descent.help = true;
    } else if (next == nullptr) {
      return unknown_word(node, words.front());
    } else {
      node.command = next;
      node.path = joined(node.path, next->name);
      if (!next->look_up.empty()) node.look_up = next->look_up;
    }
    words = words.subspan(1);
  }
  return descent;
}

/// `manage worker UUID cancel` of the old tree names the thing before the verb; here the verb comes first, as in the
/// rest of the tree.
std::vector<std::string> verb_first(const Command& root, std::vector<std::string> words) {
  if (words.size() < 4 || words[0] != "manage") return words;
  const Command* manage = find_command(root.commands, words[0]);
  const Command* things = manage == nullptr ? nullptr : find_command(manage->commands, words[1]);
  if (things == nullptr || find_command(things->commands, words[2]) != nullptr ||
      find_command(things->commands, words[3]) == nullptr)
    return words;
  std::swap(words[2], words[3]);
  return words;
}

/// The values of `all` whose names are declared in `declared`.
Arguments only(std::span<const Argument> declared, const Arguments& all) {
  Arguments some;
  for (const auto& argument : declared)
    if (all.has(argument.name)) some.at_or_new(argument.name) = all.list(argument.name);
  return some;
}

Result<Invocation> complete(Descent descent, Arguments leading, std::span<const std::string> rest,
                            const CommonOptions& options, const Command& root) {
  Invocation invocation{.wish = Invocation::Wish::kHelp, .node = std::move(descent.node), .common = std::move(leading)};
  const Node& node = invocation.node;
  if (descent.help) return invocation;
  if (!node.command->commands.empty()) {
    if (!rest.empty()) {
      if (rest.front() == "--help" || rest.front() == "-h") return invocation;
      return fail(ErrorCode::kUsage,
                  fmt::format("unexpected argument '{}' found; options stand before the first word of a command or at "
                              "its end, and {} lists its commands",
                              rest.front(), joined(node.path, "--help")));
    }
    invocation.wish = node.command == &root ? Invocation::Wish::kRun : Invocation::Wish::kUsageHelp;
    return invocation;
  }
  auto parsed = parse(options.beside(node.command->arguments), rest);
  if (!parsed)
    return fail(ErrorCode::kUsage, fmt::format("{}\n{}", parsed.error().text(), usage_line(node.path, *node.command)));
  if (parsed->help) return invocation;
  invocation.wish = Invocation::Wish::kRun;
  invocation.arguments = only(node.command->arguments, parsed->arguments);
  for (const auto& argument : options.all()) {
    const bool own =
        std::ranges::find(node.command->arguments, argument.name, &Argument::name) != node.command->arguments.end();
    if (!own && parsed->arguments.has(argument.name))
      invocation.common.at_or_new(argument.name) = parsed->arguments.list(argument.name);
  }
  return invocation;
}

}  // namespace

CommonOptions::CommonOptions(Scope scope) : scope_(scope), role_(client::settings_declaration()) {
  if (scope == Scope::kProgram) {
    all_ = role_.arguments();
    for (auto& argument : all_)
      if (argument.name == "password") argument = argument.secret();
    all_.push_back(flag("interactive", 'i', "Read commands from the terminal until quit or Ctrl-D"));
  }
  all_.push_back(
      option("format", 0, "FORMAT", "How results are written: docs/client.md names the schema of each object")
          .among(kFormats)
          .by_default("table"));
  all_.push_back(flag("quiet", 'q', "Print bare UUIDs, keys or names only, as --format name does"));
  all_.push_back(flag("no-headers", 0, "Leave out what stands above a table"));
}

std::vector<Argument> CommonOptions::beside(std::span<const Argument> own) const {
  std::vector<Argument> together(own.begin(), own.end());
  for (Argument argument : all_) {
    if (std::ranges::find(own, argument.name, &Argument::name) != own.end()) continue;
    if (argument.name != "quiet") argument.short_name = 0;
    together.push_back(argument);
  }
  return together;
}

OutputForm output_form(const Arguments& common, OutputForm otherwise) {
  constexpr std::array kOrder{Format::kTable, Format::kWide, Format::kJson, Format::kYaml, Format::kName};
  OutputForm form = otherwise;
  if (const auto name = common.value("format")) {
    const auto found = std::ranges::find(kFormats, *name);
    if (found != kFormats.end()) form.format = kOrder[static_cast<std::size_t>(found - kFormats.begin())];
  }
  if (common.has("quiet")) form.format = Format::kName;
  if (common.has("no-headers")) form.headers = Headers::kHidden;
  return form;
}

Result<Invocation> interpret(const Command& root, std::span<const std::string> words, const CommonOptions& options) {
  std::vector<Argument> leading_declared(options.all().begin(), options.all().end());
  leading_declared.push_back(flag("version", 'V', "Print the version"));
  MITO_TRY_ASSIGN(auto leading, parse(leading_declared, words, Stop::kAtFirstWord));
  if (leading.arguments.has("version")) return Invocation{.wish = Invocation::Wish::kVersion};
  const std::vector<std::string> ordered = verb_first(root, std::move(leading.rest));
  std::span<const std::string> rest = ordered;
  std::string path = options.scope() == CommonOptions::Scope::kProgram ? "mito client" : "";
  MITO_TRY_ASSIGN(auto descent, descend(root, std::move(path), rest));
  descent.help = descent.help || leading.help;
  return complete(std::move(descent), std::move(leading.arguments), rest, options, root);
}

bool has_secret(const Invocation& invocation, const CommonOptions& options) {
  const auto any_given = [](std::span<const Argument> declared, const Arguments& given) {
    return std::ranges::any_of(declared, [&](const Argument& argument) {
      return argument.secrecy == Argument::Secrecy::kSecret && given.has(argument.name);
    });
  };
  if (invocation.node.command == nullptr) return false;
  return any_given(invocation.node.command->arguments, invocation.arguments) ||
         any_given(options.all(), invocation.common);
}

}  // namespace mito::cli
