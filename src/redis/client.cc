#include "redis/client.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <poll.h>
#include <pthread.h>
#include <set>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

#include "base/logging.h"
#include "base/random.h"
#include "base/sync.h"
#include "redis/link.h"

namespace mito::redis {

namespace {

constexpr log::Source kLog{"netmito::redis"};
using Clock = Link::Clock;
using std::chrono::milliseconds;

/// Commands on their way at the same time, and bytes of them; the rest waits where it can be dropped.
constexpr std::size_t kMostUnderWay = 512;
constexpr std::size_t kMostUnwritten = 1 << 20;

/// Commands that go together.
struct Item {
  std::string bytes;
  unsigned replies = 1;
  std::string name;  ///< Of the first command, for the log.
  Client::Answer answer{};
  std::shared_ptr<std::atomic<bool>> abandoned{};  ///< Set when nobody waits for the answer any more.
};

class Listener {
 public:
  explicit Listener(Client::Callbacks callbacks) : callbacks_(std::move(callbacks)) {}

  void message(std::string_view channel, std::string_view payload) {
    const std::scoped_lock lock(mutex_);
    if (active_ && callbacks_.message) callbacks_.message(channel, payload);
  }
  /// Says once that messages come, or that they do not any more.
  void set_joined(bool joined) {
    const std::scoped_lock lock(mutex_);
    if (!active_ || joined_ == joined) return;
    joined_ = joined;
    auto& callback = joined ? callbacks_.joined : callbacks_.lost;
    if (callback) callback();
  }
  void end() {
    const std::scoped_lock lock(mutex_);
    active_ = false;
  }

 private:
  // Held while a callback runs, so that whoever ends the listener knows that none does; recursive, because the callback
  // itself may end it.
  std::recursive_mutex mutex_;
  bool active_ = true;
  bool joined_ = false;
  Client::Callbacks callbacks_;
};

using Listeners = std::vector<std::shared_ptr<Listener>>;

void sleep_signals() {
  // Signals of the process are other threads' business; SIGPIPE of TLS is nobody's.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

class Client::Impl {
 public:
  explicit Impl(ClientSettings settings);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void stop();
  void send(std::vector<Command> commands);
  Result<Reply> ask(const Command& command, milliseconds timeout);
  void ask(const Command& command, Answer done);
  Result<Listening> listen(Topic topic, Callbacks callbacks);
  void remove(const Topic& topic, const std::shared_ptr<Listener>& listener);
  Result<void> wait_until_connected(milliseconds timeout);
  [[nodiscard]] const Address& address() const { return settings_.address; }
  [[nodiscard]] Statistics statistics() const;

 private:
  class Handle;
  struct Queue {
    std::deque<Item> items;
    std::vector<Answer> given_up;  ///< Of commands that were dropped.
    std::uint64_t dropped = 0;
    std::optional<Clock::time_point> ends_at;  ///< The client ends then at the latest.
  };
  struct Topics {
    std::map<Topic, Listeners> of;
    std::size_t count = 0;
    bool changed = false;
  };
  struct Condition {
    bool connected = false;
    std::uint64_t connections = 0;
    std::optional<Error> problem;
  };
  /// A connection that is wanted, and when to try for it again.
  struct Line {
    Link::Use use;
    std::unique_ptr<Link> link{};
    Clock::time_point next_try{};
    milliseconds pause{0};
    bool complained = false;
    bool was_up = false;
  };

  void wake() const;
  void push(Item item);
  /// Takes away what is too much, oldest first.
  void cut(Queue& queue) const;
  [[nodiscard]] Error why_not() const;

  // On the client's thread.
  void run();
  void answer_given_up();
  bool is_over(Clock::time_point now);
  void tend(Line& line, Clock::time_point now);
  void connect(Line& line, Clock::time_point now);
  void serve(Line& line, Clock::time_point now);
  void on_up(Line& line, Clock::time_point now);
  void on_failure(Line& line, Error error, Clock::time_point now);
  void wait(Clock::time_point now);
  void feed(Clock::time_point now);
  void on_reply(Reply reply);
  void requeue();
  void follow_topics(Clock::time_point now);
  void on_message(Reply message);
  [[nodiscard]] Listeners listeners_of(const Topic& topic) const;
  void lose_topics();
  void note_refusal(const std::string& command, const std::string& words);

  const ClientSettings settings_;
  const int wakeup_;
  Sync<Queue> queue_;
  Sync<Topics> topics_;
  Sync<Condition> condition_;
  std::condition_variable condition_changed_;
  std::atomic<std::uint64_t> sent_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::uint64_t> received_ = 0;

  // On the client's thread.
  Line commands_{.use = Link::Use::kCommands};
  Line messages_{.use = Link::Use::kMessages};
  std::deque<Item> under_way_;
  unsigned answered_ = 0;      ///< Replies that came to the first of them.
  std::set<Topic> asked_for_;  ///< On the connection for messages.
  std::set<Topic> joined_;
  std::optional<Clock::time_point> last_refusal_;
  std::thread thread_;
};

class Client::Impl::Handle final : public Listening::Handle {
 public:
  Handle(Impl& client, Topic topic, std::shared_ptr<Listener> listener)
      : client_(client), topic_(std::move(topic)), listener_(std::move(listener)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() override {
    client_.remove(topic_, listener_);
    listener_->end();
  }

 private:
  Impl& client_;
  const Topic topic_;
  const std::shared_ptr<Listener> listener_;
};

Client::Impl::Impl(ClientSettings settings)
    : settings_(std::move(settings)), wakeup_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  thread_ = std::thread([this] { run(); });
}

Client::Impl::~Impl() {
  stop();
  ::close(wakeup_);
}

void Client::Impl::stop() {
  if (thread_.joinable()) {
    queue_.lock()->ends_at = Clock::now() + settings_.linger;
    wake();
    thread_.join();
  }
  auto left = std::exchange(queue_.lock()->items, {});
  for (Item& item : left)
    if (item.answer) item.answer(fail(ErrorCode::kCancelled, "The Redis client ends"));
}

void Client::Impl::wake() const {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the thread wakes anyway.
  (void)!::write(wakeup_, &one, sizeof one);
}

void Client::Impl::cut(Queue& queue) const {
  while (queue.items.size() > std::max<std::size_t>(1, settings_.max_queued)) {
    if (Answer& answer = queue.items.front().answer) queue.given_up.push_back(std::move(answer));
    queue.items.pop_front();
    ++queue.dropped;
  }
}

void Client::Impl::push(Item item) {
  {
    auto queue = queue_.lock();
    queue->items.push_back(std::move(item));
    cut(*queue);
  }
  wake();
}

void Client::Impl::answer_given_up() {
  auto answers = std::exchange(queue_.lock()->given_up, {});
  for (auto& answer : answers)
    answer(fail(ErrorCode::kUnavailable, "Too many commands wait for Redis"));
}

void Client::Impl::send(std::vector<Command> commands) {
  if (commands.empty()) return;
  Item item{.bytes = {},
            .replies = static_cast<unsigned>(commands.size()),
            .name = commands.front().empty() ? std::string() : commands.front().front()};
  for (const Command& command : commands)
    item.bytes += encode(command);
  push(std::move(item));
}

Result<Reply> Client::Impl::ask(const Command& command, milliseconds timeout) {
  auto promise = std::make_shared<std::promise<Result<Reply>>>();
  auto reply = promise->get_future();
  auto abandoned = std::make_shared<std::atomic<bool>>(false);
  push({.bytes = encode(command),
        .replies = 1,
        .name = command.empty() ? "" : command.front(),
        .answer = [promise](Result<Reply> result) { promise->set_value(std::move(result)); },
        .abandoned = abandoned});
  if (reply.wait_for(timeout) == std::future_status::ready) return reply.get();
  *abandoned = true;
  return fail(why_not());
}

void Client::Impl::ask(const Command& command, Answer done) {
  push({.bytes = encode(command),
        .replies = 1,
        .name = command.empty() ? "" : command.front(),
        .answer = std::move(done),
        .abandoned = nullptr});
}

Error Client::Impl::why_not() const {
  const auto condition = condition_.lock();
  if (!condition->connected && condition->problem) return *condition->problem;
  return {ErrorCode::kTimeout, settings_.address.describe() + ": no answer in time"};
}

Result<void> Client::Impl::wait_until_connected(milliseconds timeout) {
  {
    auto condition = condition_.lock();
    const auto settled = [&] {
      return condition->connected || (condition->problem && condition->problem->code() == ErrorCode::kPermissionDenied);
    };
    condition_changed_.wait_for(condition.guard(), timeout, settled);
    if (condition->connected) return {};
  }
  return fail(why_not());
}

Result<Listening> Client::Impl::listen(Topic topic, Callbacks callbacks) {
  auto listener = std::make_shared<Listener>(std::move(callbacks));
  {
    auto topics = topics_.lock();
    if (topics->count >= settings_.max_listeners)
      return fail(ErrorCode::kUnavailable, "Too many listen to Redis at the same time");
    ++topics->count;
    topics->of[topic].push_back(listener);
    topics->changed = true;
  }
  wake();
  return Listening(std::make_unique<Handle>(*this, std::move(topic), std::move(listener)));
}

void Client::Impl::remove(const Topic& topic, const std::shared_ptr<Listener>& listener) {
  {
    auto topics = topics_.lock();
    const auto found = topics->of.find(topic);
    std::erase(found->second, listener);
    if (found->second.empty()) topics->of.erase(found);
    --topics->count;
    topics->changed = true;
  }
  wake();
}

Client::Statistics Client::Impl::statistics() const {
  Statistics out;
  {
    const auto queue = queue_.lock();
    out.queued = queue->items.size();
    out.dropped = queue->dropped;
  }
  const auto condition = condition_.lock();
  out.connected = condition->connected;
  out.connections = condition->connections;
  out.problem = condition->problem;
  out.sent = sent_.load(std::memory_order_relaxed);
  out.refused = refused_.load(std::memory_order_relaxed);
  out.received = received_.load(std::memory_order_relaxed);
  return out;
}

// -- on the client's thread ----------------------------------------------------------------------

void Client::Impl::run() {
  ::pthread_setname_np(::pthread_self(), "redis");
  sleep_signals();
  while (true) {
    const auto now = Clock::now();
    answer_given_up();
    tend(commands_, now);
    follow_topics(now);
    if (!asked_for_.empty() || messages_.link) tend(messages_, now);
    if (is_over(now)) break;
    wait(now);
  }
  commands_.link.reset();
  messages_.link.reset();
  requeue();
  answer_given_up();
}

bool Client::Impl::is_over(Clock::time_point now) {
  const auto queue = queue_.lock();
  if (!queue->ends_at) return false;
  const bool idle = queue->items.empty() && under_way_.empty();
  return idle || now >= *queue->ends_at || !commands_.link;
}

void Client::Impl::tend(Line& line, Clock::time_point now) {
  if (!line.link) {
    if (now < line.next_try) return;
    connect(line, now);
  }
  if (line.link) serve(line, now);
}

void Client::Impl::connect(Line& line, Clock::time_point now) {
  auto link = Link::open(settings_, line.use, now);
  if (!link) {
    on_failure(line, std::move(link).error(), now);
    return;
  }
  line.link = std::move(*link);
  line.was_up = false;
}

void Client::Impl::serve(Line& line, Clock::time_point now) {
  const bool commands = line.use == Link::Use::kCommands;
  auto worked = line.link->work(now, [this, commands](Reply reply) {
    if (commands)
      on_reply(std::move(reply));
    else
      on_message(std::move(reply));
  });
  if (worked) worked = line.link->check(now);
  if (!worked) {
    on_failure(line, std::move(worked).error(), now);
    return;
  }
  if (line.link->is_up() && !line.was_up) on_up(line, now);
  if (commands && line.link->is_up()) feed(now);
}

void Client::Impl::on_up(Line& line, Clock::time_point now) {
  line.was_up = true;
  line.pause = milliseconds(0);
  if (line.complained) kLog.info("Redis at {} is back", settings_.address.describe());
  line.complained = false;
  if (line.use == Link::Use::kMessages) {
    asked_for_.clear();  // Nothing is on this connection yet.
    topics_.lock()->changed = true;
    follow_topics(now);
    return;
  }
  {
    auto condition = condition_.lock();
    condition->connected = true;
    condition->problem.reset();
    ++condition->connections;
  }
  condition_changed_.notify_all();
}

void Client::Impl::on_failure(Line& line, Error error, Clock::time_point now) {
  line.link.reset();
  const auto longer = line.pause == milliseconds(0) ? settings_.first_retry : 2 * line.pause;
  line.pause = std::min(longer, settings_.longest_retry);
  // Many workers lose a server at the same time: they come back spread out.
  const auto spread = static_cast<unsigned char>(random_bytes(1)[0]);
  line.next_try = now + line.pause / 2 + line.pause * spread / 512;
  if (!line.complained) kLog.warn("Redis is not usable and tried again: {}", describe(error));
  line.complained = true;
  if (line.use == Link::Use::kMessages) {
    lose_topics();
    return;
  }
  requeue();
  {
    auto condition = condition_.lock();
    condition->connected = false;
    condition->problem = std::move(error);
  }
  condition_changed_.notify_all();
}

void Client::Impl::wait(Clock::time_point now) {
  std::array<pollfd, 3> wanted{};
  std::size_t count = 0;
  wanted[count++] = {.fd = wakeup_, .events = POLLIN, .revents = 0};
  auto due = now + std::chrono::minutes(1);
  const bool listening = !asked_for_.empty() || messages_.link;
  for (const Line* line : {&commands_, &messages_}) {
    if (line == &messages_ && !listening) continue;
    if (line->link) wanted[count++] = {.fd = line->link->descriptor(), .events = line->link->events(), .revents = 0};
    due = std::min(due, line->link ? line->link->due() : line->next_try);
  }
  if (const auto ends_at = queue_.lock()->ends_at) due = std::min(due, *ends_at);
  const auto left = std::max(milliseconds(0), std::chrono::ceil<milliseconds>(due - now));
  ::poll(wanted.data(), count, static_cast<int>(left.count()));
  std::uint64_t ignored = 0;
  (void)!::read(wakeup_, &ignored, sizeof ignored);
}

void Client::Impl::feed(Clock::time_point now) {
  while (under_way_.size() < kMostUnderWay && commands_.link->unwritten() < kMostUnwritten) {
    Item item;
    {
      auto queue = queue_.lock();
      if (queue->items.empty()) return;
      item = std::move(queue->items.front());
      queue->items.pop_front();
    }
    if (item.abandoned && *item.abandoned) continue;
    commands_.link->put(item.bytes, item.replies, now);
    under_way_.push_back(std::move(item));
  }
}

void Client::Impl::on_reply(Reply reply) {
  Item& item = under_way_.front();
  sent_.fetch_add(1, std::memory_order_relaxed);
  if (reply.is_error() && !item.answer) note_refusal(item.name, reply.text);
  if (++answered_ < item.replies) return;
  Answer answer = std::move(item.answer);
  under_way_.pop_front();
  answered_ = 0;
  if (answer) answer(std::move(reply));
}

void Client::Impl::note_refusal(const std::string& command, const std::string& words) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  const auto now = Clock::now();
  if (last_refusal_ && now - *last_refusal_ < std::chrono::minutes(1)) return;
  last_refusal_ = now;
  kLog.warn("Redis refuses {}: {}", command, words);
}

void Client::Impl::requeue() {
  auto queue = queue_.lock();
  while (!under_way_.empty()) {
    queue->items.push_front(std::move(under_way_.back()));
    under_way_.pop_back();
  }
  answered_ = 0;
  cut(*queue);
}

void Client::Impl::follow_topics(Clock::time_point now) {
  std::vector<std::pair<Topic, Listeners>> wanted;
  {
    auto topics = topics_.lock();
    if (!topics->changed) return;
    topics->changed = false;
    wanted.assign(topics->of.begin(), topics->of.end());
  }
  std::set<Topic> names;
  for (const auto& [topic, listeners] : wanted) {
    names.insert(topic);
    if (joined_.contains(topic))
      for (const auto& listener : listeners)
        listener->set_joined(true);
  }
  const bool up = messages_.link && messages_.link->is_up();
  const auto put = [&](const Topic& topic, const char* channel, const char* pattern) {
    if (up) messages_.link->put(encode({topic.kind == Topic::Kind::kChannel ? channel : pattern, topic.name}), 1, now);
  };
  for (const Topic& topic : asked_for_)
    if (!names.contains(topic)) {
      put(topic, "UNSUBSCRIBE", "PUNSUBSCRIBE");
      joined_.erase(topic);
    }
  for (const Topic& topic : names)
    if (!up || !asked_for_.contains(topic)) put(topic, "SUBSCRIBE", "PSUBSCRIBE");
  asked_for_ = std::move(names);
}

Listeners Client::Impl::listeners_of(const Topic& topic) const {
  const auto topics = topics_.lock();
  const auto found = topics->of.find(topic);
  return found == topics->of.end() ? Listeners() : found->second;
}

void Client::Impl::on_message(Reply message) {
  if (message.is_error()) {
    note_refusal("SUBSCRIBE", message.text);
    return;
  }
  const auto& parts = message.list;
  if (parts.size() < 2) return;
  const std::string& kind = parts[0].text;
  if (kind == "message" && parts.size() == 3) {
    received_.fetch_add(1, std::memory_order_relaxed);
    for (const auto& listener : listeners_of({Topic::Kind::kChannel, parts[1].text}))
      listener->message(parts[1].text, parts[2].text);
  } else if (kind == "pmessage" && parts.size() == 4) {
    received_.fetch_add(1, std::memory_order_relaxed);
    for (const auto& listener : listeners_of({Topic::Kind::kPattern, parts[1].text}))
      listener->message(parts[2].text, parts[3].text);
  } else if (kind == "subscribe" || kind == "psubscribe") {
    Topic topic{kind == "subscribe" ? Topic::Kind::kChannel : Topic::Kind::kPattern, parts[1].text};
    if (!asked_for_.contains(topic)) return;
    for (const auto& listener : listeners_of(topic))
      listener->set_joined(true);
    joined_.insert(std::move(topic));
  }
}

void Client::Impl::lose_topics() {
  for (const Topic& topic : joined_)
    for (const auto& listener : listeners_of(topic))
      listener->set_joined(false);
  joined_.clear();
}

// -- the outside ---------------------------------------------------------------------------------

Client::Client(ClientSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Client::~Client() = default;

void Client::stop() {
  impl_->stop();
}

void Client::send(Command command) {
  std::vector<Command> commands;
  commands.push_back(std::move(command));
  impl_->send(std::move(commands));
}

void Client::send(std::vector<Command> commands) {
  impl_->send(std::move(commands));
}

Result<Reply> Client::ask(Command command, milliseconds timeout) {
  return impl_->ask(command, timeout);
}

void Client::ask(Command command, Answer done) {
  impl_->ask(command, std::move(done));
}

Result<Listening> Client::listen(Topic topic, Callbacks callbacks) {
  return impl_->listen(std::move(topic), std::move(callbacks));
}

Result<void> Client::wait_until_connected(milliseconds timeout) {
  return impl_->wait_until_connected(timeout);
}

const Address& Client::address() const {
  return impl_->address();
}

Client::Statistics Client::statistics() const {
  return impl_->statistics();
}

}  // namespace mito::redis
