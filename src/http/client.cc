#include "http/client.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <pthread.h>
#include <thread>
#include <utility>
#include <vector>

#include <curl/curl.h>

#include "base/sync.h"
#include "http/lane.h"
#include "http/transfer.h"

namespace mito::http {

namespace {

constexpr std::chrono::milliseconds kLongestPoll{60'000};

void initialize_libcurl() {
  // Thread-safe in itself, and repeated calls only count.
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_ALL);
  (void)initialized;
}

}  // namespace

class Client::Impl {
 public:
  explicit Impl(ClientSettings settings);
  ~Impl();

  void send(ClientRequest request, std::stop_token stop, Callback done);
  Result<ClientResponse> send_and_wait(ClientRequest request, std::stop_token stop);

 private:
  using Id = Transfer::Id;
  struct Inbox {
    std::vector<std::unique_ptr<Transfer>> added;
    std::vector<Id> cancelled;
    Id last_id = 0;
    bool ending = false;
  };

  struct Lanes {
    std::vector<std::unique_ptr<Lane>> idle;
    std::size_t busy = 0;
  };

  /// A lane for one request, given back at the end of its life. Any thread.
  class UsedLane {
   public:
    explicit UsedLane(Impl& client) : client_(client), lane_(client.take_lane()) {}
    UsedLane(const UsedLane&) = delete;
    UsedLane& operator=(const UsedLane&) = delete;
    ~UsedLane() {
      if (lane_) client_.give_back(std::move(lane_));
    }
    /// Null: there is none.
    [[nodiscard]] Lane* get() const { return lane_.get(); }

   private:
    Impl& client_;
    std::unique_ptr<Lane> lane_;
  };

  // On the client's thread.
  void run();
  bool take_inbox();
  void start(std::unique_ptr<Transfer> transfer);
  void start_next(const std::string& address);
  void collect();
  void end_overdue();
  void end(Id id, Result<ClientResponse> result);

  // On any thread.
  /// One half of the connections is for lanes, the other for the client's thread.
  [[nodiscard]] std::size_t lane_limit() const { return settings_.connections_per_host / 2; }
  void cancel(Id id);
  std::unique_ptr<Lane> take_lane();
  void give_back(std::unique_ptr<Lane> lane);

  const ClientSettings settings_;
  CURLM* multi_;
  Sync<Inbox> inbox_;
  Sync<Lanes> lanes_;
  std::condition_variable lanes_idle_;
  std::stop_source ending_;
  /// Requests to one address. Queued here and not by libcurl, whose queue stalls at times and lets the connect time-out
  /// run.
  struct Host {
    std::size_t active = 0;
    std::deque<Id> waiting;
  };
  std::map<std::string, Host> hosts_;
  std::map<Id, std::unique_ptr<Transfer>> transfers_;
  Transfer::Clock::time_point next_look_ = Transfer::Clock::time_point::max();
  std::thread thread_;
};

Client::Impl::Impl(ClientSettings settings) : settings_(std::move(settings)) {
  initialize_libcurl();
  multi_ = curl_multi_init();
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(2 * settings_.connections_per_host));
  thread_ = std::thread([this] { run(); });
}

Client::Impl::~Impl() {
  ending_.request_stop();
  {
    auto lanes = lanes_.lock();
    lanes_idle_.wait(lanes.guard(), [&] { return lanes->busy == 0; });
  }
  inbox_.lock()->ending = true;
  curl_multi_wakeup(multi_);
  thread_.join();
  curl_multi_cleanup(multi_);
}

void Client::Impl::send(ClientRequest request, std::stop_token stop, Callback done) {
  {
    auto inbox = inbox_.lock();
    inbox->added.push_back(
        std::make_unique<Transfer>(++inbox->last_id, std::move(request), std::move(stop), std::move(done)));
  }
  curl_multi_wakeup(multi_);
}

Result<ClientResponse> Client::Impl::send_and_wait(ClientRequest request, std::stop_token stop) {
  {
    const UsedLane lane(*this);
    if (lane.get() != nullptr) return lane.get()->run(std::move(request), stop, ending_.get_token());
  }
  std::promise<Result<ClientResponse>> promise;
  auto answer = promise.get_future();
  send(std::move(request), std::move(stop),
       [&promise](Result<ClientResponse> result) { promise.set_value(std::move(result)); });
  return answer.get();
}

std::unique_ptr<Lane> Client::Impl::take_lane() {
  auto lanes = lanes_.lock();
  if (lanes->busy >= lane_limit()) return nullptr;
  std::unique_ptr<Lane> lane;
  if (lanes->idle.empty()) {
    lane = std::make_unique<Lane>(settings_);
    if (!lane->is_usable()) return nullptr;
  } else {
    lane = std::move(lanes->idle.back());  // the one whose connections were used last
    lanes->idle.pop_back();
  }
  ++lanes->busy;
  return lane;
}

void Client::Impl::give_back(std::unique_ptr<Lane> lane) {
  auto lanes = lanes_.lock();
  lanes->idle.push_back(std::move(lane));
  --lanes->busy;
  lanes_idle_.notify_all();
}

void Client::Impl::cancel(Id id) {
  inbox_.lock()->cancelled.push_back(id);
  curl_multi_wakeup(multi_);
}

void Client::Impl::run() {
  ::pthread_setname_np(::pthread_self(), "http-client");
  while (take_inbox()) {
    int running = 0;
    curl_multi_perform(multi_, &running);
    collect();
    end_overdue();
    auto wait = kLongestPoll;
    if (next_look_ != Transfer::Clock::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_look_ - Transfer::Clock::now());
      wait = std::clamp(left, std::chrono::milliseconds(0), kLongestPoll);
    }
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
  while (!transfers_.empty()) {
    const auto& [id, transfer] = *transfers_.begin();
    end(id, fail(transfer->cancelled_error()));
  }
}

bool Client::Impl::take_inbox() {
  Inbox inbox;
  {
    auto locked = inbox_.lock();
    inbox.added.swap(locked->added);
    inbox.cancelled.swap(locked->cancelled);
    inbox.ending = locked->ending;
  }
  for (auto& transfer : inbox.added) {
    if (inbox.ending || transfer->stop_requested()) {
      transfer->finish(fail(transfer->cancelled_error()));
    } else {
      start(std::move(transfer));
    }
  }
  for (auto id : inbox.cancelled) {
    auto found = transfers_.find(id);
    if (found != transfers_.end()) end(id, fail(found->second->cancelled_error()));
  }
  return !inbox.ending;
}

void Client::Impl::start(std::unique_ptr<Transfer> transfer) {
  auto prepared = transfer->prepare(settings_);
  if (!prepared) {
    transfer->finish(fail(std::move(prepared).error()));
    return;
  }
  const auto id = transfer->id();
  auto& placed = *transfers_.emplace(id, std::move(transfer)).first->second;
  next_look_ = std::min(next_look_, placed.due());
  placed.watch_stop_token([this, id] { cancel(id); });
  hosts_[placed.address()].waiting.push_back(id);
  start_next(placed.address());
}

void Client::Impl::start_next(const std::string& address) {
  auto host = hosts_.find(address);
  auto& [active, waiting] = host->second;
  while (!waiting.empty() && active < std::max<std::size_t>(1, settings_.connections_per_host - lane_limit())) {
    auto transfer = transfers_.find(waiting.front());
    waiting.pop_front();
    if (transfer == transfers_.end()) continue;  // given up meanwhile
    transfer->second->set_active();
    ++active;
    curl_multi_add_handle(multi_, transfer->second->handle());
  }
  if (active == 0) hosts_.erase(host);
}

void Client::Impl::collect() {
  int left = 0;
  while (auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* owner = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
    auto& transfer = *static_cast<Transfer*>(owner);
    end(transfer.id(), transfer.result(message->data.result));
  }
}

void Client::Impl::end_overdue() {
  const auto now = Transfer::Clock::now();
  if (now < next_look_) return;
  next_look_ = Transfer::Clock::time_point::max();
  std::vector<Id> overdue;
  for (const auto& [id, transfer] : transfers_) {
    const auto at = transfer->due();
    if (at <= now) {
      overdue.push_back(id);
    } else {
      next_look_ = std::min(next_look_, at);
    }
  }
  for (auto id : overdue)
    end(id, fail(transfers_.at(id)->overdue_error()));
}

void Client::Impl::end(Id id, Result<ClientResponse> result) {
  auto transfer = std::move(transfers_.extract(id).mapped());
  if (transfer->is_active()) {
    curl_multi_remove_handle(multi_, transfer->handle());
    --hosts_.at(transfer->address()).active;
    start_next(transfer->address());
  }
  transfer->finish(std::move(result));
}

Client::Client(ClientSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Client::~Client() = default;

void Client::send(ClientRequest request, std::stop_token stop, Callback done) {
  impl_->send(std::move(request), std::move(stop), std::move(done));
}

Result<ClientResponse> Client::send_and_wait(ClientRequest request, std::stop_token stop) {
  return impl_->send_and_wait(std::move(request), std::move(stop));
}

}  // namespace mito::http
