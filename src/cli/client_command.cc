#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/core.h>

#include "base/logging.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/report.h"
#include "cli/role_options.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/suggest.h"
#include "cli/version.h"
#include "client/settings.h"

namespace mito::cli {

namespace {

constexpr std::array<std::string_view, 2> kFormats{"table", "json"};

/// The options of every command. They stand before the command, or in their long form behind it, where the short
/// letters are the command's own.
struct CommonOptions {
  RoleOptions role{client::settings_declaration()};
  std::vector<Argument> all = role.arguments();

  CommonOptions() {
    all.push_back(option("format", 0, "FORMAT", "How results are written").among(kFormats).by_default("table"));
    all.push_back(flag("quiet", 'q', "Print bare UUIDs, keys or names only"));
  }
};

/// The command's own arguments, and the common options it does not have itself.
std::vector<Argument> with_common(std::span<const Argument> own, const CommonOptions& common) {
  std::vector<Argument> all(own.begin(), own.end());
  for (Argument argument : common.all) {
    if (std::ranges::find(own, argument.name, &Argument::name) != own.end()) continue;
    if (argument.name != "quiet") argument.short_name = 0;
    all.push_back(argument);
  }
  return all;
}

/// A place in the tree.
struct Node {
  const Command* command = nullptr;
  std::string path;
  std::string_view look_up;
};

/// Follows `words` down the tree; what is left of them stays in `words`.
Result<Node> descend(const Command& root, std::span<const std::string>& words) {
  Node node{.command = &root, .path = "mito client", .look_up = {}};
  while (!node.command->commands.empty() && !words.empty() && !words.front().starts_with('-')) {
    const Command* next = find_command(node.command->commands, words.front());
    if (next == nullptr) {
      std::vector<std::string> names;
      names.reserve(node.command->commands.size());
      for (const auto& command : node.command->commands)
        names.emplace_back(command.name);
      return fail(ErrorCode::kUsage, fmt::format("unrecognized subcommand '{}'{}; {} --help lists them", words.front(),
                                                 did_you_mean(words.front(), names), node.path));
    }
    node.command = next;
    node.path += " " + std::string(next->name);
    if (!next->look_up.empty()) node.look_up = next->look_up;
    words = words.subspan(1);
  }
  return node;
}

int print_help(const Node& node, const CommonOptions& common, std::FILE* file) {
  const auto text = render_help(node.path, *node.command, common.all, help_width());
  std::fwrite(text.data(), 1, text.size(), file);
  return file == stdout ? 0 : static_cast<int>(ExitCode::kUsage);
}

void set_up_logging() {
  auto settings = log::settings_from_environment();
  if (std::getenv("RUST_LOG") == nullptr) settings.console_filter = "netmito=warn";
  settings.console_to_stderr = true;
  settings.show_target = false;
  settings.file.clear();
  [[maybe_unused]] const auto without_file = log::setup(settings);
}

/// Runs a command with everything it needs; without one it only logs in.
int run_command(const Node& node, const Arguments& arguments, const CommonOptions& common) {
  auto loaded = client::settings_declaration().load(common.role.sources(arguments));
  if (!loaded) return report(loaded.error());
  set_up_logging();
  const Format format = arguments.has("quiet")                             ? Format::kQuiet
                        : arguments.value("format").value_or("") == "json" ? Format::kJson
                                                                           : Format::kTable;
  Output output(format, stdout, stderr);
  for (const auto& warning : loaded->warnings)
    output.warn(warning);

  std::stop_source stop;
  const SignalWatch signals([&stop](int /*signal*/, int count) {
    if (count > 1) ::_exit(130);
    stop.request_stop();
  });
  client::TerminalPrompt prompt(stop.get_token());
  Session session(std::move(loaded->settings), output, prompt, stop.get_token());

  Result<int> code = 0;
  if (node.command->run != nullptr) {
    code = node.command->run(session, arguments);
  } else if (const auto client = session.client(); !client) {
    code = fail(client.error());
  }
  const auto flushed = output.flush();
  if (!code) return report(code.error(), node.look_up);
  return flushed ? *code : report(flushed.error());
}

int run_words(std::span<const std::string> words) {
  const CommonOptions common;
  auto leading_declared = common.all;
  leading_declared.push_back(flag("version", 'V', "Print the version"));
  auto leading = parse(leading_declared, words, Stop::kAtFirstWord);
  if (!leading) return report(leading.error());
  if (leading->arguments.has("version")) return print_version();

  std::span<const std::string> rest = leading->rest;
  const bool asked_for_help = !rest.empty() && rest.front() == "help";
  if (asked_for_help) rest = rest.subspan(1);
  const auto node = descend(client_tree(), rest);
  if (!node) return report(node.error());
  if (leading->help || asked_for_help) return print_help(*node, common, stdout);

  if (!node->command->commands.empty()) {
    if (!rest.empty()) {
      if (rest.front() == "--help" || rest.front() == "-h") return print_help(*node, common, stdout);
      return report(Error(
          ErrorCode::kUsage,
          fmt::format("unexpected argument '{}' found; options stand before the first word of a command or at its "
                      "end, and {} --help lists its commands",
                      rest.front(), node->path)));
    }
    if (node->command != &client_tree()) return print_help(*node, common, stderr);
    return run_command(*node, leading->arguments, common);
  }
  const auto declared = with_common(node->command->arguments, common);
  auto parsed = parse(declared, rest);
  if (!parsed)
    return report(
        Error(ErrorCode::kUsage, fmt::format("{}\n{}", parsed.error().text(), usage_line(node->path, *node->command))));
  if (parsed->help) return print_help(*node, common, stdout);
  leading->arguments.replace_with(parsed->arguments);
  return run_command(*node, leading->arguments, common);
}

}  // namespace

const Command& client_tree() {
  static const auto kCommands = [] {
    const auto session = session_commands();
    std::vector<Command> commands{
        {.name = "admin", .help = "Users, quotas and the coordinator itself, for admins", .commands = admin_commands()},
        {.name = "users",
         .help = "Your account: its groups and its password",
         .commands = user_commands(),
         .look_up = "mito client users groups lists the groups you are in"},
        {.name = "groups",
         .help = "Groups, their users and their files",
         .commands = group_commands(),
         .look_up = "mito client users groups lists the groups you are in"},
        {.name = "tasks",
         .help = "Submit tasks, watch them, get their results",
         .commands = task_commands(),
         .look_up = "mito client tasks query lists the tasks of your group (-g names another)"},
        {.name = "workers",
         .help = "See, change and stop workers",
         .commands = worker_commands(),
         .look_up = "mito client workers query lists the workers of your group (-g names another)"},
    };
    commands.insert(commands.begin() + 1, session.begin(), session.begin() + 2);
    commands.insert(commands.end(), session.begin() + 2, session.end());
    commands.push_back({.name = "help", .help = "Show the help of a command: help tasks submit"});
    return commands;
  }();
  static const Command kTree{
      .name = "client",
      .help = "Talk to a coordinator: submit tasks, get their results, manage users, groups and workers",
      .commands = kCommands};
  return kTree;
}

int run_client(std::span<const std::string> words) {
  return run_words(words);
}

}  // namespace mito::cli
