#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "redis/address.h"
#include "redis/reply.h"

namespace mito::redis {

struct ClientSettings {
  Address address;
  std::string ca_file{};             ///< PEM, for `rediss://`; empty: the system's.
  std::vector<Command> setup{};      ///< Sent first on every new connection for commands; none may be refused.
  std::size_t max_queued = 16'384;   ///< Commands that wait; beyond them the oldest is dropped.
  std::size_t max_listeners = 1024;  ///< Beyond them listen() refuses.
  std::chrono::milliseconds connect_timeout{5'000};  ///< Until the server took name and password.
  std::chrono::milliseconds answer_timeout{10'000};  ///< A server that is silent for longer counts as gone.
  std::chrono::milliseconds ping_interval{15'000};   ///< Of an idle connection.
  std::chrono::milliseconds first_retry{100};        ///< Doubled up to …
  std::chrono::milliseconds longest_retry{5'000};
  std::chrono::milliseconds linger{500};  ///< How long the end waits for queued commands to be sent.
};

/// Which messages a listener hears.
struct Topic {
  enum class Kind { kChannel, kPattern };
  Kind kind = Kind::kChannel;
  std::string name;  ///< `task:<uuid>`, or a glob such as `task:*`.

  friend auto operator<=>(const Topic&, const Topic&) = default;
};

/// Ends a subscription when it is destroyed; then its callbacks are not running and are not called again, unless it is
/// destroyed within one of them, which is allowed. Must not outlive the client.
class Listening {
 public:
  class Handle {
   public:
    virtual ~Handle() = default;
  };

  Listening() = default;
  explicit Listening(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

 private:
  std::unique_ptr<Handle> handle_;
};

/// A client of one Redis server on a thread of its own ("redis"), with one connection for commands and, while somebody
/// listens, one for messages. A server that goes away is tried again for ever, with growing pauses; what is queued
/// waits for it, bounded, the oldest being dropped and counted. After a broken connection a command may be executed
/// twice. Any thread; no function but ask() and wait_until_connected() blocks.
class Client {
 public:
  struct Callbacks {
    /// A message. On the client's thread; must not block.
    std::move_only_function<void(std::string_view channel, std::string_view payload)> message;
    /// The server has begun to send messages, at first or again: others may have been missed before, so look at what
    /// they would have told. On the client's thread; must not block. May be empty.
    std::move_only_function<void()> joined{};
    /// Messages may be missed from now on. As above.
    std::move_only_function<void()> lost{};
  };

  struct Statistics {
    bool connected = false;          ///< For commands.
    std::uint64_t sent = 0;          ///< Commands that were answered.
    std::uint64_t dropped = 0;       ///< Commands given up because too many waited.
    std::uint64_t refused = 0;       ///< Commands answered with an error.
    std::uint64_t received = 0;      ///< Messages.
    std::uint64_t connections = 0;   ///< Made so far.
    std::uint64_t queued = 0;        ///< Commands that wait now.
    std::optional<Error> problem{};  ///< Why there is no connection for commands.
  };

  explicit Client(ClientSettings settings);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Ends connections and thread: no callback runs or is called afterwards. Not within a callback. Idempotent, and done
  /// by the destructor; for owners whose callbacks use the client.
  void stop();

  /// Queues a command whose answer nobody needs; one that is refused is counted and logged.
  void send(Command command);
  /// Queues several in order, with nothing between them.
  void send(std::vector<Command> commands);
  /// Sends a command and waits for the answer. An answer of any kind is a reply, also kError. kUnreachable,
  /// kPermissionDenied (the server refuses us), kTimeout, kUnavailable (dropped). Not within a callback.
  Result<Reply> ask(Command command, std::chrono::milliseconds timeout);
  using Answer = std::move_only_function<void(Result<Reply>)>;
  /// Sends a command; `done` is called once, with the answer however long it takes, with kUnavailable when too much
  /// waits, or with kCancelled when the client ends. On the client's thread, at its end on the one that ends it; must
  /// not block.
  void ask(Command command, Answer done);

  /// Calls back for every message on the topic until the handle is destroyed. kUnavailable: too many listen.
  Result<Listening> listen(Topic topic, Callbacks callbacks);

  /// Waits until commands can be sent. Otherwise why not: kUnreachable, kTimeout, kPermissionDenied with the server's
  /// words. Returns early when the server refuses us.
  Result<void> wait_until_connected(std::chrono::milliseconds timeout);

  [[nodiscard]] const Address& address() const;
  [[nodiscard]] Statistics statistics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mito::redis
