#include "cli/coordinator_tasks.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/size.h"
#include "cli/report.h"
#include "cli/role_command.h"
#include "client/credentials.h"
#include "coordinator/backup.h"
#include "coordinator/data_directory.h"
#include "coordinator/settings.h"

namespace mito::cli {

namespace {

using coordinator::Settings;

/// What a task is called with: `mito coordinator <name> <operand> [options of the coordinator]`.
struct Task {
  std::string_view name;
  std::string_view operand;
  std::string_view help;
  Result<void> (*run)(const Settings& settings, const std::string& operand, const std::optional<std::string>& file);
};

/// The first line of the file (`-`: of the input), or what the terminal is asked for.
Result<std::string> new_password(const std::optional<std::string>& file) {
  std::string text;
  if (!file) {
    client::TerminalPrompt prompt;
    MITO_TRY_ASSIGN(text, prompt.ask_secret("New password: "));
    MITO_TRY_ASSIGN(const std::string again, prompt.ask_secret("The same again: "));
    if (text != again) return fail(ErrorCode::kUsage, "The two passwords differ; nothing was changed.");
    return text;
  }
  if (*file == "-") {
    std::getline(std::cin, text);
  } else {
    MITO_TRY_ASSIGN(text, coordinator::read_small_file(*file));
    text.resize(std::min(text.size(), text.find('\n')));
  }
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

Result<void> set_password(const Settings& settings, const std::string& user, const std::optional<std::string>& file) {
  MITO_TRY_ASSIGN(const std::string password, new_password(file));
  MITO_TRY(coordinator::set_password_offline(settings, user, password));
  fmt::print("{} has a new password; earlier logins have ended\n", user);
  return {};
}

void print_summary(std::string_view what, const coordinator::BackupSummary& summary) {
  fmt::print("{}: the database and {} objects of {}\n", what, summary.objects, format_size(summary.bytes));
}

Result<void> back_up(const Settings& settings, const std::string& directory, const std::optional<std::string>&) {
  MITO_TRY_ASSIGN(const auto summary, coordinator::back_up(settings, directory));
  print_summary("Copied to " + directory, summary);
  return {};
}

Result<void> restore(const Settings& settings, const std::string& directory, const std::optional<std::string>&) {
  MITO_TRY_ASSIGN(const auto summary, coordinator::restore(settings, directory));
  print_summary("Restored from " + directory, summary);
  return {};
}

constexpr std::array kTasks{
    Task{.name = "set-password",
         .operand = "USER",
         .help =
             "mito coordinator set-password USER [--password-file FILE] [options]\n\nGive USER a new password while "
             "no coordinator runs on the data directory. It is asked for, or the first line of FILE (`-`: of the "
             "input).",
         .run = set_password},
    Task{.name = "backup",
         .operand = "DIR",
         .help =
             "mito coordinator backup DIR [options]\n\nCopy database, objects and keys of the data directory into the "
             "new directory DIR, also while the coordinator runs.",
         .run = back_up},
    Task{
        .name = "restore",
        .operand = "DIR",
        .help =
            "mito coordinator restore DIR [options]\n\nMake the data directory from the backup in DIR. It must hold no "
            "database yet.",
        .run = restore},
};

int usage(const Task& task, std::string_view mistake) {
  return report_plainly(Error(ErrorCode::kUsage,
                              fmt::format("{}; mito coordinator {} --help says what is expected", mistake, task.name)));
}

int run(const Task& task, std::span<const std::string> words) {
  std::optional<std::string> operand;
  std::optional<std::string> file;
  std::vector<std::string> options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--help" || words[i] == "-h") {
      fmt::print("{}\n\nThe options are those of `mito coordinator`: --data-dir, --config and so on.\n", task.help);
      return 0;
    }
    const bool first = !operand && !words[i].starts_with('-') && options.empty();
    if (first) {
      operand = words[i];
    } else if (task.run == set_password && words[i] == "--password-file") {
      if (++i == words.size()) return usage(task, "--password-file names no file");
      file = words[i];
    } else {
      options.push_back(words[i]);
    }
  }
  // Behind options it may still come last.
  if (!operand && !options.empty() && !options.back().starts_with('-') && options.size() % 2 == 1) {
    operand = options.back();
    options.pop_back();
  }
  if (!operand) return usage(task, fmt::format("{} is missing", task.operand));
  const auto loaded = load_role(coordinator::settings_declaration(), task.help, options);
  if (!loaded) return loaded.error();
  const auto done = task.run(loaded->settings, *operand, file);
  return done ? 0 : report_plainly(done.error());
}

}  // namespace

std::optional<int> run_coordinator_task(std::span<const std::string> words) {
  if (words.empty()) return std::nullopt;
  for (const Task& task : kTasks)
    if (task.name == words.front()) return run(task, words.subspan(1));
  return std::nullopt;
}

}  // namespace mito::cli
