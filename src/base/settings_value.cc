#include "base/settings_value.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/size.h"

namespace mito {
namespace {

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kUsage, std::move(text));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool is_quoted(std::string_view text) {
  return text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
}

std::string_view unquote(std::string_view text) {
  return is_quoted(text) ? text.substr(1, text.size() - 2) : text;
}

Result<SettingValue> read_flag(std::string_view text) {
  std::string lower(trim(text));
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "true" || lower == "1" || lower == "yes" || lower == "on") return SettingValue(true);
  if (lower == "false" || lower == "0" || lower == "no" || lower == "off") return SettingValue(false);
  return refuse(fmt::format("\"{}\" is neither true nor false", text));
}

Result<SettingValue> read_integer(const SettingType& type, std::string_view text) {
  std::string_view digits = trim(text);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < type.least || value > type.most) {
    return refuse(fmt::format("\"{}\" is not a whole number from {} to {}", text, type.least, type.most));
  }
  return SettingValue(value);
}

Result<SettingValue> read_size(const SettingType& type, std::string_view text) {
  const auto size = parse_size(text);
  if (!size) return refuse(size.error().text());
  if (*size > static_cast<std::uint64_t>(type.most)) {
    return refuse(fmt::format("\"{}\" is too large; at most {} bytes are possible", text, type.most));
  }
  return SettingValue(*size);
}

Result<SettingValue> read_duration(const SettingType& type, std::string_view text) {
  const auto length = Duration::parse(text);
  if (!length) return refuse(length.error().text());
  if (*length < type.shortest) {
    return refuse(fmt::format("\"{}\" is too short; at least {} is needed", text, type.shortest.to_string()));
  }
  return SettingValue(*length);
}

Result<SettingValue> read_path(std::string_view text, const std::filesystem::path& base) {
  if (text.empty()) return refuse("a path must not be empty");
  return SettingValue((base / std::filesystem::path(text)).lexically_normal());
}

Result<SettingValue> read_address(std::string_view text) {
  const std::string_view address = trim(text);
  const std::size_t colon = address.rfind(':');
  bool good = false;
  if (colon != std::string_view::npos) {
    std::string host(address.substr(0, colon));
    const std::string_view port = address.substr(colon + 1);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    in6_addr parsed{};
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    good = ::inet_pton(bracketed ? AF_INET6 : AF_INET, host.c_str(), &parsed) == 1 && !port.empty() &&
           error == std::errc{} && end == port.data() + port.size() && number <= 65535;
  }
  if (!good) {
    return refuse(fmt::format(
        "\"{}\" is not an address; write an IP address and a port, such as 127.0.0.1:5000 or [::1]:5000", text));
  }
  return SettingValue(std::string(address));
}

/// `key=value …`: what a beginning that ends with `=` stands for, whatever the first key is. May hold blanks.
bool is_assignments(std::string_view text) {
  const auto key = text.substr(0, text.find_first_of(" \t="));
  const std::string_view rest = trim(text.substr(key.size()));
  return !key.empty() && rest.starts_with('=') &&
         key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
}

/// `mysql://…@host`: the user's name and password are nobody else's business.
std::string without_credentials(std::string_view text) {
  const auto scheme = text.find("://");
  const auto at = text.rfind('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos || at < scheme) return std::string(text);
  return fmt::format("{}…{}", text.substr(0, scheme + 3), text.substr(at));
}

Result<SettingValue> read_url(const SettingType& type, std::string_view text) {
  const std::string_view url = trim(text);
  const bool takes_assignments =
      std::ranges::any_of(type.names, [](const std::string& beginning) { return beginning.ends_with('='); });
  if (takes_assignments && is_assignments(url)) return SettingValue(std::string(url));
  const bool good = std::ranges::any_of(type.names, [url](const std::string& beginning) {
    return url.size() > beginning.size() && url.starts_with(beginning);
  });
  if (!good || url.find_first_of(" \t\r\n") != std::string_view::npos) {
    return refuse(fmt::format("\"{}\" is not a URL that can be used here; it begins with {}", without_credentials(text),
                              fmt::join(type.names, " or ")));
  }
  return SettingValue(std::string(url));
}

Result<SettingValue> read_choice(const SettingType& type, std::string_view text) {
  const auto found = std::ranges::find(type.names, trim(text));
  if (found == type.names.end()) {
    return refuse(fmt::format("\"{}\" is not possible; write one of {}", text, fmt::join(type.names, ", ")));
  }
  return SettingValue(type.numbers[static_cast<std::size_t>(found - type.names.begin())]);
}

/// How a value of this kind is written in TOML, for errors.
std::string_view toml_example(SettingKind kind) {
  switch (kind) {
    case SettingKind::kFlag:
      return "true or false, without quotes";
    case SettingKind::kInteger:
      return "a whole number, without quotes";
    case SettingKind::kSize:
      return "a size such as \"500MB\" or a number of bytes";
    case SettingKind::kDuration:
      return "a duration with its unit, in quotes, such as \"30s\", \"10m\" or \"7d\"";
    case SettingKind::kList:
      return "a list of texts such as [\"a\", \"b\"]";
    case SettingKind::kText:
    case SettingKind::kPath:
    case SettingKind::kAddress:
    case SettingKind::kUrl:
    case SettingKind::kChoice:
      return "a text in quotes";
  }
  return "";
}

bool form_fits(SettingKind kind, RawSetting::Form form) {
  using Form = RawSetting::Form;
  switch (kind) {
    case SettingKind::kFlag:
      return form == Form::kFlag;
    case SettingKind::kInteger:
      return form == Form::kInteger;
    case SettingKind::kSize:
      return form == Form::kText || form == Form::kInteger;
    case SettingKind::kList:
      return form == Form::kList;
    default:
      return form == Form::kText;
  }
}

}  // namespace

std::vector<std::string> split_list(std::string_view text) {
  text = trim(text);
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = unquote(trim(text.substr(0, comma)));
    if (!item.empty()) items.emplace_back(item);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return items;
}

Result<SettingValue> read_setting(const SettingType& type, std::string_view text, const std::filesystem::path& base) {
  switch (type.kind) {
    case SettingKind::kFlag:
      return read_flag(text);
    case SettingKind::kInteger:
      return read_integer(type, text);
    case SettingKind::kSize:
      return read_size(type, text);
    case SettingKind::kDuration:
      return read_duration(type, text);
    case SettingKind::kPath:
      return read_path(text, base);
    case SettingKind::kList:
      return SettingValue(split_list(text));
    case SettingKind::kAddress:
      return read_address(text);
    case SettingKind::kUrl:
      return read_url(type, text);
    case SettingKind::kChoice:
      return read_choice(type, text);
    case SettingKind::kText:
      return SettingValue(std::string(text));
  }
  return refuse("this setting cannot be read");
}

Result<SettingValue> read_setting(const SettingType& type, const RawSetting& raw, const std::filesystem::path& base) {
  if (!form_fits(type.kind, raw.form)) {
    const std::string_view quote = raw.form == RawSetting::Form::kText ? "\"" : "";
    return refuse(fmt::format("{0}{1}{0} does not fit here; write {2}", quote, raw.text, toml_example(type.kind)));
  }
  if (raw.form == RawSetting::Form::kList) return SettingValue(raw.items);
  return read_setting(type, raw.text, base);
}

}  // namespace mito
