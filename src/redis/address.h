#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::redis {

/// Where a Redis is and as whom to use it.
struct Address {
  enum class Transport { kTcp, kTls, kUnix };
  enum class Certificates { kVerified, kIgnored };

  Transport transport = Transport::kTcp;
  Certificates certificates = Certificates::kVerified;  ///< Of a server reached by TLS.
  std::string host{};                                   ///< Name or IP address, without brackets.
  std::uint16_t port = 6379;
  std::string path{};  ///< Of a Unix socket.
  std::string user{};  ///< Empty: the server's default user.
  std::string password{};
  unsigned database = 0;

  /// `redis://[[user]:password@]host[:port][/database]`, `rediss://…` (TLS; `#insecure`: any certificate),
  /// `unix:///path[?user=…&pass=…&db=…]`. User and password may be percent-encoded; other parameters are ignored.
  /// kUsage; the text shows no password.
  static Result<Address> parse(std::string_view url);

  /// The same place as another user.
  [[nodiscard]] Address as(std::string user_name, std::string user_password) const;
  /// A URL that parse() and other Redis clients understand, with the password in it and `protocol=resp3`, in the form
  /// that the original hands out (reference/server.md section 7).
  [[nodiscard]] std::string url() const;
  /// For logs and errors: `redis://host:port`, without user and password.
  [[nodiscard]] std::string describe() const;
  /// Whether only this machine can reach it.
  [[nodiscard]] bool is_loopback() const;

  friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace mito::redis
