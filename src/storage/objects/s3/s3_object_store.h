#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"
#include "security/sigv4.h"
#include "storage/objects/object_store.h"
#include "storage/objects/s3/s3_endpoint.h"

namespace mito::storage {

struct S3Settings {
  std::string url;           ///< Where we reach the server.
  std::string public_url{};  ///< Where workers and clients do; empty: the same.
  std::string access_key;
  std::string secret_key;
  std::string region;
  S3Addressing addressing = S3Addressing::kAutomatic;
  std::string artifacts_bucket;
  std::string attachments_bucket;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds attempt_timeout{5'000};  ///< Of one request.
  std::chrono::milliseconds patience{12'000};        ///< Of one operation with all its attempts.
  std::chrono::milliseconds first_pause{200};        ///< Between attempts; doubled each time.
};

/// Objects in two buckets of an S3 server, which workers and clients reach themselves by presigned URLs
/// (reference/server.md section 6): the bytes never come through the coordinator. Faults that may pass (no connection,
/// 429, 5xx) are tried again with growing pauses until the patience ends.
class S3ObjectStore final : public ObjectStore {
 public:
  /// Looks at nothing but the settings. `clock` outlives the store. kUsage.
  static Result<std::unique_ptr<S3ObjectStore>> open(S3Settings settings, const Clock& clock);
  /// Gives up what is under way (kCancelled).
  ~S3ObjectStore() override;

  enum class MissingBuckets { kCreate, kTell };
  /// Checks that both buckets can be used, and creates those that are missing. Errors say what to do. kUnreachable,
  /// kTimeout, kPermissionDenied (key, region, rights), kNotFound (a bucket is missing and was to be left so),
  /// kProtocol (no S3 server).
  Result<void> prepare(MissingBuckets missing);

  Result<std::string> upload_url(const ObjectKey& key, std::uint64_t length, std::chrono::seconds life,
                                 std::string_view base) override;
  Result<std::string> download_url(const ObjectKey& key, std::chrono::seconds life, std::string_view base) override;
  Result<void> remove(const ObjectKey& key) override;
  std::vector<Leftover> remove_all(std::span<const ObjectKey> keys) override;
  Result<std::optional<std::uint64_t>> size(const ObjectKey& key) override;
  [[nodiscard]] std::string describe() const override;

 private:
  /// A request to be signed and sent.
  struct Call {
    std::string method;
    S3Place place;
    std::string key{};  ///< Empty: the bucket itself.
    security::SigV4Fields query{};
    security::SigV4Fields headers{};
    std::string body{};
  };

  S3ObjectStore(S3Settings settings, const Clock& clock);
  Result<void> prepare_bucket(const std::string& bucket, MissingBuckets missing);
  Result<void> create_bucket(const std::string& bucket);
  /// What a refused look at a bucket means.
  Error bucket_error(const std::string& bucket, const http::ClientResponse& answer);
  Result<void> remove_batch(Bucket bucket, const std::vector<std::string>& keys, std::vector<Leftover>& left);
  [[nodiscard]] const S3Place& place(Bucket bucket) const { return places_[static_cast<std::size_t>(bucket)]; }
  [[nodiscard]] std::string presign(const ObjectKey& key, security::SigV4Request request,
                                    std::chrono::seconds life) const;
  Result<http::ClientResponse> send(const Call& call);
  Result<http::ClientResponse> send_once(const Call& call, std::chrono::milliseconds timeout);
  /// Waits between two attempts; false: the store ends.
  bool pause(std::chrono::milliseconds time);
  [[nodiscard]] Error unexpected(const Call& call, const http::ClientResponse& answer) const;

  const S3Settings settings_;
  const Clock& clock_;
  const security::SigV4Signer signer_;
  std::string described_;
  std::array<S3Place, 2> places_;         ///< By Bucket, as we reach them.
  std::array<S3Place, 2> public_places_;  ///< As workers and clients do.
  std::stop_source ending_;
  http::Client client_;
};

}  // namespace mito::storage
