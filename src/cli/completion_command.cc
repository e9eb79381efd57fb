#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <unistd.h>

#include <fmt/core.h>

#include "base/logging.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/interpret.h"
#include "cli/live_values.h"
#include "cli/program_tree.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/suggest.h"
#include "cli/text.h"

// `mito completion SHELL` prints a script that asks `mito completion candidates WORDS…` what can stand next: so every
// shell completes what the program in use understands, live values included.
namespace mito::cli {

namespace {

constexpr unsigned kPatience = 3;  // seconds

constexpr std::string_view kBash = R"(# bash completion of mito. To use it now: source <(mito completion bash)
_mito() {
    local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} word begun IFS=$'\n'
    COMPREPLY=()
    # Words as they were typed: bash itself takes them apart at = and :, too.
    local -a words
    IFS=$' \t\n' read -r -a words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=("")
    begun=${words[-1]}
    local cut=${begun%"$current"}
    [[ $current == [=:] ]] && cut=$begun
    while IFS=$'\t' read -r word _; do
        COMPREPLY+=("${word#"$cut"}")
    done < <(mito completion candidates -- "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]] && compopt -o nospace
}
complete -o bashdefault -F _mito mito
)";

constexpr std::string_view kZsh = R"(#compdef mito
# zsh completion of mito. To use it now: source <(mito completion zsh)
_mito() {
    local -a found
    local line word help
    while IFS=$'\t' read -r word help; do
        found+=("${word//:/\\:}${help:+:$help}")
    done < <(mito completion candidates -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    _describe -V mito found || _files
}
if [[ $funcstack[1] == _mito ]]; then _mito "$@"; else compdef _mito mito; fi
)";

constexpr std::string_view kFish = R"(# fish completion of mito. To use it now: mito completion fish | source
function __mito_candidates
    set -l words (commandline -opc)
    mito completion candidates -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c mito -f -a '(__mito_candidates)'
)";

struct Script {
  std::string_view shell;
  std::string_view text;
};
constexpr std::array kScripts{Script{"bash", kBash}, Script{"zsh", kZsh}, Script{"fish", kFish}};

constexpr std::string_view kUsage =
    "Print a script that completes the command lines of mito.\n\nUsage: mito completion <bash|zsh|fish>\n\n"
    "  bash: mito completion bash > ~/.local/share/bash-completion/completions/mito\n"
    "  zsh:  mito completion zsh > a file called _mito in a directory of $fpath\n"
    "  fish: mito completion fish > ~/.config/fish/completions/mito.fish\n";

/// Cannot be asked anything: completion never waits for an answer.
class NoPrompt : public client::Prompt {
 public:
  Result<std::string> ask(std::string_view) override { return fail(ErrorCode::kUsage, "nobody is asked"); }
  Result<std::string> ask_secret(std::string_view) override { return fail(ErrorCode::kUsage, "nobody is asked"); }
};

/// The options of the client in front of its command, so that values come from the coordinator that is meant.
client::Settings settings_of(std::span<const std::string> words, const CommonOptions& options) {
  const auto parsed = parse(options.all(), words, Stop::kAtFirstWord);
  auto loaded = client::settings_declaration().load(options.role().sources(parsed ? parsed->arguments : Arguments()));
  return loaded ? std::move(loaded->settings) : client::Settings();
}

int print_candidates(std::span<const std::string> words) {
  ::alarm(kPatience);  // whoever pressed Tab does not wait for a coordinator that is not there
  auto quiet = log::settings_from_environment();
  quiet.console_filter = "off";
  quiet.file.clear();
  [[maybe_unused]] const auto silent = log::setup(quiet);
  const CommonOptions options(CommonOptions::Scope::kProgram);
  const std::string begun = words.empty() ? "" : words.back();
  const auto before = words.first(words.empty() ? 0 : words.size() - 1);
  const bool is_client = !before.empty() && before.front() == "client";

  Output output({}, stdout, stderr);
  Interrupts interrupts;
  NoPrompt prompt;
  Session session(is_client ? settings_of(before.subspan(1), options) : client::Settings(), output, prompt, interrupts);
  LiveCandidates live(session);
  const auto found = complete_words(
      is_client ? client_tree() : program_tree(), is_client ? options.all() : std::span<const Argument>(),
      is_client ? before.subspan(1) : before, begun,
      [&live](auto values, const auto& word, const auto& given) { return live(values, word, given); });
  for (const auto& [text, help] : found)
    output.print(help.empty() ? printable(text) + "\n" : fmt::format("{}\t{}\n", printable(text), printable(help)));
  return output.flush() ? 0 : 1;
}

}  // namespace

int run_completion(std::span<const std::string> words) {
  if (!words.empty() && words.front() == "candidates") {
    words = words.subspan(1);
    if (!words.empty() && words.front() == "--") words = words.subspan(1);
    return print_candidates(words);
  }
  if (words.size() == 1 && (words.front() == "--help" || words.front() == "-h")) {
    std::fwrite(kUsage.data(), 1, kUsage.size(), stdout);
    return 0;
  }
  const std::string shell = words.empty() ? "" : words.front();
  const auto* script = std::ranges::find(kScripts, shell, &Script::shell);
  if (script == kScripts.end() || words.size() != 1) {
    const std::vector<std::string> names{"bash", "zsh", "fish"};
    return report(Error(ErrorCode::kUsage,
                        words.empty()
                            ? "which shell? mito completion bash, zsh or fish"
                            : fmt::format("there is no completion for '{}'{}; there is one for bash, zsh and fish",
                                          words.size() == 1 ? shell : words[1], did_you_mean(shell, names))));
  }
  std::fwrite(script->text.data(), 1, script->text.size(), stdout);
  return 0;
}

}  // namespace mito::cli
