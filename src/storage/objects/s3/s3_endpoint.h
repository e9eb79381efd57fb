#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::storage {

enum class S3Addressing {
  kAutomatic,  ///< The bucket is part of the host name wherever it can be.
  kPath,       ///< The bucket is always part of the path.
};

/// Where a bucket is reached (reference/server.md 6.1).
struct S3Place {
  std::string origin;  ///< `http://bucket.host:port`
  std::string host;    ///< As in the Host header: with the port when it is not the scheme's own.
  std::string prefix;  ///< Of the path, encoded: `/base/bucket`, or empty.
};

/// The URL of an S3 server, taken apart.
class S3Endpoint {
 public:
  /// `setting`: the name of the setting, for the error. kUsage: not `http://host[:port][/path]` or https.
  static Result<S3Endpoint> parse(std::string_view url, std::string_view setting);

  /// Path style when the host is an IP address, when it is asked for, and when the bucket is no valid label of a host
  /// name; otherwise virtual-host style.
  [[nodiscard]] S3Place place(std::string_view bucket, S3Addressing addressing) const;
  /// Whether only this machine can reach it.
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] std::string url() const;

 private:
  [[nodiscard]] bool is_address() const;

  std::string scheme_;
  std::string host_;  ///< IPv6 addresses in brackets.
  std::string port_;  ///< Empty: the scheme's own.
  std::string path_;  ///< Without a slash at the end.
};

}  // namespace mito::storage
