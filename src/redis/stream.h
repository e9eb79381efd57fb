#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "redis/address.h"

struct ssl_st;

namespace mito::redis {

/// A connection without waiting, by TCP, TLS or a Unix socket. One thread.
class Stream {
 public:
  /// Looks the host up (which may take a moment) and begins to connect. kUnreachable.
  static Result<std::unique_ptr<Stream>> open(const Address& address, const std::string& ca_file);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// What poll() is to wait for; `more_to_write`: the caller has bytes left.
  [[nodiscard]] short events(bool more_to_write) const;
  /// Goes on with connecting after poll(); true: bytes may go. kUnreachable, kPermissionDenied (certificate).
  Result<bool> advance();
  /// Bytes read; 0: none at the moment. kUnreachable: closed.
  Result<std::size_t> read(char* buffer, std::size_t size);
  /// Bytes written; 0: none can be taken at the moment.
  Result<std::size_t> write(std::string_view bytes);

 private:
  enum class Phase { kConnecting, kSecuring, kReady };
  struct Place {
    int family = 0;
    std::string bytes;  ///< A sockaddr.
  };

  Stream(Address address, std::string ca_file) : address_(std::move(address)), ca_file_(std::move(ca_file)) {}
  Result<void> look_up();
  /// Begins with the next address that can be tried.
  Result<void> connect_next();
  Result<void> begin_tls();
  Result<bool> advance_tls();
  /// What TLS wants next after a call that returned `code`; an error when it is over.
  Result<void> after_tls(int code);
  void close();

  struct TlsDelete {
    void operator()(ssl_st* tls) const;
  };

  const Address address_;
  const std::string ca_file_;
  std::vector<Place> places_;
  std::string trouble_;  ///< Of the address tried last.
  int descriptor_ = -1;
  Phase phase_ = Phase::kConnecting;
  std::unique_ptr<ssl_st, TlsDelete> tls_;
  bool tls_wants_write_ = false;
};

}  // namespace mito::redis
