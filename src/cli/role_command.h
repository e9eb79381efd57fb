#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/logging.h"
#include "base/settings.h"
#include "cli/arguments.h"
#include "cli/help.h"
#include "cli/report.h"
#include "cli/role_options.h"
#include "cli/version.h"

// What `mito coordinator` and `mito worker` have alike: their command line is the declaration of their settings.
namespace mito::cli {

/// The settings that command line, environment and files give; or the exit code when there is nothing to run (help,
/// version, a mistake).
template <class S>
std::expected<LoadedSettings<S>, int> load_role(const SettingsDeclaration<S>& declaration, std::string_view help,
                                                std::span<const std::string> words) {
  const RoleOptions options(declaration);
  auto declared = options.arguments();
  declared.push_back(flag("version", 'V', "Print the version"));
  const std::string path = "mito " + declaration.role();
  const Command command{.name = declaration.role(), .help = help, .arguments = declared};
  const auto parsed = parse(declared, words);
  if (!parsed)
    return std::unexpected(
        report(Error(ErrorCode::kUsage, parsed.error().text() + "; " + path + " --help lists the options")));
  if (parsed->help) {
    const auto text = render_help(path, command, {}, help_width());
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::unexpected(0);
  }
  if (parsed->arguments.has("version")) return std::unexpected(print_version());
  auto loaded = declaration.load(options.sources(parsed->arguments));
  if (!loaded) return std::unexpected(report(loaded.error()));
  return std::move(*loaded);
}

}  // namespace mito::cli
