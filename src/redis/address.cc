#include "redis/address.h"

#include <arpa/inet.h>
#include <charconv>
#include <netinet/in.h>
#include <optional>

#include <fmt/core.h>

#include "base/encoding.h"

namespace mito::redis {

namespace {

constexpr std::string_view kTcp = "redis://";
constexpr std::string_view kTls = "rediss://";
constexpr std::string_view kForms =
    "use redis://[user:password@]host[:port][/database], rediss://… or unix:///path/to/socket";

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number out{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

/// The URL without what may be a password, for errors.
std::string shown(std::string_view url) {
  const auto at = url.rfind('@');
  const auto colon = url.find("://");
  if (at == std::string_view::npos || colon == std::string_view::npos || at < colon)
    return std::string(url.substr(0, url.find('?')));
  return std::string(url.substr(0, colon)) + "://…" + std::string(url.substr(at));
}

std::unexpected<Error> bad(std::string_view url, std::string_view why) {
  return fail(ErrorCode::kUsage, fmt::format("`{}` is no address of a Redis ({}): {}.", shown(url), why, kForms));
}

/// Takes `separator` and what follows it off the end of `text`; empty without one.
std::string_view cut(std::string_view& text, char separator) {
  const auto place = text.find(separator);
  if (place == std::string_view::npos) return {};
  const auto rest = text.substr(place + 1);
  text = text.substr(0, place);
  return rest;
}

std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    std::string_view field = query;
    query = cut(field, '&');
    const std::string_view value = cut(field, '=');
    if (field == name) return percent_decode(value);
  }
  return {};
}

Result<Address> parse_socket(std::string_view url, std::string_view rest) {
  Address out;
  out.transport = Address::Transport::kUnix;
  const std::string_view query = cut(rest, '?');
  out.path = percent_decode(rest);
  if (!out.path.starts_with('/') || out.path.size() >= 108) return bad(url, "the path of the socket is not absolute");
  out.user = parameter(query, "user");
  out.password = parameter(query, "pass");
  if (const std::string database = parameter(query, "db"); !database.empty()) {
    const auto number = parse_number<unsigned>(database);
    if (!number) return bad(url, "db is no number");
    out.database = *number;
  }
  return out;
}

bool set_host(Address& out, std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    out.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return false;
    if (!port.empty()) port.remove_prefix(1);
  } else {
    port = cut(text, ':');
    out.host = percent_decode(text);
  }
  if (out.host.empty()) return false;
  if (port.empty()) return true;
  const auto number = parse_number<std::uint16_t>(port);
  if (!number || *number == 0) return false;
  out.port = *number;
  return true;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

Result<Address> Address::parse(std::string_view url) {
  for (const std::string_view scheme : {"unix://", "redis+unix://"})
    if (url.starts_with(scheme)) return parse_socket(url, url.substr(scheme.size()));
  Address out;
  std::string_view rest;
  if (url.starts_with(kTls)) {
    out.transport = Transport::kTls;
    rest = url.substr(kTls.size());
  } else if (url.starts_with(kTcp)) {
    rest = url.substr(kTcp.size());
  } else {
    return bad(url, "it begins with none of the schemes");
  }
  if (out.transport == Transport::kTls && rest.ends_with("#insecure")) out.certificates = Certificates::kIgnored;
  rest = rest.substr(0, rest.find('#'));
  // A password may contain what ends a host.
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    std::string_view user = rest.substr(0, at);
    rest = rest.substr(at + 1);
    out.password = percent_decode(cut(user, ':'));
    out.user = percent_decode(user);
  }
  rest = rest.substr(0, rest.find('?'));
  std::string_view database = cut(rest, '/');
  if (!set_host(out, rest)) return bad(url, "host or port are wrong");
  while (database.ends_with('/'))
    database.remove_suffix(1);
  if (!database.empty()) {
    const auto number = parse_number<unsigned>(database);
    if (!number) return bad(url, "the database is no number");
    out.database = *number;
  }
  return out;
}

Address Address::as(std::string user_name, std::string user_password) const {
  Address out = *this;
  out.user = std::move(user_name);
  out.password = std::move(user_password);
  return out;
}

std::string Address::url() const {
  const std::string name = percent_encode(user);
  const std::string secret = percent_encode(password);
  if (transport == Transport::kUnix) {
    std::string out = fmt::format("redis+unix://{}?protocol=resp3", percent_encode(path, "/"));
    if (database != 0) out += fmt::format("&db={}", database);
    if (!user.empty()) out += "&user=" + name;
    if (!password.empty()) out += "&pass=" + secret;
    return out;
  }
  const std::string who = user.empty() && password.empty() ? "" : fmt::format("{}:{}@", name, secret);
  return fmt::format("{}{}{}:{}/{}?protocol=resp3{}", transport == Transport::kTls ? kTls : kTcp, who, bracketed(host),
                     port, database == 0 ? "" : std::to_string(database),
                     certificates == Certificates::kIgnored ? "#insecure" : "");
}

std::string Address::describe() const {
  if (transport == Transport::kUnix) return "unix://" + path;
  const std::string place = fmt::format("{}{}:{}", transport == Transport::kTls ? kTls : kTcp, bracketed(host), port);
  return database == 0 ? place : fmt::format("{}/{}", place, database);
}

bool Address::is_loopback() const {
  if (transport == Transport::kUnix || host == "localhost" || host.ends_with(".localhost")) return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6) != 0;
}

}  // namespace mito::redis
