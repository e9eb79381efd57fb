#include "http/server.h"

#include <algorithm>
#include <condition_variable>
#include <thread>
#include <utility>

#include "base/sync.h"
#include "http/listener.h"
#include "http/shard.h"

namespace mito::http {

class Server::Impl {
 public:
  Impl(ServerSettings settings, Handler handler);
  ~Impl();

  Result<void> start();
  Result<void> reload_tls();
  void stop(std::chrono::milliseconds grace);
  void abort();
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  [[nodiscard]] ServerStatistics statistics() const;

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  /// Waits until `condition` holds for all shards, `deadline`, or abort().
  void wait_until(Deadline deadline, bool (*condition)(const Shard::Counters&));

  ServerContext context_;
  std::vector<std::unique_ptr<Shard>> shards_;
  Listener listener_;
  bool running_ = false;
  Sync<bool> aborted_;
  std::condition_variable changed_;
};

namespace {

std::vector<std::unique_ptr<Shard>> make_shards(ServerContext& context) {
  auto count = context.settings.threads;
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::unique_ptr<Shard>> shards;
  shards.reserve(count);
  for (unsigned number = 0; number < count; ++number)
    shards.push_back(std::make_unique<Shard>(context, number));
  return shards;
}

}  // namespace

Server::Impl::Impl(ServerSettings settings, Handler handler)
    : context_{.settings = std::move(settings),
               .handler = std::move(handler),
               .tls = {},
               .connection_ended = [this] { listener_.make_room(); },
               .went_quiet =
                   [this] {
                     auto locked = aborted_.lock();
                     changed_.notify_all();
                   }},
      shards_(make_shards(context_)),
      listener_(context_.settings, shards_) {}

Server::Impl::~Impl() {
  abort();
  stop(std::chrono::milliseconds(0));
}

Result<void> Server::Impl::reload_tls() {
  const ServerSettings& settings = context_.settings;
  if (settings.tls_certificate.empty()) return {};
  MITO_TRY_ASSIGN(auto loaded, load_tls(settings.tls_certificate, settings.tls_key));
  *context_.tls.lock() = std::move(loaded);
  return {};
}

Result<void> Server::Impl::start() {
  MITO_TRY(reload_tls());
  MITO_TRY(listener_.open());
  running_ = true;
  listener_.start();
  for (auto& shard : shards_)
    shard->start();
  return {};
}

void Server::Impl::wait_until(Deadline deadline, bool (*condition)(const Shard::Counters&)) {
  auto aborted = aborted_.lock();
  changed_.wait_until(aborted.guard(), deadline, [&] {
    return *aborted ||
           std::all_of(shards_.begin(), shards_.end(), [&](const auto& shard) { return condition(shard->counters); });
  });
}

void Server::Impl::stop(std::chrono::milliseconds grace) {
  if (!running_) return;
  const auto deadline = std::chrono::steady_clock::now() + grace;
  context_.stopping = true;
  listener_.stop();
  wait_until(deadline, [](const Shard::Counters& counters) { return counters.in_flight.load() == 0; });
  for (auto& shard : shards_)
    shard->finish();
  wait_until(deadline, [](const Shard::Counters& counters) { return counters.ended.load(); });
  for (auto& shard : shards_)
    shard->cut_off();
  for (auto& shard : shards_)
    shard->join();
  running_ = false;
}

void Server::Impl::abort() {
  if (!running_) return;
  {
    auto aborted = aborted_.lock();
    *aborted = true;
    changed_.notify_all();
  }
  listener_.stop();
  for (auto& shard : shards_)
    shard->cut_off();
}

ServerStatistics Server::Impl::statistics() const {
  ServerStatistics sum;
  for (const auto& shard : shards_) {
    const auto& counters = shard->counters;
    sum.connections += counters.connections.load(std::memory_order_relaxed);
    sum.accepted += counters.accepted.load(std::memory_order_relaxed);
    sum.requests += counters.requests.load(std::memory_order_relaxed);
    sum.refused += counters.refused.load(std::memory_order_relaxed);
    sum.timeouts += counters.timeouts.load(std::memory_order_relaxed);
    sum.tls_failures += counters.tls_failures.load(std::memory_order_relaxed);
    sum.displaced += counters.displaced.load(std::memory_order_relaxed);
  }
  return sum;
}

Server::Server(ServerSettings settings, Handler handler)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(handler))) {}
Server::~Server() = default;

Result<void> Server::start() {
  return impl_->start();
}
Result<void> Server::reload_tls() {
  return impl_->reload_tls();
}
std::uint16_t Server::port() const {
  return impl_->port();
}
void Server::stop(std::chrono::milliseconds grace) {
  impl_->stop(grace);
}
void Server::abort() {
  impl_->abort();
}
ServerStatistics Server::statistics() const {
  return impl_->statistics();
}

}  // namespace mito::http
