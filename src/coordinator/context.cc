#include "coordinator/context.h"

#include <algorithm>
#include <cctype>

#include <boost/asio/ip/address.hpp>

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

bool is_trusted_proxy(const Settings& settings, std::string_view address) {
  return std::ranges::find(settings.trusted_proxies, address) != settings.trusted_proxies.end();
}

bool is_address(std::string_view text) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(text), error);
  return !error;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t'))
    text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

// Each proxy appends whom it speaks for, so the last entry that is none of our proxies is the client; what stands
// before it, the client may have written itself.
std::string client_address(const Context& context) {
  const Settings& settings = context.services.settings;
  std::string address = context.request.peer_address;
  if (!is_trusted_proxy(settings, address)) return address;
  std::string chain;
  for (const auto& [name, value] : context.request.headers.fields())
    if (http::equals_ignoring_case(name, "x-forwarded-for")) chain += (chain.empty() ? "" : ",") + value;
  std::string_view rest = chain;
  while (!rest.empty() && is_trusted_proxy(settings, address)) {
    const auto comma = rest.rfind(',');
    const std::string_view last = trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    if (!is_address(last)) break;
    address = std::string(last);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
  }
  return address;
}

std::string base_url(const Context& context) {
  const Settings& settings = context.services.settings;
  if (!settings.public_url.empty()) return settings.public_url;
  std::string_view scheme = settings.tls_cert.empty() ? "http" : "https";
  const std::string* host = context.request.headers.find("host");
  std::string_view name = host != nullptr ? std::string_view(*host) : std::string_view();
  if (is_trusted_proxy(settings, context.request.peer_address)) {
    if (const std::string* proto = context.request.headers.find("x-forwarded-proto"))
      if (first_of_list(*proto) == "https") scheme = "https";
    if (const std::string* forwarded = context.request.headers.find("x-forwarded-host"))
      if (const auto first = first_of_list(*forwarded); is_host(first)) name = first;
  }
  if (!is_host(name)) return context.services.bind_url();
  return std::string(scheme) + "://" + std::string(name);
}

}  // namespace mito::coordinator
