#include "security/sigv4.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <fmt/core.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/encoding.h"

namespace mito::security {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string hmac_sha256(std::string_view secret, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(), &length) == nullptr)
    throw std::runtime_error("OpenSSL cannot compute HMAC-SHA-256");
  return {reinterpret_cast<const char*>(digest.data()), length};
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL cannot compute SHA-256");
  return hex_encode({reinterpret_cast<const char*>(digest.data()), length});
}

/// `20130524T000000Z`; its first eight digits are the day.
std::string format_time(Timestamp now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - day));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

std::string_view day_of(std::string_view time) {
  return time.substr(0, 8);
}

SigV4Fields sorted(SigV4Fields fields) {
  std::ranges::sort(fields);
  return fields;
}

/// `content-length;host`
std::string names_of(const SigV4Fields& headers) {
  std::string out;
  for (const auto& [name, value] : headers)
    out += (out.empty() ? "" : ";") + name;
  return out;
}

SigV4Fields with_host(const SigV4Request& request) {
  SigV4Fields headers = request.headers;
  headers.emplace_back("host", request.host);
  return headers;
}

}  // namespace

std::string sigv4_encode_path(std::string_view path) {
  return percent_encode(path, "/");
}

std::string sigv4_encode_query(const SigV4Fields& query) {
  std::string out;
  for (const auto& [name, value] : query)
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", percent_encode(name), percent_encode(value));
  return out;
}

std::string SigV4Signer::scope(std::string_view day) const {
  return fmt::format("{}/{}/{}/aws4_request", day, settings_.region, settings_.service);
}

std::string SigV4Signer::key_of(std::string_view day) const {
  auto known = day_key_.lock();
  if (known->day != day) {
    std::string key = hmac_sha256("AWS4" + settings_.secret_key, day);
    for (const std::string_view part :
         {std::string_view(settings_.region), std::string_view(settings_.service), std::string_view("aws4_request")})
      key = hmac_sha256(key, part);
    *known = {.day = std::string(day), .key = std::move(key)};
  }
  return known->key;
}

std::string SigV4Signer::signature(const SigV4Request& request, const SigV4Fields& headers,
                                   std::string_view payload_hash, std::string_view time) const {
  std::string canonical =
      fmt::format("{}\n{}\n{}\n", request.method, request.path, sigv4_encode_query(sorted(request.query)));
  for (const auto& [name, value] : headers)
    canonical += fmt::format("{}:{}\n", name, value);
  canonical += fmt::format("\n{}\n{}", names_of(headers), payload_hash);
  const std::string_view day = day_of(time);
  const std::string text = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, scope(day), sha256_hex(canonical));
  return hex_encode(hmac_sha256(key_of(day), text));
}

std::string SigV4Signer::presign(const SigV4Request& request, std::chrono::seconds life, Timestamp now) const {
  const std::string time = format_time(now);
  const SigV4Fields headers = sorted(with_host(request));
  SigV4Request whole = request;
  whole.query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  whole.query.emplace_back("X-Amz-Credential", settings_.access_key + "/" + scope(day_of(time)));
  whole.query.emplace_back("X-Amz-Date", time);
  whole.query.emplace_back("X-Amz-Expires", std::to_string(life.count()));
  whole.query.emplace_back("X-Amz-SignedHeaders", names_of(headers));
  whole.query.emplace_back("X-Amz-Signature", signature(whole, headers, "UNSIGNED-PAYLOAD", time));
  return sigv4_encode_query(whole.query);
}

SigV4Fields SigV4Signer::sign(const SigV4Request& request, std::string_view payload, Timestamp now) const {
  const std::string time = format_time(now);
  SigV4Fields added{{"x-amz-content-sha256", sha256_hex(payload)}, {"x-amz-date", time}};
  SigV4Fields headers = with_host(request);
  headers.insert(headers.end(), added.begin(), added.end());
  headers = sorted(std::move(headers));
  added.emplace_back("Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                                  settings_.access_key, scope(day_of(time)), names_of(headers),
                                                  signature(request, headers, added.front().second, time)));
  return added;
}

}  // namespace mito::security
