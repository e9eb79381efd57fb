#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
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
///
/// A removal can be on its way while its object is uploaded anew: an attempt that was given up may stand in the buffer
/// of a proxy. So every attempt is a presigned request that the server refuses after a few seconds by its own clock,
/// which is learned from its answers, and a removal ends only when none of its attempts can succeed any more.
class S3ObjectStore final : public RemoteObjectStore {
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
  std::vector<Leftover> remove_all(std::span<const ObjectKey> keys, const Withdrawn& withdrawn) override;
  Result<Page> list(Bucket bucket, const std::string& after) override;
  Result<std::string> claim(Bucket bucket, const std::string& owner) override;
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

  /// The attempts of one operation.
  class Attempts;
  using Keys = std::vector<std::string>;

  S3ObjectStore(S3Settings settings, const Clock& clock);
  Result<void> prepare_bucket(const std::string& bucket, MissingBuckets missing);
  Result<void> create_bucket(const std::string& bucket);
  /// What a refused look at a bucket means.
  Error bucket_error(const std::string& bucket, const http::ClientResponse& answer);
  [[nodiscard]] Call removal_of(Bucket bucket, const Keys& keys) const;
  /// Attempts until `keys` are gone or withdrawn (these are taken out of it).
  Result<http::ClientResponse> try_to_remove(Bucket bucket, Keys& keys, const Withdrawn& withdrawn);
  void remove_batch(Bucket bucket, Keys keys, const Withdrawn& withdrawn, std::vector<Leftover>& left);
  /// The content of a small object; nothing: it is not there.
  Result<std::optional<std::string>> read_small(Bucket bucket, const std::string& key);
  [[nodiscard]] const S3Place& place(Bucket bucket) const { return places_[static_cast<std::size_t>(bucket)]; }
  [[nodiscard]] std::string presign(const ObjectKey& key, security::SigV4Request request,
                                    std::chrono::seconds life) const;
  Result<http::ClientResponse> send(const Call& call);
  Result<http::ClientResponse> send_signed(const Call& call, std::chrono::milliseconds timeout);
  /// Refused by a server that gets it later than `life` from now.
  Result<http::ClientResponse> send_presigned(const Call& call, std::chrono::milliseconds timeout,
                                              std::chrono::seconds life);
  Result<http::ClientResponse> exchange(const Call& call, http::ClientRequest request,
                                        std::chrono::milliseconds timeout);
  /// Notes what the server's clock shows.
  void learn_time(const http::ClientResponse& answer);
  /// How far the server's clock is ahead of ours.
  [[nodiscard]] std::chrono::seconds ahead() const { return std::chrono::seconds(ahead_.load()); }
  /// Waits; false: the store ends.
  bool pause(std::chrono::milliseconds time);
  [[nodiscard]] Error unexpected(const Call& call, const http::ClientResponse& answer) const;

  const S3Settings settings_;
  const Clock& clock_;
  const security::SigV4Signer signer_;
  std::string described_;
  std::array<S3Place, 2> places_;         ///< By Bucket, as we reach them.
  std::array<S3Place, 2> public_places_;  ///< As workers and clients do.
  std::atomic<std::int64_t> ahead_ = 0;
  std::stop_source ending_;
  http::Client client_;
};

}  // namespace mito::storage
