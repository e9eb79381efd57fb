#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "http/message.h"

namespace mito::http::testing {

/// A response as it came over the socket.
struct RawResponse {
  unsigned status = 0;
  Headers headers;
  std::string body;
  bool whole = false;  ///< Its end arrived as its framing says.

  [[nodiscard]] std::string header(std::string_view name) const;
};

/// A TCP peer on a plain blocking socket, so that every byte is the test's choice. Reads give up after 10 s.
class RawPeer {
 public:
  /// Not connected yet.
  RawPeer();
  explicit RawPeer(std::uint16_t port);
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  bool connect(std::uint16_t port);
  /// False when the other side does not take it any more.
  bool send(std::string_view bytes);
  /// Sends what the kernel takes at once; how much that was.
  std::size_t send_some(std::string_view bytes);
  /// Reads one response, `method` being that of its request. Interim responses (1xx) are returned, too.
  RawResponse receive(std::string_view method = "GET");
  /// Reads what comes until the other side closes or resets; nothing when it does neither in time.
  std::optional<std::string> receive_until_closed();
  /// Whether the other side closes without sending anything more.
  bool is_closed();
  /// Whether something to read (or the end) arrives within `time`.
  bool hears_within(std::chrono::milliseconds time);
  void shut_down_sending();
  /// Closes with a reset instead of an orderly end.
  void reset();
  void close();

 private:
  bool read_more();
  bool read_chunks(std::string& body);
  std::optional<std::string> read_line();

  int socket_ = -1;
  std::string buffer_;
};

/// A server that answers each of its connections, one after the other, with the same bytes after it has seen a request
/// head.
class RawServer {
 public:
  enum class Then { kClose, kReset, kWait };
  RawServer(std::string answer, Then then);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Connections served so far.
  [[nodiscard]] int served() const { return served_; }

 private:
  void serve();
  void answer_one(int connection);

  const std::string answer_;
  const Then then_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> served_ = 0;
  std::vector<int> waiting_;
  std::thread thread_;
};

}  // namespace mito::http::testing
