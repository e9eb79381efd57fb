#include "security/object_url.h"

#include <array>
#include <charconv>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/encoding.h"
#include "security/compare.h"

namespace mito::security {
namespace {

constexpr std::string_view kPrefix = "/objects/";

std::string hmac_sha256(std::string_view secret, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(), &length) == nullptr) {
    throw std::runtime_error("OpenSSL cannot compute HMAC-SHA-256");
  }
  return {reinterpret_cast<const char*>(digest.data()), length};
}

/// What is signed. Each text is preceded by its length, so that no two grants give the same bytes.
std::string signature_of(std::string_view secret, const ObjectGrant& grant) {
  const std::string message = fmt::format("mitosis-object-1\n{}:{}\n{}:{}\n{}:{}\n{}\n{}", grant.method.size(),
                                          grant.method, grant.bucket.size(), grant.bucket, grant.key.size(), grant.key,
                                          grant.expires_at, grant.length ? std::to_string(*grant.length) : "any");
  return base64url_encode(hmac_sha256(secret, message));
}

/// The key as the rest of a path. Clients and proxies rewrite paths with empty, `.` and `..` segments; the slashes of
/// such keys are escaped, so that the whole key is one segment.
std::string encode_key(std::string_view key) {
  bool plain = true;
  for (std::string_view rest = key; plain;) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    plain = !segment.empty() && segment != "." && segment != "..";
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return percent_encode(key, plain ? "/" : "");
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

/// What the query says. Parameters that are not ours are ignored, for they change nothing that is granted.
struct Query {
  std::string method;
  std::string expires;
  std::optional<std::string> length;
  std::string signature;
};

/// False when a parameter of ours is given twice: two readers might see two different values.
bool read_query(std::string_view query, Query& result) {
  unsigned seen = 0;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view item = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    const std::size_t equals = item.find('=');
    const std::string name = percent_decode(item.substr(0, equals), true);
    std::string value =
        equals == std::string_view::npos ? std::string{} : percent_decode(item.substr(equals + 1), true);
    unsigned bit = 0;
    if (name == "method") {
      bit = 1;
      result.method = std::move(value);
    } else if (name == "expires") {
      bit = 2;
      result.expires = std::move(value);
    } else if (name == "length") {
      bit = 4;
      result.length = std::move(value);
    } else if (name == "signature") {
      bit = 8;
      result.signature = std::move(value);
    }
    if ((seen & bit) != 0) return false;
    seen |= bit;
  }
  return true;
}

}  // namespace

std::string ObjectUrlSigner::sign(const ObjectGrant& grant) const {
  std::string target = fmt::format("{}{}/{}?method={}&expires={}", kPrefix, percent_encode(grant.bucket),
                                   encode_key(grant.key), grant.method, grant.expires_at);
  if (grant.length) target += fmt::format("&length={}", *grant.length);
  return target + "&signature=" + signature_of(secret_, grant);
}

Result<ObjectGrant> ObjectUrlSigner::verify(std::string_view method, std::string_view path, std::string_view query,
                                            std::int64_t now) const {
  const auto refuse = [](std::string_view text) { return fail(ErrorCode::kPermissionDenied, std::string(text)); };
  constexpr std::string_view kBadSignature =
      "The signature of this object URL is missing or wrong; ask the coordinator for a new one";
  if (!path.starts_with(kPrefix)) return refuse(kBadSignature);
  path.remove_prefix(kPrefix.size());
  const std::size_t slash = path.find('/');
  Query parameters;
  if (slash == std::string_view::npos || !read_query(query, parameters)) return refuse(kBadSignature);
  ObjectGrant grant;
  grant.method = parameters.method;
  grant.bucket = percent_decode(path.substr(0, slash));
  grant.key = percent_decode(path.substr(slash + 1));
  if (!parse_number(parameters.expires, grant.expires_at)) return refuse(kBadSignature);
  if (parameters.length) {
    std::uint64_t length = 0;
    if (!parse_number(*parameters.length, length)) return refuse(kBadSignature);
    grant.length = length;
  }
  if (!equal_in_constant_time(parameters.signature, signature_of(secret_, grant))) return refuse(kBadSignature);
  if (method != grant.method && !(method == "HEAD" && grant.method == "GET")) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("This object URL was signed for {}, not for {}", grant.method, method));
  }
  if (now >= grant.expires_at) return refuse("This object URL has expired; ask the coordinator for a new one");
  return grant;
}

}  // namespace mito::security
