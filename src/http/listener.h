#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/result.h"
#include "http/server.h"
#include "http/shard.h"

namespace mito::http {

/// Accepts connections and hands each to the shard with the fewest. At the limit it accepts none until one has ended,
/// and ends those on which nothing was asked for a while when others wait;
/// errors such as a lack of file descriptors are waited out. Lives on the first shard's thread.
class Listener {
 public:
  /// `shards` outlive it.
  Listener(const ServerSettings& settings, std::vector<std::unique_ptr<Shard>>& shards);

  /// Binds and listens; before the shards are started.
  Result<void> open();
  /// Valid after open().
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Begins to accept. Any thread.
  void start();
  /// Stops accepting. Any thread.
  void stop();
  /// A connection has ended. Any thread.
  void make_room();

 private:
  Awaitable<void> accept();
  Awaitable<void> wait(std::chrono::milliseconds time);
  void listen_on(const boost::asio::ip::tcp::endpoint& endpoint);
  [[nodiscard]] std::size_t connections() const;
  Shard& emptiest();
  /// A connection stands in the kernel's queue.
  bool somebody_waits();

  const ServerSettings& settings_;
  std::vector<std::unique_ptr<Shard>>& shards_;
  std::size_t limit_ = 0;
  std::uint16_t port_ = 0;
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type> acceptor_;
  boost::asio::steady_timer pause_;
  std::atomic<bool> full_ = false;
  bool stopped_ = false;
};

}  // namespace mito::http
