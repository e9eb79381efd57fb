#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "base/sync.h"
#include "http/server.h"

namespace mito::http::testing {

/// Handlers wait here until the test lets them through.
class Gate {
 public:
  /// Returns when the gate is open, or when the waiting coroutine is cancelled.
  Awaitable<void> wait();
  void open();
  /// Waits until `count` handlers wait; false after 10 s.
  bool has_waiting(std::size_t count);

 private:
  struct State {
    bool open = false;
    std::size_t arrived = 0;
    std::vector<std::shared_ptr<boost::asio::steady_timer>> waiting;
  };
  Sync<State> state_;
  std::condition_variable changed_;
};

/// What /object holds: 100,000 bytes, all places different enough.
const std::string& object_bytes();

/// A server on a free port of the loopback interface, with handlers by path:
///   /hello   `hello`                       /echo    the body back; 413 over 2 MiB, 400 when it cannot be read
///   /count   the body's length, streamed   /ignore  401 without a look at the body
///   /show    method, path, query, fields   /gate    `through` once gate is open
///   /until-closed   waits until the peer closes, counts in peers_gone
///   /first-of       /until-closed or the gate, whatever comes first
///   /throw   throws                        /source, /chunks, /short, /broken   1 MiB of `x` from a source; of unknown
///   length; that ends early; that fails /close   ends the connection           /empty   204
class ServerUnderTest {
 public:
  explicit ServerUnderTest(ServerSettings settings = {});
  ~ServerUnderTest();

  Server& server() { return server_; }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  [[nodiscard]] std::string url(const std::string& path) const;

  Gate gate;
  std::atomic<int> peers_gone = 0;
  std::atomic<int> sources_alive = 0;

 private:
  Awaitable<Response> handle(Request& request);

  Server server_;
};

/// Waits until `condition` holds; false after 10 s.
bool eventually(const std::function<bool()>& condition);

}  // namespace mito::http::testing
