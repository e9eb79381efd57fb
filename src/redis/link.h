#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "redis/client.h"
#include "redis/reply.h"
#include "redis/stream.h"

struct redisReader;

namespace mito::redis {

/// One connection to the server, from the first packet to its end: name and password, commands out, replies in, and the
/// watch over a server that has fallen silent. On the client's thread.
class Link {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Use { kCommands, kMessages };

  /// Begins to connect. kUnreachable.
  static Result<std::unique_ptr<Link>> open(const ClientSettings& settings, Use use, Clock::time_point now);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  [[nodiscard]] int descriptor() const { return stream_->descriptor(); }
  [[nodiscard]] short events() const { return stream_->events(written_ < out_.size()); }
  /// Whether the server has taken name and password and what had to come first.
  [[nodiscard]] bool is_up() const { return phase_ == Phase::kUp; }
  [[nodiscard]] std::size_t unwritten() const { return out_.size() - written_; }
  /// When check() has something to do if nothing happens until then.
  [[nodiscard]] Clock::time_point due() const;

  /// Appends a command; its reply comes from work().
  void put(const std::string& bytes, unsigned replies, Clock::time_point now);
  /// Writes and reads what is possible. Replies to put() and messages go to `take`. An error ends the connection:
  /// kUnreachable, kPermissionDenied (the server refuses us), kUnavailable (it does for now), kProtocol.
  Result<void> work(Clock::time_point now, const std::function<void(Reply)>& take);
  /// Pings an idle server. kTimeout: it is silent for too long.
  Result<void> check(Clock::time_point now);

 private:
  enum class Phase { kConnecting, kGreeting, kUp };
  struct ReaderDelete {
    void operator()(redisReader* reader) const;
  };

  Link(const ClientSettings& settings, Use use, Clock::time_point now);
  void greet(Clock::time_point now);
  Result<void> flush(Clock::time_point now);
  Result<void> read(Clock::time_point now, const std::function<void(Reply)>& take);
  Result<void> take_replies(Clock::time_point now, const std::function<void(Reply)>& take);
  Result<void> on_reply(Reply reply, const std::function<void(Reply)>& take);
  [[nodiscard]] Error refusal(const std::string& words) const;

  const ClientSettings& settings_;
  const Use use_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<redisReader, ReaderDelete> reader_;
  Phase phase_ = Phase::kConnecting;
  std::size_t greetings_ = 0;  ///< Whose replies are to come.
  std::string out_;
  std::size_t written_ = 0;
  std::size_t unparsed_ = 0;  ///< Bytes read since the last whole reply.
  /// Of commands that wait for replies: whether the reply is the caller's. Not kept for messages.
  std::deque<bool> awaited_;
  const Clock::time_point began_;
  Clock::time_point last_activity_;
  std::optional<Clock::time_point> silent_since_;  ///< Something was sent, and nothing has come since.
};

}  // namespace mito::redis
