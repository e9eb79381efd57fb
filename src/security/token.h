#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::security {

/// What a bearer token says (reference/server.md 2.1).
struct Claims {
  std::string sub;        ///< User name, or worker UUID.
  std::int64_t exp = 0;   ///< Unix seconds.
  std::int64_t sign = 0;  ///< The user's auth_signature; 0 for workers.
  friend bool operator==(const Claims&, const Claims&) = default;
};

/// An Ed25519 key pair; signs and verifies bearer tokens. Immutable, any thread.
class TokenKeys {
 public:
  /// PEM texts (`PRIVATE KEY`, `PUBLIC KEY`). kUsage with the reason and the openssl commands when they cannot be used
  /// or do not belong together.
  static Result<TokenKeys> from_pem(std::string_view private_pem, std::string_view public_pem);
  static Result<TokenKeys> generate();

  [[nodiscard]] std::string private_pem() const;
  [[nodiscard]] std::string public_pem() const;
  /// SHA-256 of the public key, hexadecimal.
  [[nodiscard]] std::string fingerprint() const;

  /// Standard Base64 of the compact JWT.
  [[nodiscard]] std::string sign(const Claims& claims) const;
  /// Checks form, algorithm, signature, claims and `exp` (with 60 s leeway at `now`, Unix seconds). kInvalidToken
  /// otherwise. About 0.2 ms.
  [[nodiscard]] Result<Claims> verify(std::string_view bearer, std::int64_t now) const;

  TokenKeys(TokenKeys&&) noexcept;
  TokenKeys& operator=(TokenKeys&&) noexcept;
  ~TokenKeys();

 private:
  class Impl;
  explicit TokenKeys(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace mito::security
