#include "redis/link.h"

#include <algorithm>
#include <array>
#include <hiredis/hiredis.h>
#include <utility>

#include <fmt/core.h>

namespace mito::redis {

namespace {

/// Nothing that is told about tasks comes near it.
constexpr std::size_t kLargestReply = 16 << 20;
const std::string kPing = encode({"PING"});

/// Errors of a server that will serve us later.
bool is_passing(const std::string& words) {
  for (const std::string_view start :
       {"LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "OOM", "ERR max number of clients"})
    if (words.starts_with(start)) return true;
  return false;
}

}  // namespace

void Link::ReaderDelete::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

Link::Link(const ClientSettings& settings, Use use, Clock::time_point now)
    : settings_(settings), use_(use), reader_(redisReaderCreate()), began_(now), last_activity_(now) {}

Link::~Link() = default;

Result<std::unique_ptr<Link>> Link::open(const ClientSettings& settings, Use use, Clock::time_point now) {
  std::unique_ptr<Link> out(new Link(settings, use, now));
  MITO_TRY_ASSIGN(out->stream_, Stream::open(settings.address, settings.ca_file));
  return out;
}

Link::Clock::time_point Link::due() const {
  if (phase_ != Phase::kUp) return began_ + settings_.connect_timeout;
  const auto ping = last_activity_ + settings_.ping_interval;
  return silent_since_ ? std::min(ping, *silent_since_ + settings_.answer_timeout) : ping;
}

Result<void> Link::check(Clock::time_point now) {
  if (phase_ != Phase::kUp) {
    if (now < began_ + settings_.connect_timeout) return {};
    return fail(ErrorCode::kTimeout, fmt::format("{}: no answer within {} ms", settings_.address.describe(),
                                                 settings_.connect_timeout.count()));
  }
  if (silent_since_ && now >= *silent_since_ + settings_.answer_timeout)
    return fail(ErrorCode::kTimeout, fmt::format("{}: no answer within {} ms", settings_.address.describe(),
                                                 settings_.answer_timeout.count()));
  if (now >= last_activity_ + settings_.ping_interval) {
    out_ += kPing;
    if (use_ == Use::kCommands) awaited_.push_back(false);
    last_activity_ = now;
    if (!silent_since_) silent_since_ = now;
  }
  return {};
}

void Link::greet(Clock::time_point now) {
  const Address& address = settings_.address;
  std::vector<Command> greeting;
  if (!address.user.empty())
    greeting.push_back({"AUTH", address.user, address.password});
  else if (!address.password.empty())
    greeting.push_back({"AUTH", address.password});
  if (address.database != 0) greeting.push_back({"SELECT", std::to_string(address.database)});
  // Refused by a server that wants a password and was given none.
  greeting.push_back({"PING"});
  if (use_ == Use::kCommands) greeting.insert(greeting.end(), settings_.setup.begin(), settings_.setup.end());
  for (const Command& command : greeting)
    out_ += encode(command);
  greetings_ = greeting.size();
  phase_ = Phase::kGreeting;
  last_activity_ = now;
}

void Link::put(const std::string& bytes, unsigned replies, Clock::time_point now) {
  out_ += bytes;
  if (use_ == Use::kCommands) awaited_.insert(awaited_.end(), replies, true);
  last_activity_ = now;
  if (!silent_since_) silent_since_ = now;
}

Result<void> Link::work(Clock::time_point now, const std::function<void(Reply)>& take) {
  if (phase_ == Phase::kConnecting) {
    MITO_TRY_ASSIGN(const bool ready, stream_->advance());
    if (!ready) return {};
    greet(now);
  }
  MITO_TRY(read(now, take));
  return flush(now);
}

Result<void> Link::flush(Clock::time_point now) {
  while (written_ < out_.size()) {
    MITO_TRY_ASSIGN(const std::size_t count, stream_->write(std::string_view(out_).substr(written_)));
    if (count == 0) break;
    written_ += count;
    last_activity_ = now;
  }
  constexpr std::size_t kWorthMoving = 64 << 10;
  if (written_ == out_.size() || written_ > kWorthMoving) {
    out_.erase(0, written_);
    written_ = 0;
  }
  return {};
}

Result<void> Link::read(Clock::time_point now, const std::function<void(Reply)>& take) {
  std::array<char, 16 << 10> buffer{};
  // Bounded, so that one connection with much to say does not starve the other.
  for (int round = 0; round < 16; ++round) {
    MITO_TRY_ASSIGN(const std::size_t count, stream_->read(buffer.data(), buffer.size()));
    if (count == 0) return {};
    last_activity_ = now;
    unparsed_ += count;
    redisReaderFeed(reader_.get(), buffer.data(), count);
    MITO_TRY(take_replies(now, take));
    if (unparsed_ > kLargestReply)
      return fail(ErrorCode::kProtocol,
                  fmt::format("{}: a reply is larger than {} bytes", settings_.address.describe(), kLargestReply));
    if (count < buffer.size()) return {};
  }
  return {};
}

Result<void> Link::take_replies(Clock::time_point now, const std::function<void(Reply)>& take) {
  while (true) {
    void* raw = nullptr;
    if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK)
      return fail(ErrorCode::kProtocol, fmt::format("{} does not speak the protocol of Redis: {}",
                                                    settings_.address.describe(), &reader_->errstr[0]));
    if (raw == nullptr) break;
    const std::unique_ptr<void, decltype(&freeReplyObject)> owner(raw, &freeReplyObject);
    unparsed_ = 0;
    MITO_TRY(on_reply(to_reply(*static_cast<redisReply*>(raw)), take));
  }
  silent_since_.reset();
  if (!awaited_.empty()) silent_since_ = now;
  return {};
}

Result<void> Link::on_reply(Reply reply, const std::function<void(Reply)>& take) {
  if (phase_ == Phase::kGreeting) {
    if (reply.is_error()) return fail(refusal(reply.text));
    if (--greetings_ == 0) phase_ = Phase::kUp;
    return {};
  }
  if (use_ == Use::kMessages) {
    take(std::move(reply));
    return {};
  }
  if (awaited_.empty())
    return fail(ErrorCode::kProtocol,
                fmt::format("{}: a reply that nothing asked for: {}", settings_.address.describe(), reply.text));
  const bool callers = awaited_.front();
  awaited_.pop_front();
  if (callers) take(std::move(reply));
  return {};
}

Error Link::refusal(const std::string& words) const {
  const Address& address = settings_.address;
  const std::string who = address.user.empty() ? "us" : "the user " + address.user;
  return {is_passing(words) ? ErrorCode::kUnavailable : ErrorCode::kPermissionDenied,
          fmt::format("{} refuses {}: {}", address.describe(), who, words)};
}

}  // namespace mito::redis
