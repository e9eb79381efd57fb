#include "storage/objects/s3/s3_endpoint.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstdint>
#include <netinet/in.h>

#include <fmt/core.h>

namespace mito::storage {

namespace {

std::unexpected<Error> bad(std::string_view url, std::string_view setting) {
  return fail(ErrorCode::kUsage,
              fmt::format("{} is `{}`: it must be http://host[:port] or https://host[:port], optionally with a path.",
                          setting, url));
}

/// A label of a host name that S3 allows as a bucket's name.
bool is_label(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && is_letter(name.front()) && is_letter(name.back()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || c == '-'; });
}

bool is_port(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() && number != 0;
}

}  // namespace

Result<S3Endpoint> S3Endpoint::parse(std::string_view url, std::string_view setting) {
  S3Endpoint out;
  std::string_view rest;
  for (const std::string_view scheme : {"http", "https"})
    if (url.starts_with(std::string(scheme) + "://")) {
      out.scheme_ = scheme;
      rest = url.substr(scheme.size() + 3);
    }
  if (rest.empty() || rest.find_first_of("?#@ ") != std::string_view::npos) return bad(url, setting);
  const auto slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  out.path_ = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  while (out.path_.ends_with('/'))
    out.path_.pop_back();
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    out.port_ = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
    if (!is_port(out.port_)) return bad(url, setting);
    if (out.port_ == (out.scheme_ == "http" ? "80" : "443")) out.port_.clear();
  }
  out.host_ = authority;
  std::ranges::transform(out.host_, out.host_.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (out.host_.empty() || out.host_.starts_with('[') != out.host_.ends_with(']')) return bad(url, setting);
  return out;
}

bool S3Endpoint::is_address() const {
  in_addr v4{};
  return host_.starts_with('[') || ::inet_pton(AF_INET, host_.c_str(), &v4) == 1;
}

S3Place S3Endpoint::place(std::string_view bucket, S3Addressing addressing) const {
  const std::string port = port_.empty() ? "" : ":" + port_;
  if (addressing == S3Addressing::kPath || is_address() || !is_label(bucket))
    return {.origin = fmt::format("{}://{}{}", scheme_, host_, port),
            .host = host_ + port,
            .prefix = fmt::format("{}/{}", path_, bucket)};
  const std::string host = fmt::format("{}.{}{}", bucket, host_, port);
  return {.origin = fmt::format("{}://{}", scheme_, host), .host = host, .prefix = path_};
}

bool S3Endpoint::is_loopback() const {
  if (host_ == "localhost" || host_.ends_with(".localhost") || host_ == "[::1]") return true;
  in_addr v4{};
  return ::inet_pton(AF_INET, host_.c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

std::string S3Endpoint::url() const {
  return fmt::format("{}://{}{}{}", scheme_, host_, port_.empty() ? "" : ":" + port_, path_);
}

}  // namespace mito::storage
