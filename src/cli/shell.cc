#include "cli/shell.h"

#include <cstdio>
#include <iostream>
#include <string>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "cli/client_line.h"
#include "cli/completion.h"
#include "cli/interpret.h"
#include "cli/line_editor.h"
#include "cli/live_values.h"
#include "cli/report.h"
#include "cli/shell_words.h"

namespace mito::cli {

namespace {

constexpr std::string_view kPrompt = "[mito::client]> ";
constexpr std::string_view kContinuation = "::: ";

/// Runs one line after the other in a session.
class Shell {
 public:
  Shell(Session& session, const Command& tree) : session_(session), tree_(tree), form_(session.out().form()) {}

  enum class Keep { kYes, kNo };
  /// Whether the line may be kept in a history: it is a command, and has no password in it.
  Keep run(const std::string& line) {
    session_.interrupts().renew(Interrupts::During::kCommand);
    auto words = split_line(line);
    if (!words) {
      code_ = report(words.error());
      return Keep::kNo;
    }
    if (words->empty()) return Keep::kNo;
    const auto invocation = interpret(tree_, *words, options_);
    if (!invocation) {
      code_ = report(invocation.error());
      return Keep::kNo;
    }
    run(*invocation);
    return has_secret(*invocation, options_) ? Keep::kNo : Keep::kYes;
  }

  std::vector<Candidate> complete(const std::vector<std::string>& before, const std::string& begun) {
    return complete_words(tree_, options_.all(), before, begun,
                          [this](Argument::Values values, const std::string& word, const Arguments& given) {
                            return live_(values, word, given);
                          });
  }
  [[nodiscard]] int code() const { return code_; }

 private:
  void run(const Invocation& invocation) {
    switch (invocation.wish) {
      case Invocation::Wish::kVersion:
        break;
      case Invocation::Wish::kHelp:
      case Invocation::Wish::kUsageHelp:
        print_help(invocation.node, options_, stdout);
        code_ = 0;
        return;
      case Invocation::Wish::kRun:
        break;
    }
    if (invocation.node.command == nullptr || invocation.node.command->run == nullptr) return;
    session_.out().set_form(output_form(invocation.common, form_));
    code_ = run_in(session_, invocation);
    session_.out().set_form(form_);
  }

  Session& session_;
  const Command& tree_;
  OutputForm form_;
  CommonOptions options_{CommonOptions::Scope::kShell};
  LiveCandidates live_{session_};
  int code_ = 0;
};

/// Lines of a file or pipe: no prompt, no history.
int run_lines(Session& session, Shell& shell) {
  std::string lines;
  for (std::string line; !session.is_leaving() && std::getline(std::cin, line);) {
    lines += line;
    if (goes_on(lines)) {
      lines += '\n';
      continue;
    }
    shell.run(std::exchange(lines, {}));
  }
  if (!lines.empty()) shell.run(lines);
  return shell.code();
}

/// A line, with those that continue it. When the input ends inside of it, it is not whole.
LineEditor::Line read_whole(LineEditor& editor) {
  auto whole = editor.read();
  while (whole.end == LineEditor::End::kLine && goes_on(whole.text)) {
    const auto next = editor.read(whole.text + "\n");
    if (next.end == LineEditor::End::kEndOfInput) break;
    whole = {.end = next.end, .text = whole.text + "\n" + next.text};
  }
  return whole;
}

void run_typed_lines(Session& session, Shell& shell) {
  ShellHistory history;
  LineEditor editor(std::string(kPrompt), std::string(kContinuation), session.interrupts(),
                    [&shell](const auto& before, const auto& begun) { return shell.complete(before, begun); });
  for (const auto& line : history.load())
    editor.remember(line);
  while (!session.is_leaving() && !session.interrupts().terminated()) {
    session.interrupts().renew(Interrupts::During::kPrompt);
    const auto line = read_whole(editor);
    if (line.end == LineEditor::End::kEndOfInput) {
      std::fputs("\n", stdout);
      break;
    }
    if (line.end == LineEditor::End::kInterrupted) continue;
    if (shell.run(line.text) == Shell::Keep::kNo) continue;
    editor.remember(line.text);
    history.add(line.text);
  }
  if (const auto saved = history.save(); !saved) session.out().warn(saved.error().text());
}

}  // namespace

int run_shell(Session& session, const Command& tree) {
  if (const auto client = session.client(); !client) return report(client.error());
  Shell shell(session, tree);
  if (::isatty(STDIN_FILENO) == 0) return run_lines(session, shell);
  std::string greeting = fmt::format("Logged in as {}. Client is running in interactive mode.\n", session.username());
  greeting += "Enter 'quit', 'exit' or Ctrl-D to exit and 'help' to see available commands.\n";
  std::fwrite(greeting.data(), 1, greeting.size(), stdout);
  std::fflush(stdout);
  run_typed_lines(session, shell);
  return 0;
}

}  // namespace mito::cli
