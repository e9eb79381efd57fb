#include "storage/events/local_event_bus.h"

#include <algorithm>
#include <mutex>
#include <type_traits>
#include <utility>

namespace mito::storage {

/// One callback. It is called with the lock held, so that whoever takes the lock to end it knows that it does not run;
/// recursive, because the callback itself may do that.
class LocalEventBus::Subscriber {
 public:
  explicit Subscriber(Callback callback) : callback_(std::move(callback)) {}

  /// False: it has ended.
  bool call(const TaskEvent& event) {
    const std::scoped_lock lock(mutex_);
    if (!active_) return false;
    callback_(event);
    return true;
  }
  void end() {
    const std::scoped_lock lock(mutex_);
    active_ = false;
  }

 private:
  std::recursive_mutex mutex_;
  bool active_ = true;
  Callback callback_;
};

template <class Key>
class LocalEventBus::Handle final : public Subscription::Handle {
 public:
  Handle(LocalEventBus& bus, Key key, std::shared_ptr<Subscriber> subscriber)
      : bus_(bus), key_(key), subscriber_(std::move(subscriber)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() override {
    bus_.remove(key_, subscriber_);
    subscriber_->end();
  }

 private:
  LocalEventBus& bus_;
  const Key key_;
  const std::shared_ptr<Subscriber> subscriber_;
};

template <class Key>
LocalEventBus::Table<Key>& LocalEventBus::Tables::of() {
  if constexpr (std::is_same_v<Key, TaskUuid>) {
    return tasks;
  } else {
    return groups;
  }
}

LocalEventBus::LocalEventBus(Settings settings, const Clock& clock)
    : settings_(settings), clock_(clock), latest_(LatestStates(settings.max_remembered_states)) {}

LocalEventBus::~LocalEventBus() = default;

void LocalEventBus::publish(const TaskEvent& event) {
  published_.fetch_add(1, std::memory_order_relaxed);
  if (const auto* state = std::get_if<TaskExecState>(&event.state))
    latest_.lock()->set(event.task, *state, clock_.monotonic());
  if (subscriptions_.load() == 0) return;

  Subscribers found;
  {
    auto tables = tables_.lock();
    if (const auto task = tables->tasks.find(event.task); task != tables->tasks.end()) found = task->second;
    if (const auto group = tables->groups.find(event.group); group != tables->groups.end())
      found.insert(found.end(), group->second.begin(), group->second.end());
  }
  for (const auto& subscriber : found)
    if (subscriber->call(event)) delivered_.fetch_add(1, std::memory_order_relaxed);
}

void LocalEventBus::archived(const TaskUuid& task) {
  latest_.lock()->end(task, clock_.monotonic());
}

template <class Key>
Result<Subscription> LocalEventBus::add(const Key& key, Callback callback) {
  if (subscriptions_.fetch_add(1) >= settings_.max_subscriptions) {
    --subscriptions_;
    refused_.fetch_add(1, std::memory_order_relaxed);
    return fail(ErrorCode::kUnavailable, "Too many requests wait for events: try again later");
  }
  auto subscriber = std::make_shared<Subscriber>(std::move(callback));
  tables_.lock()->of<Key>()[key].push_back(subscriber);
  return Subscription(std::make_unique<Handle<Key>>(*this, key, std::move(subscriber)));
}

template <class Key>
void LocalEventBus::remove(const Key& key, const std::shared_ptr<Subscriber>& subscriber) {
  auto tables = tables_.lock();
  auto& table = tables->of<Key>();
  const auto place = table.find(key);
  std::erase(place->second, subscriber);
  if (place->second.empty()) table.erase(place);
  --subscriptions_;
}

Result<Subscription> LocalEventBus::subscribe(const TaskUuid& task, Callback callback) {
  return add(task, std::move(callback));
}

Result<Subscription> LocalEventBus::subscribe(GroupId group, Callback callback) {
  return add(group, std::move(callback));
}

std::optional<TaskExecState> LocalEventBus::latest_exec_state(const TaskUuid& task) const {
  return latest_.lock()->find(task, clock_.monotonic());
}

EventBus::Statistics LocalEventBus::statistics() const {
  Statistics out;
  out.published = published_.load(std::memory_order_relaxed);
  out.delivered = delivered_.load(std::memory_order_relaxed);
  out.subscriptions = subscriptions_.load();
  out.refused_subscriptions = refused_.load(std::memory_order_relaxed);
  const auto latest = latest_.lock();
  out.remembered_states = latest->size();
  out.dropped_states = latest->dropped();
  return out;
}

}  // namespace mito::storage
