#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::security {

/// What a signed object URL allows.
struct ObjectGrant {
  std::string method;  ///< "PUT" or "GET" (a GET grant also allows HEAD).
  std::string bucket;
  std::string key;
  std::int64_t expires_at = 0;          ///< Unix seconds.
  std::optional<std::uint64_t> length;  ///< PUT: exactly this many bytes.
};

/// Makes and checks `/objects/<bucket>/<key>?…` targets with HMAC-SHA-256. The host is not signed. Immutable, any
/// thread.
class ObjectUrlSigner {
 public:
  /// `secret`: 32 random bytes.
  explicit ObjectUrlSigner(std::string secret) : secret_(std::move(secret)) {}

  /// Path and query, without scheme and host. Any byte may stand in the key.
  [[nodiscard]] std::string sign(const ObjectGrant& grant) const;
  /// `path` and `query` undecoded, as they came; `method` as it came; `now` in Unix seconds. kPermissionDenied, with a
  /// text that says whether the signature, the method or the time is wrong.
  [[nodiscard]] Result<ObjectGrant> verify(std::string_view method, std::string_view path, std::string_view query,
                                           std::int64_t now) const;

 private:
  std::string secret_;
};

}  // namespace mito::security
