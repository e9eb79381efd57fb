#include "security/token_claims.h"

#include <algorithm>
#include <limits>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "base/encoding.h"

namespace mito::security {
namespace {

namespace json = boost::json;

std::optional<json::object> parse_object(std::string_view text) {
  if (!is_utf8(text)) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

bool is_absent_or_string(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr || value->is_string() || value->is_null();
}

/// An audience in either of its two forms makes a token invalid, for it was made for somebody else; other types are no
/// audience.
bool has_audience(const json::object& object) {
  const json::value* audience = object.if_contains("aud");
  if (audience == nullptr) return false;
  if (audience->is_string()) return true;
  return audience->is_array() &&
         std::ranges::all_of(audience->get_array(), [](const json::value& v) { return v.is_string(); });
}

/// An integer not below `least`. What exceeds int64 is cut: such a token does not expire.
std::optional<std::int64_t> read_integer(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64()) return std::numeric_limits<std::int64_t>::max();
  return std::nullopt;
}

}  // namespace

std::string write_claims(const Claims& claims) {
  return fmt::format(R"({{"sub":{},"exp":{},"sign":{}}})", json::serialize(json::string_view(claims.sub)), claims.exp,
                     claims.sign);
}

bool is_token_header(std::string_view text) {
  const auto header = parse_object(text);
  if (!header) return false;
  const json::value* algorithm = header->if_contains("alg");
  return algorithm != nullptr && algorithm->is_string() && algorithm->get_string() == "EdDSA" &&
         is_absent_or_string(*header, "typ") && is_absent_or_string(*header, "kid");
}

std::optional<Claims> read_claims(std::string_view text) {
  const auto object = parse_object(text);
  if (!object || has_audience(*object)) return std::nullopt;
  const json::value* subject = object->if_contains("sub");
  const json::value* signature = object->if_contains("sign");
  const auto expiry = read_integer(object->if_contains("exp"));
  if (subject == nullptr || !subject->is_string() || !expiry || *expiry < 0) return std::nullopt;
  if (signature == nullptr || !signature->is_int64()) return std::nullopt;
  return Claims{.sub = std::string(subject->get_string()), .exp = *expiry, .sign = signature->get_int64()};
}

}  // namespace mito::security
