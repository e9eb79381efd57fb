#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/suggest.h"

// CLI11 sorts out the options of one command at a time and is told nothing of the tree around it nor of positional
// words: in 2.1 a value that is spelled like a sub-command anywhere above ("groups get tasks") is taken for that
// sub-command, and a word in brackets among many ("[1,2]") is taken apart.
namespace mito::cli {

namespace {

using Kind = Argument::Kind;

std::string cli11_name(const Argument& argument) {
  const std::string short_name = argument.short_name != 0 ? fmt::format("-{},", argument.short_name) : std::string();
  return fmt::format("{}--{}", short_name, argument.name);
}

const Argument* find_long(std::span<const Argument> declared, std::string_view name) {
  const auto found = std::ranges::find_if(declared, [&](const Argument& a) { return is_option(a) && a.name == name; });
  return found == declared.end() ? nullptr : &*found;
}

const Argument* find_short(std::span<const Argument> declared, char name) {
  const auto found =
      std::ranges::find_if(declared, [&](const Argument& a) { return is_option(a) && a.short_name == name; });
  return found == declared.end() ? nullptr : &*found;
}

std::unexpected<Error> usage(std::string text) {
  return fail(ErrorCode::kUsage, std::move(text));
}

/// Splits `--name=V` and `-x=V` in two, because CLI11 loses an empty V and keeps the `=` of the short form.
Result<std::vector<std::string>> separate_values(std::span<const Argument> declared,
                                                 std::span<const std::string> words) {
  std::vector<std::string> separated;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    const bool is_long = word.starts_with("--") && equals != std::string::npos;
    const bool is_short = !is_long && word.size() > 2 && word[0] == '-' && word[1] != '-' && equals == 2;
    const Argument* argument = is_long    ? find_long(declared, std::string_view(word).substr(2, equals - 2))
                               : is_short ? find_short(declared, word[1])
                                          : nullptr;
    if (argument == nullptr) {
      separated.push_back(word);
    } else if (argument->kind == Kind::kFlag) {
      return usage(fmt::format("unexpected value '{}' for '{}': it is a switch and takes none", word.substr(equals + 1),
                               display_name(*argument)));
    } else {
      separated.push_back(word.substr(0, equals));
      separated.push_back(word.substr(equals + 1));
    }
  }
  return separated;
}

void split_at_commas(const std::string& text, std::vector<std::string>& into) {
  std::size_t begin = 0;
  for (;;) {
    const auto comma = text.find(',', begin);
    into.push_back(text.substr(begin, comma == std::string::npos ? std::string::npos : comma - begin));
    if (comma == std::string::npos) return;
    begin = comma + 1;
  }
}

constexpr int kMostValues = 1'000'000;  // below the number at which CLI11 treats a container specially

/// CLI11's parser for the declared arguments, filling `arguments`.
class Parser {
 public:
  Parser(std::span<const Argument> declared, Arguments& arguments) : arguments_(arguments) {
    app_.set_help_flag();
    app_.allow_extras();
    for (const auto& argument : declared)
      if (is_option(argument)) add(argument);
    app_.add_flag_callback("-h,--help", [this] { help_ = true; });
  }

  [[nodiscard]] bool help() const { return help_; }
  CLI::App& app() { return app_; }

 private:
  void add(const Argument& argument) {
    const std::string name = cli11_name(argument);
    const std::string key(argument.name);
    if (argument.kind == Kind::kFlag) {
      app_.add_flag_function(name, [this, key](std::int64_t) { arguments_.at_or_new(key); })
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      return;
    }
    if (argument.kind == Kind::kOption) {
      app_.add_option(name,
                      [this, key](const CLI::results_t& results) {
                        arguments_.at_or_new(key).assign(1, results.back());
                        return true;
                      })
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      return;
    }
    app_.add_option(name,
                    [this, key](const CLI::results_t& results) {
                      auto& values = arguments_.at_or_new(key);
                      for (const auto& result : results)
                        if (result != kNoValue) split_at_commas(result, values);
                      return true;
                    })
        ->expected(0, kMostValues)
        ->default_str(kNoValue);
  }

  /// What CLI11 puts where a list was named without values. Cannot be typed: words have no NUL.
  static inline const std::string kNoValue = std::string(1, '\0');

  Arguments& arguments_;
  CLI::App app_;
  bool help_ = false;
};

/// A name or path of no letters can only be a mistake, such as a variable that is not set.
Result<void> check_not_empty(const Argument& argument, const Arguments& arguments) {
  const bool is_name = argument.kind == Kind::kPositional && argument.need == Argument::Need::kRequired;
  if (is_name && argument.choices.empty() && arguments.value(argument.name) == "")
    return usage(fmt::format("invalid value '' for '{}': it is empty", display_name(argument)));
  return {};
}

Result<void> check_choices(const Argument& argument, const Arguments& arguments) {
  if (argument.choices.empty()) return {};
  for (const auto& value : arguments.list(argument.name)) {
    if (std::ranges::find(argument.choices, value) != argument.choices.end()) continue;
    std::string all;
    for (const auto choice : argument.choices)
      all += fmt::format("{}{}", all.empty() ? "" : ", ", choice);
    return usage(fmt::format("invalid value '{}' for '{}'{} [possible values: {}]", value, display_name(argument),
                             did_you_mean(value, argument.choices), all));
  }
  return {};
}

bool is_dashed(std::string_view word) {
  return word.size() > 1 && word[0] == '-';
}

std::unexpected<Error> unexpected_word(std::span<const Argument> declared, const std::string& word) {
  std::vector<std::string> names{"--help"};
  for (const auto& argument : declared)
    if (is_option(argument)) names.push_back("--" + std::string(argument.name));
  const bool has_words = std::ranges::any_of(declared, [](const Argument& a) { return a.kind == Kind::kWords; });
  std::string hint;
  if (is_dashed(word)) {
    hint = did_you_mean(word.substr(0, word.find('=')), names);
    if (std::isdigit(static_cast<unsigned char>(word[1])) != 0)
      hint = "; a value that begins with a dash stands behind `--`";
  } else if (has_words) {
    hint = "; the command to run stands behind `--`";
  }
  return usage(fmt::format("unexpected argument '{}' found{}", word, hint));
}

/// Gives the words that belong to no option to the declared positionals, in order.
Result<void> place_positionals(std::span<const Argument> declared, std::vector<std::string> words,
                               Arguments& arguments) {
  auto next = words.begin();
  for (const auto& argument : declared) {
    if (argument.kind == Kind::kPositional && next != words.end()) arguments.add(argument.name, std::move(*next++));
    if (argument.kind == Kind::kPositionals && next != words.end()) {
      auto& values = arguments.at_or_new(argument.name);
      values.insert(values.end(), std::move_iterator(next), std::move_iterator(words.end()));
      next = words.end();
    }
  }
  if (next != words.end()) return unexpected_word(declared, *next);
  return {};
}

Result<void> check_complete(std::span<const Argument> declared, const Arguments& arguments) {
  std::string missing;
  for (const auto& argument : declared) {
    if (argument.need == Argument::Need::kRequired && arguments.list(argument.name).empty())
      missing += (missing.empty() ? "" : ", ") + display_name(argument);
    MITO_TRY(check_not_empty(argument, arguments));
    MITO_TRY(check_choices(argument, arguments));
  }
  if (!missing.empty()) return usage("required, but not given: " + missing);
  return {};
}

/// How many of `words` stand before the first one that is neither an option nor the value of one.
std::size_t count_leading_options(std::span<const Argument> declared, std::span<const std::string> words) {
  std::size_t i = 0;
  while (i < words.size() && is_dashed(words[i])) {
    const std::string& word = words[i];
    const bool is_long = word.starts_with("--");
    const Argument* argument =
        is_long ? find_long(declared, std::string_view(word).substr(2)) : find_short(declared, word[1]);
    const bool value_follows = argument != nullptr && argument->kind == Kind::kOption && (is_long || word.size() == 2);
    i += value_follows ? 2 : 1;
  }
  return std::min(i, words.size());
}

/// CLI11's part: everything that begins with a dash, and the values behind. Returns the other words.
Result<std::vector<std::string>> parse_options(std::span<const Argument> declared, std::span<const std::string> words,
                                               Parsed& parsed) {
  MITO_TRY_ASSIGN(auto separated, separate_values(declared, words));
  Parser parser(declared, parsed.arguments);
  std::ranges::reverse(separated);  // CLI11 takes them from the back
  try {
    parser.app().parse(std::move(separated));
  } catch (const CLI::ArgumentMismatch&) {  // only the last word can lack its value
    const std::string_view last = words.back();
    const Argument* argument =
        last.starts_with("--") ? find_long(declared, last.substr(2)) : find_short(declared, last.back());
    return usage(fmt::format("a value is required for '{}' but none was given",
                             argument == nullptr ? last : display_name(*argument)));
  } catch (const CLI::ParseError& error) {
    return usage(error.what());
  }
  parsed.help = parser.help();
  return parser.app().remaining();
}

}  // namespace

Result<Parsed> parse(std::span<const Argument> declared, std::span<const std::string> words, Stop stop) {
  Parsed parsed;
  std::vector<std::string> literal;  // behind `--`: words whatever they begin with
  if (stop == Stop::kAtFirstWord) {
    const auto options = count_leading_options(declared, words);
    parsed.rest.assign(words.begin() + static_cast<std::ptrdiff_t>(options), words.end());
    words = words.first(options);
  } else if (const auto dashes = std::ranges::find(words, "--"); dashes != words.end()) {
    const auto behind = std::ranges::find_if(declared, [](const Argument& a) { return a.kind == Kind::kWords; });
    (behind != declared.end() ? parsed.arguments.at_or_new(behind->name) : literal).assign(dashes + 1, words.end());
    words = words.first(static_cast<std::size_t>(dashes - words.begin()));
  }

  MITO_TRY_ASSIGN(auto others, parse_options(declared, words, parsed));
  if (parsed.help) return parsed;
  if (const auto unknown = std::ranges::find_if(others, is_dashed); unknown != others.end())
    return unexpected_word(declared, *unknown);
  others.insert(others.end(), literal.begin(), literal.end());
  MITO_TRY(place_positionals(declared, std::move(others), parsed.arguments));
  MITO_TRY(check_complete(declared, parsed.arguments));
  return parsed;
}

}  // namespace mito::cli
