#include "coordinator/context.h"

#include <algorithm>
#include <cctype>

namespace mito::coordinator {

std::optional<GroupRole> group_role(const Context& context, std::string_view group_name) {
  const auto group = context.directory().group(group_name);
  if (!group) return std::nullopt;
  return GroupRole{.group = *group, .role = context.directory().role(context.user.id, *group)};
}

bool at_least(std::optional<Role> role, Role needed) {
  return role && *role >= needed;
}

bool may_read(const Context& context, GroupId group) {
  return context.user.admin || context.directory().role(context.user.id, group).has_value();
}

Result<void> check_storable(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return fail(ErrorCode::kInternal, {}, "a text holds U+0000");
  return {};
}

namespace {

/// `host`, `host:port`, `[v6]:port`: nothing else may get into a URL.
bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_' || c == ':' ||
           c == '[' || c == ']';
  });
}

std::string_view first_of_list(std::string_view text) {
  text = text.substr(0, text.find(','));
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

}  // namespace

std::string base_url(const Context& context) {
  const Settings& settings = context.services.settings;
  if (!settings.public_url.empty()) return settings.public_url;
  std::string_view scheme = "http";
  const std::string* host = context.request.headers.find("host");
  std::string_view name = host != nullptr ? std::string_view(*host) : std::string_view();
  if (std::ranges::find(settings.trusted_proxies, context.request.peer_address) != settings.trusted_proxies.end()) {
    if (const std::string* proto = context.request.headers.find("x-forwarded-proto"))
      if (first_of_list(*proto) == "https") scheme = "https";
    if (const std::string* forwarded = context.request.headers.find("x-forwarded-host"))
      if (const auto first = first_of_list(*forwarded); is_host(first)) name = first;
  }
  if (!is_host(name)) return context.services.bind_url();
  return std::string(scheme) + "://" + std::string(name);
}

}  // namespace mito::coordinator
