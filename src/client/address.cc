#include "client/address.h"

#include <algorithm>
#include <cctype>

#include <fmt/core.h>

namespace mito::client {

namespace {

std::unexpected<Error> refuse(std::string_view text, std::string_view reason) {
  return fail(
      ErrorCode::kUsage,
      fmt::format("\"{}\" is not the address of a coordinator: {}; write it like http://127.0.0.1:5000", text, reason));
}

/// The reason why `authority` is not `host` or `host:port`; empty when it is.
std::string_view fault_of_authority(std::string_view authority) {
  if (authority.contains('@')) return "a user name does not belong into it (use --user)";
  std::string_view port;
  std::string_view host = authority;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return "the IPv6 address has no closing bracket";
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else if (const auto colon = authority.rfind(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
    if (host.contains(':')) return "an IPv6 address stands in brackets";
  }
  if (host.empty()) return "the host is missing";
  if (port.empty()) return {};
  port.remove_prefix(1);
  const bool digits = std::ranges::all_of(port, [](unsigned char c) { return std::isdigit(c) != 0; });
  if (port.empty() || port.size() > 5 || !digits || std::stoul(std::string(port)) > 65'535 ||
      std::stoul(std::string(port)) == 0)
    return "the port is a number from 1 to 65535";
  return {};
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  std::string_view rest = text;
  std::string scheme = "http";
  if (const auto mark = rest.find("://"); mark != std::string_view::npos) {
    scheme = rest.substr(0, mark);
    std::ranges::transform(scheme, scheme.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (scheme != "http" && scheme != "https") return refuse(text, "the scheme is http or https");
    rest.remove_prefix(mark + 3);
  }
  if (std::ranges::any_of(rest, [](unsigned char c) { return c <= ' ' || c == 0x7f; }))
    return refuse(text, "it holds a blank");
  if (rest.contains('?') || rest.contains('#')) return refuse(text, "a query or fragment does not belong into it");
  while (rest.ends_with('/'))
    rest.remove_suffix(1);
  const auto slash = rest.find('/');
  if (const auto fault = fault_of_authority(rest.substr(0, slash)); !fault.empty()) return refuse(text, fault);
  return Address(scheme + "://" + std::string(rest));
}

}  // namespace mito::client
