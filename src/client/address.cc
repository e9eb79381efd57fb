#include "client/address.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <vector>

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

/// One address without a trailing slash.
Result<std::string> parse_one(std::string_view text) {
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
  return scheme + "://" + std::string(rest);
}

}  // namespace

struct Address::Places {
  std::vector<std::string> bases;       ///< At least one.
  std::atomic<std::size_t> in_use = 0;  ///< Below bases.size().
};

Result<Address> Address::parse(std::string_view text) {
  const auto places = std::make_shared<Places>();
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    MITO_TRY_ASSIGN(auto base, parse_one(text.substr(begin, end - begin)));
    places->bases.push_back(std::move(base));
    begin = end + 1;
  }
  return Address(places);
}

std::string Address::url(std::string_view path) const {
  return places_->bases[places_->in_use.load(std::memory_order_relaxed)] + std::string(path);
}

const std::string& Address::text() const {
  return places_->bases.front();
}

std::size_t Address::count() const {
  return places_->bases.size();
}

std::string Address::elsewhere(std::string_view url) const {
  const auto& bases = places_->bases;
  // The longest that fits, for where one is the beginning of another.
  std::size_t at = 0;
  for (std::size_t i = 0; i < bases.size(); ++i) {
    if (url.starts_with(bases[i]) && (!url.starts_with(bases[at]) || bases[i].size() > bases[at].size())) at = i;
  }
  const std::size_t next = (at + 1) % bases.size();
  std::size_t left = at;
  places_->in_use.compare_exchange_strong(left, next);  // another thread may have been first
  return bases[next] + std::string(url.substr(bases[at].size()));
}

}  // namespace mito::client
