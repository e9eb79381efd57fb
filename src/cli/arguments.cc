#include "cli/arguments.h"

#include <fmt/core.h>

namespace mito::cli {

std::optional<std::string> Arguments::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

const std::string& Arguments::at(std::string_view name) const {
  return list(name).back();
}

const std::vector<std::string>& Arguments::list(std::string_view name) const {
  static const std::vector<std::string> kNone;
  const auto found = values_.find(name);
  return found == values_.end() ? kNone : found->second;
}

std::optional<std::vector<std::string>> Arguments::maybe_list(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return list(name);
}

std::vector<std::string>& Arguments::at_or_new(std::string_view name) {
  const auto found = values_.find(name);
  return found != values_.end() ? found->second : values_[std::string(name)];
}

void Arguments::replace_with(const Arguments& other) {
  for (const auto& [name, values] : other.values_)
    values_[name] = values;
}

std::string display_name(const Argument& argument) {
  const bool required = argument.need == Argument::Need::kRequired;
  switch (argument.kind) {
    case Argument::Kind::kFlag:
      return fmt::format("--{}", argument.name);
    case Argument::Kind::kOption:
      return fmt::format("--{} <{}>", argument.name, argument.value);
    case Argument::Kind::kList:
      return fmt::format("--{} [<{}>...]", argument.name, argument.value);
    case Argument::Kind::kPositional:
      return required ? fmt::format("<{}>", argument.value) : fmt::format("[{}]", argument.value);
    case Argument::Kind::kPositionals:
      return required ? fmt::format("<{}>...", argument.value) : fmt::format("[{}]...", argument.value);
    case Argument::Kind::kWords:
      return fmt::format("-- {}...", argument.value);
  }
  return std::string(argument.name);
}

}  // namespace mito::cli
