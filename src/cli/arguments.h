#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace mito::cli {

/// The values of a command's arguments, by their declared names. Asking for a name that was not declared is a bug.
class Arguments {
 public:
  /// Whether it was given (a list also with no values).
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  /// The last value given.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
  /// Of a required argument.
  [[nodiscard]] const std::string& at(std::string_view name) const;
  /// Values of a list or of positionals in order; empty when not given.
  [[nodiscard]] const std::vector<std::string>& list(std::string_view name) const;
  /// The same, nothing when it was not given.
  [[nodiscard]] std::optional<std::vector<std::string>> maybe_list(std::string_view name) const;

  void add(std::string_view name, std::string value) { at_or_new(name).push_back(std::move(value)); }
  std::vector<std::string>& at_or_new(std::string_view name);
  /// Takes over what `other` has, instead of what is here.
  void replace_with(const Arguments& other);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// What parse() made of words.
struct Parsed {
  Arguments arguments;
  bool help = false;              ///< `-h` or `--help` stood there; nothing else was checked then.
  std::vector<std::string> rest;  ///< With Stop::kAtFirstWord: that word and everything behind it.
};

/// Whether parsing ends at the first word that is no option, as before a sub-command.
enum class Stop { kNever, kAtFirstWord };

/// Sorts `words` into the declared arguments. `-x=V`, `-xV`, `-x V`, `--name=V`, `--name V` are all understood, and a
/// value may begin with a dash. kUsage with a text that names the word, and what was probably meant.
Result<Parsed> parse(std::span<const Argument> declared, std::span<const std::string> words, Stop stop = Stop::kNever);

/// `--envs <KEY=VALUE>...`, `<UUID>`, `[KEY]`: how an argument is named in messages and help.
std::string display_name(const Argument& argument);

}  // namespace mito::cli
