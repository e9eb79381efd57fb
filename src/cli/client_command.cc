#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "base/logging.h"
#include "cli/client_line.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/interpret.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/shell.h"
#include "cli/version.h"
#include "client/settings.h"

namespace mito::cli {

namespace {

void set_up_logging() {
  auto settings = log::settings_from_environment();
  if (std::getenv("RUST_LOG") == nullptr) settings.console_filter = "netmito=warn";
  settings.console_to_stderr = true;
  settings.show_target = false;
  settings.file.clear();
  [[maybe_unused]] const auto without_file = log::setup(settings);
}

/// The settings that options, environment and files give; a profile that any of them names is looked at again.
Result<LoadedSettings<client::Settings>> load_settings(const Arguments& given, const RoleOptions& options) {
  auto sources = options.sources(given);
  if (const auto& environment = sources.environment;
      environment.contains("MITO_COORDINATOR") && !environment.contains("MITO_COORDINATOR_ADDR"))
    sources.environment["MITO_COORDINATOR_ADDR"] = environment.at("MITO_COORDINATOR");
  MITO_TRY_ASSIGN(auto loaded, client::settings_declaration().load(sources));
  if (loaded.settings.profile) {
    sources.profile = loaded.settings.profile;
    MITO_TRY_ASSIGN(loaded, client::settings_declaration().load(sources));
  }
  const bool named = given.has("coordinator") || sources.profile.has_value();
  loaded.settings.coordinator_choice = named ? client::Choice::kNamed : client::Choice::kDefault;
  return loaded;
}

/// Runs what was asked for with everything it needs: a command, the shell, or only a login.
int run_invocation(const Invocation& invocation, const CommonOptions& options) {
  auto loaded = load_settings(invocation.common, options.role());
  if (!loaded) return report(loaded.error());
  set_up_logging();
  Output output(output_form(invocation.common), stdout, stderr);
  for (const auto& warning : loaded->warnings)
    output.warn(warning);

  Interrupts interrupts;
  ConsolePrompt prompt(interrupts);
  Session session(std::move(loaded->settings), output, prompt, interrupts);
  const bool interactive = invocation.common.has("interactive");
  int code = 0;
  if (invocation.node.command->run != nullptr) {
    code = run_in(session, invocation);
  } else if (const auto client = session.client(); !client) {
    code = report(client.error());
  }
  if (!interactive) return code;
  if (code != 0 && invocation.node.command->run == nullptr) return code;
  return run_shell(session, client_tree());
}

int run_words(std::span<const std::string> words) {
  const CommonOptions options(CommonOptions::Scope::kProgram);
  const auto invocation = interpret(client_tree(), words, options);
  if (!invocation) return report(invocation.error());
  switch (invocation->wish) {
    case Invocation::Wish::kVersion:
      return print_version();
    case Invocation::Wish::kHelp:
      print_help(invocation->node, options, stdout);
      return 0;
    case Invocation::Wish::kUsageHelp:
      print_help(invocation->node, options, stderr);
      return static_cast<int>(ExitCode::kUsage);
    case Invocation::Wish::kRun:
      break;
  }
  return run_invocation(*invocation, options);
}

}  // namespace

int run_client(std::span<const std::string> words) {
  return run_words(words);
}

}  // namespace mito::cli
