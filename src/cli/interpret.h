#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/role_options.h"

// From the words behind `mito client`, or of a line of its shell, to the command that is meant.
namespace mito::cli {

/// The options of every command. They stand before the command, or in their long form behind it, where the short
/// letters are the command's own.
class CommonOptions {
 public:
  /// In the shell the connection is settled: only how results are written can be said there.
  enum class Scope { kProgram, kShell };
  explicit CommonOptions(Scope scope);

  [[nodiscard]] Scope scope() const { return scope_; }
  [[nodiscard]] const RoleOptions& role() const { return role_; }
  [[nodiscard]] std::span<const Argument> all() const { return all_; }
  /// The command's own arguments, and those of the common options that it does not have itself.
  [[nodiscard]] std::vector<Argument> beside(std::span<const Argument> own) const;

 private:
  Scope scope_;
  RoleOptions role_;
  std::vector<Argument> all_;
};

/// How results are to be written; `otherwise` is for what the options do not say.
OutputForm output_form(const Arguments& common, OutputForm otherwise = {});

/// A place in the tree.
struct Node {
  const Command* command = nullptr;
  std::string path;          ///< `mito client tasks get`; in the shell without the first two words.
  std::string_view look_up;  ///< How to find the things it is about.
};

/// What words ask for.
struct Invocation {
  enum class Wish {
    kRun,
    kHelp,       ///< Asked for.
    kUsageHelp,  ///< A group without a command: its help is the message.
    kVersion,
  };
  Wish wish = Wish::kRun;
  Node node{};
  Arguments arguments{};  ///< Of the command.
  Arguments common{};     ///< Options of every command.
};

/// kUsage with a text that names the word, the place and what was probably meant.
Result<Invocation> interpret(const Command& root, std::span<const std::string> words, const CommonOptions& options);

/// Whether a secret value stands in what was understood, so that the line must not be kept.
bool has_secret(const Invocation& invocation, const CommonOptions& options);

}  // namespace mito::cli
