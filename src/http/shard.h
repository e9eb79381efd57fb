#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/sync.h"
#include "http/server.h"
#include "http/tls.h"

namespace mito::http {

class Connection;

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// What all shards of one server have in common. Outlives them.
struct ServerContext {
  ServerSettings settings;
  Handler handler;
  Sync<std::shared_ptr<TlsContext>> tls;  ///< Null: plain HTTP.
  std::atomic<bool> stopping = false;
  std::atomic<std::uint64_t> last_request_id = 0;
  std::function<void()> connection_ended;  ///< Any I/O thread.
  std::function<void()> went_quiet;  ///< A shard has nothing in flight or has ended, while stopping. Any I/O thread.
};

/// One thread, its io_context and the connections that live on it. Methods without remark: on that thread only.
class Shard {
 public:
  Shard(ServerContext& context, unsigned number);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// Counters that any thread may read; only the shard's thread writes them.
  struct Counters {
    std::atomic<std::size_t> connections = 0;  ///< Counted by the acceptor when it hands one over.
    std::atomic<std::size_t> in_flight = 0;
    std::atomic<std::uint64_t> accepted = 0;
    std::atomic<std::uint64_t> requests = 0;
    std::atomic<std::uint64_t> refused = 0;
    std::atomic<std::uint64_t> timeouts = 0;
    std::atomic<std::uint64_t> tls_failures = 0;
    std::atomic<std::uint64_t> displaced = 0;
    std::atomic<bool> ended = false;
  };
  Counters counters;

  [[nodiscard]] ServerContext& server() { return server_; }
  [[nodiscard]] boost::asio::io_context& io() { return io_; }

  /// Starts the thread. Before everything else; from the thread that owns the server.
  void start();
  /// Takes over an accepted connection. Any thread.
  void adopt(Socket socket);
  /// Closes idle connections, and lets the thread end when the others are through. Any thread.
  void finish();
  /// Closes the oldest connections on which nothing was asked yet, up to `most` of them. Any thread.
  void displace(std::size_t most);
  /// Cuts every connection off, present and future ones. Any thread.
  void cut_off();
  /// Waits for the end of the thread. From the thread that owns the server.
  void join();

  /// Now, in the form of the Date field.
  const std::string& date();
  void request_began();
  void request_ended();
  /// Idle connections are to be closed, lingering ones are not to linger long.
  [[nodiscard]] bool finishing() const { return finishing_; }

 private:
  using Connections = std::list<std::unique_ptr<Connection>>;

  void open(Socket socket);
  void forget(Connections::iterator connection);
  void watch_deadlines();

  ServerContext& server_;
  const unsigned number_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  boost::asio::steady_timer deadline_check_{io_};
  std::chrono::milliseconds check_interval_;
  bool checking_ = false;
  bool finishing_ = false;
  bool cut_off_ = false;
  std::int64_t date_second_ = -1;
  std::string date_;
  Connections connections_;
  std::thread thread_;
};

}  // namespace mito::http
