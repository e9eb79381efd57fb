#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace mito::http {

struct ClientRequest {
  std::string method = "GET";
  std::string url{};  ///< Absolute.
  Headers headers{};
  std::string body{};                            ///< Sent with its length, unless upload_file is given.
  std::string upload_file{};                     ///< Streamed from this file …
  std::optional<std::uint64_t> upload_length{};  ///< … of exactly this many bytes (default: its size).
  std::string download_file{};                   ///< A 2xx body is streamed here instead of into memory …
  std::uint64_t resume_from = 0;                 ///< … behind this many bytes that are there already (Range request).
  /// A 2xx body is given to this instead, piece by piece; an error ends the request with it. This and the other
  /// functions of a request are called on the client's thread, or on the one that waits in send_and_wait().
  std::function<Result<void>(std::string_view piece)> on_body{};
  std::size_t max_response_bytes = 256 << 20;  ///< Of a body in memory.
  std::chrono::milliseconds connect_timeout{10'000};
  /// Without any byte in either direction; 0: none. Long polls need more than their wait.
  std::chrono::milliseconds stall_timeout{60'000};
  std::chrono::milliseconds total_timeout{0};  ///< 0: none.
  /// The header fields of a 2xx answer to a download_file request, before its first byte is written.
  std::function<void(const Headers& headers)> on_head{};
  /// Bytes done and in all (0: unknown).
  std::function<void(std::uint64_t done, std::uint64_t total)> progress{};
};

struct ClientResponse {
  unsigned status = 0;
  Headers headers{};
  std::string body{};
  std::uint64_t bytes_received = 0;
};

struct ClientSettings {
  std::string user_agent = "mito";
  std::string ca_file{};  ///< PEM; empty: the system's.
  bool verify_tls = true;
  std::size_t connections_per_host = 64;  ///< Half of them for requests that run on the thread which waits for them.
};

/// HTTP client on libcurl's multi interface. What is sent with send() runs on one thread of its own ("http-client"),
/// what is waited for on the thread that waits (but for what is more than its half of the connections), so that an
/// answer wakes no other. Keeps connections and uses them again; follows the proxy variables of the environment, but
/// no redirects. No `Expect:` header. Sends each request once (but for libcurl, which repeats it when a connection that
/// was kept turns out to be dead before any answer): a retry is the caller's choice.
///
/// Errors: kUnreachable (no connection was made, the text names the address), kTimeout, kCancelled, kIo (local file; a
/// partial download stays, to be resumed), kProtocol (connection broken in the middle, garbage, more than
/// max_response_bytes), kUsage (not a URL or header field). An answer of any status is a response, not an error.
class Client {
 public:
  explicit Client(ClientSettings settings);
  /// Gives up what is under way (kCancelled), also what others wait for, and ends the thread.
  ~Client();

  using Callback = std::move_only_function<void(Result<ClientResponse>)>;
  /// `done` is called once, on the client's thread, and must not block or throw. Any thread, also within a callback.
  void send(ClientRequest request, std::stop_token stop, Callback done);
  /// Waits for the answer. Not from within a callback. Any thread.
  Result<ClientResponse> send_and_wait(ClientRequest request, std::stop_token stop = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mito::http
