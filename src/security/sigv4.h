#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "base/time.h"

namespace mito::security {

/// Names and values in order, undecoded.
using SigV4Fields = std::vector<std::pair<std::string, std::string>>;

/// What is signed of a request.
struct SigV4Request {
  std::string method;
  std::string host;  ///< With the port when it is not the scheme's own.
  std::string path;  ///< Percent-encoded already, as it is sent (sigv4_encode_path).
  SigV4Fields query{};
  SigV4Fields headers{};  ///< Besides `host`; names in lower case, values without blanks at their ends.
};

/// Signs requests to S3 with AWS Signature Version 4: as headers, or within the URL (presigned). Any thread.
class SigV4Signer {
 public:
  struct Settings {
    std::string access_key;
    std::string secret_key;
    std::string region;
    std::string service = "s3";
  };

  explicit SigV4Signer(Settings settings) : settings_(std::move(settings)) {}

  /// The query of a URL that stands for this request for `life`: the request's own parameters, then the signature's,
  /// in the order of reference/server.md 6.4. The payload is not signed.
  [[nodiscard]] std::string presign(const SigV4Request& request, std::chrono::seconds life, Timestamp now) const;
  /// The headers to add to the request: `x-amz-date`, `x-amz-content-sha256` and `Authorization`. Those of the request
  /// are signed, too.
  [[nodiscard]] SigV4Fields sign(const SigV4Request& request, std::string_view payload, Timestamp now) const;

 private:
  [[nodiscard]] std::string signature(const SigV4Request& request, const SigV4Fields& headers,
                                      std::string_view payload_hash, std::string_view time) const;
  [[nodiscard]] std::string scope(std::string_view day) const;
  [[nodiscard]] std::string key_of(std::string_view day) const;

  /// The key of the day that was asked for last.
  struct DayKey {
    std::string day;
    std::string key;
  };

  const Settings settings_;
  mutable Sync<DayKey> day_key_;
};

/// The path of an object's key: every byte but A-Z a-z 0-9 - . _ ~ / as %XX. Nothing is normalised.
std::string sigv4_encode_path(std::string_view path);
/// `a=1&b=2`, encoded.
std::string sigv4_encode_query(const SigV4Fields& query);

}  // namespace mito::security
