#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/settings.h"

// How settings are shown to people: types, default values, the reference.

namespace mito {
namespace setting {

TypedSetting<bool> flag() {
  TypedSetting<bool> type;
  type.kind = SettingKind::kFlag;
  return type;
}

TypedSetting<std::string> text(std::string value_name) {
  TypedSetting<std::string> type;
  type.kind = SettingKind::kText;
  type.value_name = std::move(value_name);
  return type;
}

TypedSetting<std::int64_t> integer(std::int64_t least, std::int64_t most, std::string value_name) {
  TypedSetting<std::int64_t> type;
  type.kind = SettingKind::kInteger;
  type.value_name = std::move(value_name);
  type.least = least;
  type.most = most;
  return type;
}

TypedSetting<std::uint64_t> size() {
  TypedSetting<std::uint64_t> type;
  type.kind = SettingKind::kSize;
  type.value_name = "SIZE";
  return type;
}

TypedSetting<Duration> duration(Duration shortest) {
  TypedSetting<Duration> type;
  type.kind = SettingKind::kDuration;
  type.value_name = "DURATION";
  type.shortest = shortest;
  return type;
}

TypedSetting<std::filesystem::path> path(std::string value_name) {
  TypedSetting<std::filesystem::path> type;
  type.kind = SettingKind::kPath;
  type.value_name = std::move(value_name);
  return type;
}

TypedSetting<std::vector<std::string>> list(std::string value_name) {
  TypedSetting<std::vector<std::string>> type;
  type.kind = SettingKind::kList;
  type.value_name = std::move(value_name);
  return type;
}

TypedSetting<std::string> address() {
  TypedSetting<std::string> type;
  type.kind = SettingKind::kAddress;
  type.value_name = "IP:PORT";
  return type;
}

TypedSetting<std::string> url(std::vector<std::string> beginnings) {
  TypedSetting<std::string> type;
  type.kind = SettingKind::kUrl;
  type.value_name = "URL";
  type.names = std::move(beginnings);
  return type;
}

namespace {

std::string show_size(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 4> kUnits = {"TiB", "GiB", "MiB", "KiB"};
  for (std::size_t i = 0; i < kUnits.size() && bytes != 0; ++i) {
    const std::uint64_t unit = std::uint64_t{1} << 10 * (kUnits.size() - i);
    if (bytes % unit == 0) return fmt::format("{}{}", bytes / unit, kUnits[i]);
  }
  return fmt::format("{}", bytes);
}

}  // namespace

std::string show(const SettingType& type, const SettingValue& value) {
  switch (type.kind) {
    case SettingKind::kFlag:
      return std::get<bool>(value) ? "true" : "";
    case SettingKind::kInteger:
      return fmt::format("{}", std::get<std::int64_t>(value));
    case SettingKind::kSize:
      return show_size(std::get<std::uint64_t>(value));
    case SettingKind::kDuration:
      return std::get<Duration>(value).to_string();
    case SettingKind::kPath:
      return std::get<std::filesystem::path>(value).string();
    case SettingKind::kList:
      return fmt::format("{}", fmt::join(std::get<std::vector<std::string>>(value), ","));
    case SettingKind::kChoice: {
      const auto found = std::ranges::find(type.numbers, std::get<std::int64_t>(value));
      return found == type.numbers.end() ? "" : type.names[static_cast<std::size_t>(found - type.numbers.begin())];
    }
    case SettingKind::kText:
    case SettingKind::kAddress:
    case SettingKind::kUrl:
      return std::get<std::string>(value);
  }
  return {};
}

}  // namespace setting

namespace {

std::string type_text(const SettingType& type) {
  switch (type.kind) {
    case SettingKind::kFlag:
      return "true or false";
    case SettingKind::kText:
      return "text";
    case SettingKind::kInteger:
      if (type.most == std::numeric_limits<std::int64_t>::max()) return fmt::format("number from {}", type.least);
      return fmt::format("number from {} to {}", type.least, type.most);
    case SettingKind::kSize:
      return "size";
    case SettingKind::kDuration:
      return type.shortest == Duration{} ? "duration" : fmt::format("duration from {}", type.shortest.to_string());
    case SettingKind::kPath:
      return "path";
    case SettingKind::kList:
      return "list of texts";
    case SettingKind::kAddress:
      return "`ip:port`";
    case SettingKind::kUrl:
      return fmt::format("URL: `{}…`", fmt::join(type.names, "…`, `"));
    case SettingKind::kChoice:
      return fmt::format("`{}`", fmt::join(type.names, "`, `"));
  }
  return {};
}

/// A text as it can stand in a cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

std::string flags_cell(std::string_view flags) {
  if (flags.empty()) return "–";
  std::string result;
  while (!flags.empty()) {
    const std::size_t comma = flags.find(',');
    result += fmt::format("{}`{}`", result.empty() ? "" : ", ", flags.substr(0, comma));
    flags = comma == std::string_view::npos ? std::string_view{} : flags.substr(comma + 1);
  }
  return result;
}

}  // namespace

std::string SettingsTable::reference() const {
  std::string text = fmt::format(
      "## `[{}]`\n\n| key | environment | option | value | default | meaning |\n|---|---|---|---|---|---|\n", role_);
  for (const SettingEntry& entry : entries_) {
    std::string shown = entry.default_text;
    if (shown.empty()) shown = entry.type.kind == SettingKind::kFlag ? "false" : "–";
    text += fmt::format("| `{}` | `{}` | {} | {} | {} | {} |\n", entry.key, entry.environment_name(),
                        flags_cell(entry.flags), cell(type_text(entry.type)), cell(shown), cell(entry.help));
  }
  return text;
}

}  // namespace mito
