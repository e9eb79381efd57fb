#include "cli/run.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/report.h"
#include "cli/suggest.h"
#include "cli/version.h"

namespace mito::cli {

namespace {

struct Role {
  std::string_view name;
  std::string_view help;
  int (*run)(std::span<const std::string>);
};

constexpr std::array kRoles{
    Role{"coordinator", "Run a coordinator: keeps tasks, hands them to workers, keeps what they make", run_coordinator},
    Role{"worker", "Run a worker: fetches tasks from a coordinator and runs them here", run_worker},
    Role{"client", "Talk to a coordinator: submit tasks, get their results", run_client},
    Role{"manager", "Start, list and stop workers on this machine", run_manager},
    Role{"dev", "Run a coordinator and a worker here, for trying things", run_dev},
    Role{"completion", "Print a script that completes command lines: bash, zsh or fish", run_completion},
};

int print_help(std::FILE* file) {
  std::string text = "Runs commands on many machines.\n\nUsage: mito <ROLE> [OPTIONS]\n\nRoles:\n";
  for (const auto& role : kRoles)
    text += fmt::format("  {:<12} {}\n", role.name, role.help);
  text += fmt::format("  {:<12} {}\n", "help", "Show the help of a role or command: help client tasks submit");
  text +=
      "\nOptions:\n  -h, --help     Print this help\n  -V, --version  Print the version, and with what it was built\n";
  text += "\nTo begin, try: mito dev\n";
  std::fwrite(text.data(), 1, text.size(), file);
  return file == stdout ? 0 : static_cast<int>(ExitCode::kUsage);
}

int run_role(std::span<const std::string> words) {
  for (const auto& role : kRoles)
    if (role.name == words.front()) return role.run(words.subspan(1));
  if (words.front() == "man-page") return run_man_page(words.subspan(1));  // for the installation
  const std::vector<std::string> names{"coordinator", "worker", "client", "manager", "dev", "completion"};
  return report(Error(ErrorCode::kUsage, fmt::format("unrecognized subcommand '{}'{}; mito --help lists the roles",
                                                     words.front(), did_you_mean(words.front(), names))));
}

/// `help client tasks` is `client tasks --help`.
std::vector<std::string> help_as_option(std::vector<std::string> words) {
  words.erase(words.begin());
  words.insert(words.begin() + 1, "help");
  if (words.front() != "client") words = {words.front(), "--help"};
  return words;
}

int run_words(std::vector<std::string> words) {
  if (words.empty()) return print_help(stderr);
  const std::string& first = words.front();
  if (first == "--help" || first == "-h" || (first == "help" && words.size() == 1)) return print_help(stdout);
  if (first == "--version" || first == "-V") return print_version();
  if (first == "help") words = help_as_option(std::move(words));
  return run_role(words);
}

/// The exit code, which is no success when what was printed was not taken (a full disk). The output of roles that stay
/// is their log, without which they have done their work as well.
int settle_output(int code, std::string_view role) {
  if (code != 0 || role == "coordinator" || role == "worker" || role == "dev") return code;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return report(Error(ErrorCode::kIo, fmt::format("cannot write to standard output: {}", std::strerror(errno))));
}

}  // namespace

int run(int argc, char** argv) {
  try {
    const int code = run_words({argv + (argc > 0 ? 1 : 0), argv + argc});
    return settle_output(code, argc > 1 ? argv[1] : "");
  } catch (const std::exception& exception) {
    return report(Error(ErrorCode::kInternal, fmt::format("unexpected: {}", exception.what())));
  }
}

}  // namespace mito::cli
