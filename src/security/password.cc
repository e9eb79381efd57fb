#include "security/password.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include <argon2.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/encoding.h"
#include "base/random.h"
#include "security/compare.h"

namespace mito::security {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
/// What a stored hash may ask of this machine: a damaged row must not take all memory.
constexpr std::uint32_t kMostMemory = 4 * 1024 * 1024;
constexpr std::uint32_t kMostPasses = 1024;
constexpr std::uint32_t kMostLanes = 64;

struct Parameters {
  std::uint32_t memory = 19'456;  ///< KiB.
  std::uint32_t passes = 2;
  std::uint32_t lanes = 1;
};

struct Phc {
  argon2_type type = Argon2_id;
  std::uint32_t version = ARGON2_VERSION_13;
  Parameters parameters;
  std::string salt;
  std::string hash;
};

std::optional<std::uint32_t> parse_number(std::string_view text) {
  if (text.empty() || text.size() > 9 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<argon2_type> parse_type(std::string_view name) {
  if (name == "argon2id") return Argon2_id;
  if (name == "argon2i") return Argon2_i;
  if (name == "argon2d") return Argon2_d;
  return std::nullopt;
}

bool parse_parameters(std::string_view text, Parameters& parameters) {
  for (const std::string_view item : split(text, ',')) {
    if (item.size() < 3 || item[1] != '=') return false;
    const auto value = parse_number(item.substr(2));
    if (!value) return false;
    switch (item.front()) {
      case 'm':
        parameters.memory = *value;
        break;
      case 't':
        parameters.passes = *value;
        break;
      case 'p':
        parameters.lanes = *value;
        break;
      default:
        return false;
    }
  }
  return parameters.memory <= kMostMemory && parameters.passes <= kMostPasses && parameters.lanes <= kMostLanes;
}

/// `$argon2id$v=19$m=…,t=…,p=…$<salt>$<hash>`; the version may be missing and means 16 then, as in the PHC format.
std::optional<Phc> parse_phc(std::string_view text) {
  auto parts = split(text, '$');
  if (parts.size() < 5 || !parts[0].empty()) return std::nullopt;
  Phc phc;
  const auto type = parse_type(parts[1]);
  if (!type) return std::nullopt;
  phc.type = *type;
  std::size_t next = 2;
  phc.version = ARGON2_VERSION_10;
  if (parts[next].starts_with("v=")) {
    const auto version = parse_number(parts[next].substr(2));
    if (!version || (*version != ARGON2_VERSION_10 && *version != ARGON2_VERSION_13)) return std::nullopt;
    phc.version = *version;
    ++next;
  }
  if (parts.size() != next + 3 || !parse_parameters(parts[next], phc.parameters)) return std::nullopt;
  auto salt = base64_decode_unpadded(parts[next + 1]);
  auto hash = base64_decode_unpadded(parts[next + 2]);
  if (!salt || !hash || hash->size() < 4 || hash->size() > 1024) return std::nullopt;
  phc.salt = *std::move(salt);
  phc.hash = *std::move(hash);
  return phc;
}

Result<std::string> compute(const PasswordDigest& digest, const Phc& phc, std::size_t length) {
  std::string hash(length, '\0');
  const int status =
      argon2_hash(phc.parameters.passes, phc.parameters.memory, phc.parameters.lanes, digest.data(), digest.size(),
                  phc.salt.data(), phc.salt.size(), hash.data(), hash.size(), nullptr, 0, phc.type, phc.version);
  if (status != ARGON2_OK) {
    return fail(ErrorCode::kInternal, {}, fmt::format("Argon2: {}", argon2_error_message(status)));
  }
  return hash;
}

}  // namespace

PasswordDigest digest_password(std::string_view password) {
  PasswordDigest digest{};
  unsigned int length = 0;
  if (EVP_Digest(password.data(), password.size(), digest.data(), &length, EVP_md5(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL offers no MD5, which the protocol needs for passwords");
  }
  return digest;
}

Result<std::string> hash_password(const PasswordDigest& digest) {
  return hash_password(digest, random_bytes(kSaltBytes));
}

Result<std::string> hash_password(const PasswordDigest& digest, std::string_view salt) {
  Phc phc;
  phc.salt = salt;
  MITO_TRY_ASSIGN(const std::string hash, compute(digest, phc, kHashBytes));
  return fmt::format("$argon2id$v={}$m={},t={},p={}${}${}", phc.version, phc.parameters.memory, phc.parameters.passes,
                     phc.parameters.lanes, base64_encode_unpadded(salt), base64_encode_unpadded(hash));
}

Result<bool> verify_password(const PasswordDigest& digest, std::string_view phc) {
  const auto stored = parse_phc(phc);
  if (!stored) return fail(ErrorCode::kInternal, {}, "a stored password hash is not in the PHC form of Argon2");
  MITO_TRY_ASSIGN(const std::string hash, compute(digest, *stored, stored->hash.size()));
  return equal_in_constant_time(hash, stored->hash);
}

}  // namespace mito::security
