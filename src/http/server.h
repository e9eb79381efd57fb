#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/result.h"
#include "http/message.h"

namespace mito::http {

template <class T>
using Awaitable = boost::asio::awaitable<T, boost::asio::any_io_executor>;

/// Why a request body could not be read.
enum class BodyError {
  kTooLarge,    ///< More than the limit that was asked for.
  kUnreadable,  ///< A bad chunk, or the connection ended in the middle.
};

/// The request body, read only when a handler asks for it. Lives on the connection's thread.
class Body {
 public:
  virtual ~Body() = default;
  /// The whole body. Fails with kTooLarge as soon as a Content-Length or the bytes received say so.
  virtual Awaitable<std::expected<std::string, BodyError>> read_all(std::size_t limit) = 0;
  /// Some more bytes; 0 at the end.
  virtual Awaitable<std::expected<std::size_t, BodyError>> read_some(std::span<char> buffer) = 0;
  /// From Content-Length; nothing for a chunked body.
  [[nodiscard]] virtual std::optional<std::uint64_t> content_length() const = 0;
};

/// A request whose head has arrived.
struct Request {
  std::string method;  ///< As sent; case-sensitive.
  std::string path;    ///< Undecoded, from `/`; absolute-form targets are reduced to it.
  std::string query;   ///< Undecoded, without `?`.
  Headers headers;
  std::string peer_address;  ///< IP address without port.
  std::uint64_t id = 0;      ///< Counts requests, for the log.
  Body* body = nullptr;
  /// Completes when the peer has closed its side, or at abort(); never when the peer pipelines a further request or has
  /// unread body left. For requests that are held open; may be used until the response's source is gone. Ends early
  /// when it is cancelled.
  std::function<Awaitable<void>()> until_peer_closes;
};

/// A body that is produced while it is sent. Called on the connection's thread.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Fills some of `buffer`; 0 at the end. An error breaks the connection off, so that the peer sees a truncated body.
  virtual Awaitable<Result<std::size_t>> read(std::span<char> buffer) = 0;
  /// Known length, else the body is sent in chunks.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const = 0;
};

struct Response {
  unsigned status = 200;
  Headers headers{};
  std::string body{};
  std::unique_ptr<BodySource> source{};  ///< Instead of `body`.
  bool close = false;                    ///< End the connection after this response.
};

using Handler = std::function<Awaitable<Response>(Request&)>;

struct ServerSettings {
  std::string tls_certificate{};  ///< PEM file, with the certificates up to the root's; empty: plain HTTP.
  std::string tls_key{};          ///< Its private key, PEM file.
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                 ///< 0: any free one.
  unsigned threads = 0;                   ///< 0: one per core.
  std::size_t max_connections = 0;        ///< 0: from RLIMIT_NOFILE (raised to its hard limit), less a reserve.
  std::size_t max_target_bytes = 65'534;  ///< Longer: 414.
  std::size_t max_header_fields = 100;    ///< More: 431.
  std::size_t max_head_bytes = 480 << 10;
  std::chrono::milliseconds idle_timeout{150'000};        ///< Between requests of a connection.
  std::chrono::milliseconds head_timeout{60'000};         ///< For a request head once its first byte came.
  std::chrono::milliseconds body_stall_timeout{60'000};   ///< Without any byte of a body that is read.
  std::chrono::milliseconds write_stall_timeout{60'000};  ///< Without any byte of a response taken by the peer.
};

struct ServerStatistics {
  std::uint64_t connections = 0;
  std::uint64_t accepted = 0;
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;  ///< Answered by the transport itself: 400, 414, 431.
  std::uint64_t timeouts = 0;
  std::uint64_t tls_failures = 0;  ///< Connections that ended in their TLS handshake.
  std::uint64_t displaced = 0;     ///< Idle connections closed at the limit, to let others in.
};

/// HTTP/1.1 on N threads ("io-<n>"), one io_context each; a connection stays on its thread. Knows no routes.
///
/// Keep-alive, pipelining (answers in order), `Expect: 100-continue`, chunked request bodies, HEAD (the body of the
/// response is not sent, its length is), absolute-form targets, requests without Host; with a certificate over TLS 1.2
/// and newer. At the connection limit a connection on which nothing was asked yet makes room for the next; when there
/// is none, it stops accepting. A handler that throws is answered 500 with the text `Service panicked`, and logged.
class Server {
 public:
  /// `handler` is called on the connection's thread, concurrently on several of them.
  Server(ServerSettings settings, Handler handler);
  ~Server();

  /// Binds and listens. kUsage with a text that names address and remedy when that is not possible.
  Result<void> start();
  [[nodiscard]] std::uint16_t port() const;
  /// Reads certificate and key anew, for connections that come from now on; those of before stay in use when that
  /// fails. kUsage with the name of the file. Any thread; does nothing without TLS.
  Result<void> reload_tls();
  /// Stops accepting; requests in flight are answered with `Connection: close`; idle connections are closed at the end
  /// of `grace`, or as soon as nothing is in flight any more. What is in flight at the end of `grace` is cut off as by
  /// abort(). Returns when all threads have ended, so every handler must end by itself or when it is cancelled. Not
  /// from an I/O thread.
  void stop(std::chrono::milliseconds grace);
  /// Stops accepting and cuts every connection off at once: until_peer_closes() returns, bodies fail, handlers are
  /// cancelled (asio::cancellation_type::terminal). May be called while stop() waits.
  void abort();
  [[nodiscard]] ServerStatistics statistics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mito::http
