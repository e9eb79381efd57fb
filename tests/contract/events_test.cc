#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/events/event_bus.h"
#include "storage/events/local_event_bus.h"
#include "storage/events/redis/redis_event_bus.h"
#include "support/redis_server.h"

namespace mito::storage {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return Timestamp(seconds(seconds_.load())); }
  [[nodiscard]] Monotonic monotonic() const override { return Monotonic(seconds(seconds_.load())); }
  void advance(seconds time) { seconds_ += time.count(); }

 private:
  std::atomic<std::int64_t> seconds_ = 1'000;
};

TaskUuid task(std::uint8_t number) {
  TaskUuid out;
  out.value.bytes[15] = number;
  return out;
}

constexpr GroupId kGroup{7};
constexpr GroupId kOtherGroup{8};

constexpr std::size_t kMaxSubscriptions = 4;
constexpr std::size_t kMaxStates = 3;
constexpr LocalEventBus::Settings kBounds{.max_subscriptions = kMaxSubscriptions, .max_remembered_states = kMaxStates};

/// One implementation.
struct Kind {
  const char* name;
  bool needs_redis;
};
void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

class Events : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (!GetParam().needs_redis) {
      bus_ = std::make_unique<LocalEventBus>(kBounds, clock_);
      return;
    }
    MITO_NEED_PROGRAM("redis-server");
    server_ = std::make_unique<mito::testing::RedisServer>();
    redis::ClientSettings redis;
    redis.address = redis::Address::parse(server_->url()).value();
    auto shared = std::make_unique<RedisEventBus>(
        RedisEventBus::Settings{.local = kBounds, .redis = std::move(redis)}, clock_,
        [](const TaskUuid&, TaskExecState, RedisEventBus::Found found) { found(std::nullopt); });
    ASSERT_TRUE(shared->start());
    ASSERT_TRUE(shared->wait_until_connected(seconds(10)));
    bus_ = std::move(shared);
  }

  void reach(std::uint8_t number, TaskExecState state, GroupId group = kGroup) {
    bus().publish({.task = task(number), .group = group, .state = state, .time = clock_.now()});
  }
  void reach(std::uint8_t number, TaskState state, GroupId group = kGroup) {
    bus().publish({.task = task(number), .group = group, .state = state, .time = clock_.now()});
  }
  EventBus& bus() { return *bus_; }
  std::optional<TaskExecState> latest(std::uint8_t number) { return bus().latest_exec_state(task(number)); }

  ManualClock clock_;
  std::unique_ptr<mito::testing::RedisServer> server_;
  std::unique_ptr<EventBus> bus_;
};

INSTANTIATE_TEST_SUITE_P(Buses, Events, ::testing::Values(Kind{"Local", false}, Kind{"Redis", true}),
                         [](const auto& of) { return of.param.name; });

TEST_P(Events, ReachWhoAskedForTheTaskOrItsGroup) {
  std::vector<int> of_task;
  std::vector<int> of_group;
  auto first =
      bus().subscribe(task(1), [&](const TaskEvent& event) { of_task.push_back(event.task.value.bytes[15]); }).value();
  auto second =
      bus().subscribe(kGroup, [&](const TaskEvent& event) { of_group.push_back(event.task.value.bytes[15]); }).value();
  EXPECT_TRUE(first.is_active());
  reach(1, TaskState::kReady);
  reach(2, TaskState::kReady);
  reach(3, TaskState::kReady, kOtherGroup);
  reach(1, TaskExecState::kExecSpawned);
  EXPECT_THAT(of_task, ElementsAre(1, 1));
  EXPECT_THAT(of_group, ElementsAre(1, 2, 1));
  EXPECT_EQ(bus().statistics().published, 4);
  EXPECT_EQ(bus().statistics().delivered, 5);
}

TEST_P(Events, SayWhatHappenedAndWhen) {
  std::optional<TaskEvent> seen;
  auto subscription = bus().subscribe(kGroup, [&](const TaskEvent& event) { seen = event; }).value();
  reach(9, TaskExecState::kExecFinished);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->task, task(9));
  EXPECT_EQ(seen->group, kGroup);
  EXPECT_EQ(std::get<TaskExecState>(seen->state), TaskExecState::kExecFinished);
  EXPECT_EQ(seen->time, clock_.now());
}

TEST_P(Events, EndWithTheSubscription) {
  int calls = 0;
  {
    auto subscription = bus().subscribe(task(1), [&](const TaskEvent&) { ++calls; }).value();
    reach(1, TaskState::kReady);
    auto moved = std::move(subscription);
    reach(1, TaskState::kRunning);
  }
  reach(1, TaskState::kFinished);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(bus().statistics().subscriptions, 0);
}

TEST_P(Events, ACallbackMayEndItsOwnSubscription) {
  int calls = 0;
  Subscription subscription;
  subscription = bus()
                     .subscribe(task(1),
                                [&](const TaskEvent&) {
                                  ++calls;
                                  subscription = Subscription();
                                })
                     .value();
  reach(1, TaskState::kReady);
  reach(1, TaskState::kRunning);
  EXPECT_EQ(calls, 1);
}

TEST_P(Events, SubscriptionsAreBounded) {
  std::vector<Subscription> subscriptions;
  for (std::size_t i = 0; i < kMaxSubscriptions; ++i)
    subscriptions.push_back(bus().subscribe(kGroup, [](const TaskEvent&) {}).value());
  auto refused = bus().subscribe(task(1), [](const TaskEvent&) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(bus().statistics().refused_subscriptions, 1);
  subscriptions.pop_back();
  EXPECT_TRUE(bus().subscribe(task(1), [](const TaskEvent&) {}));
}

TEST_P(Events, TheLatestExecutionStateIsKnown) {
  EXPECT_EQ(latest(1), std::nullopt);
  reach(1, TaskState::kRunning);
  EXPECT_EQ(latest(1), std::nullopt);
  reach(1, TaskExecState::kExecPending);
  reach(1, TaskExecState::kExecSpawned);
  EXPECT_EQ(latest(1), TaskExecState::kExecSpawned);
  clock_.advance(seconds(100'000));
  EXPECT_EQ(latest(1), TaskExecState::kExecSpawned);
}

TEST_P(Events, StatesAreForgottenAMinuteAfterTheEnd) {
  reach(1, TaskExecState::kUploadResult);
  reach(2, TaskExecState::kTaskCommitted);
  bus().archived(task(1));
  bus().archived(task(99));
  clock_.advance(seconds(59));
  bus().archived(task(1));
  EXPECT_EQ(latest(1), TaskExecState::kUploadResult);
  EXPECT_EQ(latest(2), TaskExecState::kTaskCommitted);
  clock_.advance(seconds(1));
  EXPECT_EQ(latest(1), std::nullopt);
  EXPECT_EQ(latest(2), std::nullopt);
  reach(3, TaskExecState::kExecPending);
  EXPECT_EQ(bus().statistics().remembered_states, 1);
}

TEST_P(Events, ATaskThatRunsAgainIsRememberedAgain) {
  reach(1, TaskExecState::kWorkerExited);
  clock_.advance(seconds(30));
  reach(1, TaskExecState::kExecPending);
  clock_.advance(seconds(600));
  EXPECT_EQ(latest(1), TaskExecState::kExecPending);
  reach(1, TaskExecState::kTaskCommitted);
  clock_.advance(seconds(59));
  EXPECT_EQ(latest(1), TaskExecState::kTaskCommitted);
  clock_.advance(seconds(1));
  EXPECT_EQ(latest(1), std::nullopt);
}

TEST_P(Events, OfTooManyStatesTheOldestGo) {
  reach(1, TaskExecState::kExecPending);
  reach(2, TaskExecState::kExecPending);
  reach(3, TaskExecState::kExecPending);
  reach(1, TaskExecState::kExecSpawned);
  reach(4, TaskExecState::kExecPending);
  EXPECT_EQ(latest(2), std::nullopt) << "it was set longest ago";
  bus().archived(task(4));
  reach(5, TaskExecState::kExecPending);
  EXPECT_EQ(latest(4), std::nullopt) << "those that are over go first";
  EXPECT_EQ(latest(1), TaskExecState::kExecSpawned);
  EXPECT_EQ(latest(3), TaskExecState::kExecPending);
  EXPECT_EQ(latest(5), TaskExecState::kExecPending);
  EXPECT_EQ(bus().statistics().dropped_states, 2);
  EXPECT_EQ(bus().statistics().remembered_states, kMaxStates);
}

TEST_P(Events, ManyThreadsMayPublishAndSubscribe) {
  std::atomic<bool> stop = false;
  std::atomic<int> running = 0;
  std::atomic<int> overlaps = 0;
  std::atomic<int> calls = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop)
        reach(1, TaskExecState::kExecSpawned);
    });
  }
  std::thread subscriber([&] {
    while (calls < 1'000) {
      // Of the callback's own frame nothing may be used once the subscription has ended.
      auto alive = std::make_unique<std::atomic<bool>>(true);
      auto subscription = bus().subscribe(task(1), [&, alive = alive.get()](const TaskEvent&) {
        if (++running > 1) ++overlaps;
        if (!*alive) ++overlaps;
        ++calls;
        --running;
      });
      ASSERT_TRUE(subscription);
      std::this_thread::yield();
      subscription = Subscription();
      *alive = false;
    }
  });
  subscriber.join();
  stop = true;
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(overlaps, 0);
  EXPECT_EQ(bus().statistics().subscriptions, 0);
}

}  // namespace
}  // namespace mito::storage
