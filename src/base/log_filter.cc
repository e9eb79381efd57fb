#include "base/log_filter.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mito::log {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::optional<Level> parse_level(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Level>, 12> kNames = {{
      {"off", Level::kOff},
      {"0", Level::kOff},
      {"error", Level::kError},
      {"1", Level::kError},
      {"warn", Level::kWarn},
      {"2", Level::kWarn},
      {"info", Level::kInfo},
      {"3", Level::kInfo},
      {"debug", Level::kDebug},
      {"4", Level::kDebug},
      {"trace", Level::kTrace},
      {"5", Level::kTrace},
  }};
  const std::string name = lower(text);
  for (const auto& [spelling, level] : kNames) {
    if (spelling == name) return level;
  }
  return std::nullopt;
}

bool is_target(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':' ||
           c == '-';
  });
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  while (text.ends_with(' '))
    text.remove_suffix(1);
  return text;
}

}  // namespace

void Filter::add(std::string target, Level level) {
  // Of two directives for one target the later one holds, so it goes before the earlier one.
  const auto place = std::ranges::find_if(
      directives_, [&target](const Directive& other) { return other.target.size() <= target.size(); });
  directives_.insert(place, Directive{std::move(target), level});
}

std::optional<Filter> Filter::parse(std::string_view text) {
  Filter filter;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view directive = trim(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    if (directive.empty()) continue;
    const std::size_t equals = directive.find('=');
    const std::string_view target = directive.substr(0, equals);
    std::optional<Level> level = Level::kTrace;
    if (equals != std::string_view::npos && equals + 1 < directive.size()) {
      level = parse_level(directive.substr(equals + 1));
    } else if (equals == std::string_view::npos) {
      if (const auto global = parse_level(directive)) {
        filter.add("", *global);
        continue;
      }
    }
    if (!level || !is_target(target)) return std::nullopt;
    filter.add(std::string(target), *level);
  }
  if (filter.directives_.empty()) filter.add("", Level::kError);
  return filter;
}

bool Filter::accepts(Level level, std::string_view target) const {
  if (level == Level::kOff) return false;
  for (const Directive& directive : directives_) {
    if (target.starts_with(directive.target)) return level >= directive.level;
  }
  return false;
}

Level Filter::lowest() const {
  Level lowest = Level::kOff;
  for (const Directive& directive : directives_)
    lowest = std::min(lowest, directive.level);
  return lowest;
}

}  // namespace mito::log
