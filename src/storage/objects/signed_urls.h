#pragma once

#include <chrono>
#include <string>

#include <fmt/core.h>

#include "base/time.h"
#include "security/object_url.h"
#include "storage/objects/object_store.h"

namespace mito::storage {

/// URLs of objects that the coordinator serves itself. Any thread; signer and clock outlive it.
class SignedUrls {
 public:
  SignedUrls(const security::ObjectUrlSigner& signer, const Clock& clock) : signer_(signer), clock_(clock) {}

  [[nodiscard]] Result<std::string> upload(const ObjectKey& key, std::uint64_t length, std::chrono::seconds life,
                                           std::string_view base) const {
    // The words and the limit are those of S3 clients, which count in signed numbers.
    if (const auto signed_length = static_cast<std::int64_t>(length); signed_length < 0)
      return fail(ErrorCode::kUploadRefused, fmt::format("Invalid content length {}", signed_length));
    return url("PUT", key, length, life, base);
  }
  [[nodiscard]] std::string download(const ObjectKey& key, std::chrono::seconds life, std::string_view base) const {
    return url("GET", key, std::nullopt, life, base);
  }

 private:
  [[nodiscard]] std::string url(std::string method, const ObjectKey& key, std::optional<std::uint64_t> length,
                                std::chrono::seconds life, std::string_view base) const {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch();
    return std::string(base) + signer_.sign({.method = std::move(method),
                                             .bucket = std::string(to_string(key.bucket)),
                                             .key = key.key,
                                             .expires_at = (now + life).count(),
                                             .length = length});
  }

  const security::ObjectUrlSigner& signer_;
  const Clock& clock_;
};

}  // namespace mito::storage
