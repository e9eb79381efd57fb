#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

// The shape in which every command is declared. Help, parsing, "did you mean" (and whatever else wants to know the
// tree) read the same tables.
namespace mito::cli {

class Session;
class Arguments;

/// Exit codes of `mito client`; `--wait` gives that of the task instead.
enum class ExitCode {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNotLoggedIn = 3,
  kNotFound = 4,
  kRefused = 5,
  kUnreachable = 6,
};
/// The exit code that goes with an error.
ExitCode exit_code(ErrorCode code);

/// One argument of a command. All views are of static storage or outlive the declaration.
struct Argument {
  enum class Kind {
    kFlag,         ///< `--terminal`
    kOption,       ///< `--group NAME`, `-g NAME`, `--group=NAME`; the last one counts.
    kList,         ///< `--tags a,b c`: values up to the next option or `--`, each split at commas; may be repeated.
    kPositional,   ///< One word.
    kPositionals,  ///< All remaining words.
    kWords,        ///< Everything behind `--`, untouched.
  };
  enum class Need { kOptional, kRequired };
  /// What its values are, for completion.
  enum class Values { kAny, kTask, kWorker, kGroup, kUser, kAttachment, kFile, kDirectory };
  enum class Secrecy { kPlain, kSecret };
  enum class Listing { kShown, kHidden };

  Kind kind = Kind::kFlag;
  std::string_view name{};  ///< Long name without dashes; of a positional what it is called in Arguments.
  char short_name = 0;
  std::string_view value{};  ///< What stands for the value in help: `UUID`.
  std::string_view help{};
  Need need = Need::kOptional;
  std::span<const std::string_view> choices{};  ///< Allowed values, checked; empty: any.
  std::string_view default_text{};              ///< Shown in help.
  Values values = Values::kAny;
  Secrecy secrecy = Secrecy::kPlain;  ///< A secret value is kept out of every history.
  Listing listing = Listing::kShown;  ///< Hidden ones are understood but not shown.

  /// The same with a list of allowed values.
  [[nodiscard]] constexpr Argument among(std::span<const std::string_view> allowed) const {
    Argument copy = *this;
    copy.choices = allowed;
    return copy;
  }
  /// The same with a default that help shows.
  [[nodiscard]] constexpr Argument by_default(std::string_view text) const {
    Argument copy = *this;
    copy.default_text = text;
    return copy;
  }
  [[nodiscard]] constexpr Argument required() const {
    Argument copy = *this;
    copy.need = Need::kRequired;
    return copy;
  }
  [[nodiscard]] constexpr Argument of(Values kind_of_values) const {
    Argument copy = *this;
    copy.values = kind_of_values;
    return copy;
  }
  [[nodiscard]] constexpr Argument secret() const {
    Argument copy = *this;
    copy.secrecy = Secrecy::kSecret;
    return copy;
  }
  [[nodiscard]] constexpr Argument hidden() const {
    Argument copy = *this;
    copy.listing = Listing::kHidden;
    return copy;
  }
};

constexpr Argument flag(std::string_view name, char short_name, std::string_view help) {
  return {.kind = Argument::Kind::kFlag, .name = name, .short_name = short_name, .help = help};
}
constexpr Argument option(std::string_view name, char short_name, std::string_view value, std::string_view help) {
  return {.kind = Argument::Kind::kOption, .name = name, .short_name = short_name, .value = value, .help = help};
}
constexpr Argument list(std::string_view name, char short_name, std::string_view value, std::string_view help) {
  return {.kind = Argument::Kind::kList, .name = name, .short_name = short_name, .value = value, .help = help};
}
/// A required word.
constexpr Argument word(std::string_view name, std::string_view help) {
  return {.kind = Argument::Kind::kPositional,
          .name = name,
          .value = name,
          .help = help,
          .need = Argument::Need::kRequired};
}
/// A word that may be left out.
constexpr Argument maybe_word(std::string_view name, std::string_view help) {
  return {.kind = Argument::Kind::kPositional, .name = name, .value = name, .help = help};
}
/// Any number of words.
constexpr Argument words(std::string_view name, std::string_view help) {
  return {.kind = Argument::Kind::kPositionals, .name = name, .value = name, .help = help};
}
/// What stands behind `--`.
constexpr Argument command_line(std::string_view name, std::string_view help) {
  return {.kind = Argument::Kind::kWords, .name = name, .value = name, .help = help};
}

/// What a command does; the value is the exit code of the program.
using Run = Result<int> (*)(Session& session, const Arguments& arguments);

/// A command with arguments and `run`, or a group with `commands`.
struct Command {
  std::string_view name{};
  std::string_view help{};
  std::span<const Argument> arguments{};
  Run run = nullptr;
  std::span<const Command> commands{};
  std::string_view alias{};    ///< Another name, not shown in lists.
  std::string_view details{};  ///< Shown at the end of its help: examples, formats.
  /// How to find the things it is about, said when one is not found. Holds for sub-commands too.
  std::string_view look_up{};
  /// Of a word of the old tree: how the same is said now. Such commands are not listed, and whoever uses one is told.
  std::string_view successor{};
};

/// Whether a command, or a group of commands, is a word of the old tree.
constexpr bool is_old(const Command& command) {
  return !command.successor.empty();
}
/// Whether the argument begins with a dash: flag, option or list.
constexpr bool is_option(const Argument& argument) {
  return argument.kind == Argument::Kind::kFlag || argument.kind == Argument::Kind::kOption ||
         argument.kind == Argument::Kind::kList;
}

/// The command of that name or alias; null when there is none.
const Command* find_command(std::span<const Command> commands, std::string_view name);

}  // namespace mito::cli
