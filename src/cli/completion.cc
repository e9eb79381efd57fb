#include "cli/completion.h"

#include <algorithm>
#include <utility>

namespace mito::cli {

namespace {

using Kind = Argument::Kind;

/// Follows the words of a line, so that what comes next is known.
class Reader {
 public:
  Reader(const Command& root, std::span<const Argument> common)
      : command_(&root), common_(common), declared_(common.begin(), common.end()) {}

  void read(const std::string& word) {
    if (awaited_ != nullptr) {
      given_.add(awaited_->name, word);
      awaited_ = nullptr;
    } else if (is_behind_dashes_) {
      return;
    } else if (word == "--") {
      is_behind_dashes_ = true;
      list_ = nullptr;
    } else if (word.size() > 1 && word[0] == '-') {
      read_option(word);
    } else if (list_ != nullptr) {
      given_.add(list_->name, word);
    } else if (!command_->commands.empty()) {
      descend(word);
    } else {
      ++positionals_;
    }
  }

  [[nodiscard]] std::vector<Candidate> candidates(const std::string& begun, const LiveValues& live) const {
    if (is_lost_) return {};
    if (awaited_ != nullptr) return values_of(*awaited_, begun, live);
    if (is_behind_dashes_) return live(Argument::Values::kFile, begun, given_);
    if (begun.starts_with("--") && begun.contains('=')) return assigned(begun, live);
    if (begun.starts_with('-')) return options(begun);
    if (list_ != nullptr) return items_of(*list_, begun, live);
    if (!command_->commands.empty()) return commands(begun);
    const Argument* positional = next_positional();
    return positional == nullptr ? std::vector<Candidate>{} : values_of(*positional, begun, live);
  }

 private:
  void read_option(const std::string& word) {
    list_ = nullptr;
    const auto equals = word.find('=');
    const Argument* option = find(word.substr(0, equals));
    if (option == nullptr || option->kind == Kind::kFlag) return;
    const bool has_value = equals != std::string::npos || (word[1] != '-' && word.size() > 2);
    if (has_value) {
      given_.add(option->name, equals != std::string::npos ? word.substr(equals + 1) : word.substr(2));
    } else if (option->kind == Kind::kOption) {
      awaited_ = option;
    }
    if (option->kind == Kind::kList) list_ = option;
  }

  void descend(const std::string& word) {
    if (word == "help") return;
    const Command* next = find_command(command_->commands, word);
    if (next == nullptr) {
      is_lost_ = true;
      return;
    }
    command_ = next;
    declared_.assign(next->arguments.begin(), next->arguments.end());
    for (Argument argument : common_) {
      if (std::ranges::find(declared_, argument.name, &Argument::name) != declared_.end()) continue;
      argument.short_name = argument.name == "quiet" ? argument.short_name : '\0';
      declared_.push_back(argument);
    }
  }

  [[nodiscard]] const Argument* find(const std::string& word) const {
    const auto found = std::ranges::find_if(declared_, [&](const Argument& argument) {
      if (!is_option(argument)) return false;
      return word.starts_with("--") ? std::string_view(word).substr(2) == argument.name
                                    : argument.short_name != 0 && word[1] == argument.short_name;
    });
    return found == declared_.end() ? nullptr : &*found;
  }

  [[nodiscard]] const Argument* next_positional() const {
    std::size_t left = positionals_;
    for (const auto& argument : declared_) {
      if (argument.listing == Argument::Listing::kHidden) continue;
      if (argument.kind == Kind::kPositionals) return &argument;
      if (argument.kind == Kind::kPositional && left-- == 0) return &argument;
    }
    return nullptr;
  }

  [[nodiscard]] std::vector<Candidate> commands(const std::string& begun) const {
    std::vector<Candidate> found;
    for (const auto& command : command_->commands)
      if (command.name.starts_with(begun) && (!is_old(command) || is_old(*command_)))
        found.push_back({.text = std::string(command.name), .help = std::string(command.help)});
    return found;
  }

  [[nodiscard]] std::vector<Candidate> options(const std::string& begun) const {
    std::vector<Candidate> found;
    for (const auto& argument : declared_) {
      const std::string name = "--" + std::string(argument.name);
      if (is_option(argument) && name.starts_with(begun) && argument.listing == Argument::Listing::kShown)
        found.push_back({.text = name, .help = std::string(argument.help)});
    }
    if (std::string_view("--help").starts_with(begun)) found.push_back({.text = "--help", .help = "Print help"});
    return found;
  }

  [[nodiscard]] std::vector<Candidate> values_of(const Argument& argument, const std::string& begun,
                                                 const LiveValues& live) const {
    std::vector<Candidate> found;
    for (const auto choice : argument.choices)
      if (choice.starts_with(begun)) found.push_back({.text = std::string(choice), .help = {}});
    if (!argument.choices.empty() || argument.values == Argument::Values::kAny) return found;
    for (auto& candidate : live(argument.values, begun, given_))
      if (candidate.text.starts_with(begun)) found.push_back(std::move(candidate));
    return found;
  }

  /// Of the last item of a list whose items are separated by commas.
  [[nodiscard]] std::vector<Candidate> items_of(const Argument& list, const std::string& begun,
                                                const LiveValues& live) const {
    const std::size_t item = begun.rfind(',') + 1;  // 0 when there is none
    auto found = values_of(list, begun.substr(item), live);
    for (auto& candidate : found)
      candidate.text.insert(0, begun.substr(0, item));
    return found;
  }

  [[nodiscard]] std::vector<Candidate> assigned(const std::string& begun, const LiveValues& live) const {
    const auto equals = begun.find('=');
    const Argument* option = find(begun.substr(0, equals));
    if (option == nullptr || option->kind == Kind::kFlag) return {};
    auto found = items_of(*option, begun.substr(equals + 1), live);
    for (auto& candidate : found)
      candidate.text.insert(0, begun.substr(0, equals + 1));
    return found;
  }

  const Command* command_;
  std::span<const Argument> common_;
  std::vector<Argument> declared_;
  Arguments given_;
  const Argument* awaited_ = nullptr;
  const Argument* list_ = nullptr;
  std::size_t positionals_ = 0;
  bool is_behind_dashes_ = false;
  bool is_lost_ = false;
};

}  // namespace

std::vector<Candidate> complete_words(const Command& root, std::span<const Argument> common,
                                      std::span<const std::string> before, const std::string& begun,
                                      const LiveValues& live) {
  Reader reader(root, common);
  for (const auto& word : before)
    reader.read(word);
  return reader.candidates(begun, live);
}

std::string common_beginning(const std::vector<Candidate>& candidates) {
  if (candidates.empty()) return {};
  std::string beginning = candidates.front().text;
  for (const auto& candidate : candidates) {
    const auto [end, other] = std::ranges::mismatch(beginning, candidate.text);
    beginning.erase(end, beginning.end());
  }
  const std::string& whole = candidates.front().text;  // never half of a character
  while (!beginning.empty() && beginning.size() < whole.size() &&
         (static_cast<unsigned char>(whole[beginning.size()]) & 0xc0U) == 0x80U)
    beginning.pop_back();
  return beginning;
}

}  // namespace mito::cli
