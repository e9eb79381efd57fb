#include "storage/events/redis/redis_event_bus.h"

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/task_states.h"
#include "support/redis_server.h"

// What the event bus over Redis does besides tests/contract/events_test.cc: others hear us, and we hear others.
namespace mito::storage {
namespace {

using mito::testing::RedisServer;
using mito::testing::wait_for;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

constexpr GroupId kGroup{7};

TaskUuid task(std::uint8_t number) {
  TaskUuid out;
  out.value.bytes[15] = number;
  return out;
}

redis::ClientSettings quick(const std::string& url) {
  redis::ClientSettings out;
  out.address = redis::Address::parse(url).value();
  out.first_retry = milliseconds(10);
  out.longest_retry = milliseconds(50);
  return out;
}

class RedisEvents : public ::testing::Test {
 protected:
  void SetUp() override {
    MITO_NEED_PROGRAM("redis-server");
    server_ = std::make_unique<RedisServer>();
    other_ = std::make_unique<redis::Client>(quick(server_->url()));
  }
  void TearDown() override {
    bus_.reset();
    other_.reset();
  }

  void open() {
    bus_ =
        std::make_unique<RedisEventBus>(RedisEventBus::Settings{.redis = quick(server_->url())}, Clock::system(),
                                        [this](const TaskUuid& uuid, TaskExecState state, RedisEventBus::Found found) {
                                          observed_.lock()->emplace_back(uuid, state);
                                          if (active_.contains(uuid))
                                            found(RedisEventBus::Place{kGroup, RedisEventBus::Life::kActive});
                                          else if (over_.contains(uuid))
                                            found(RedisEventBus::Place{kGroup, RedisEventBus::Life::kOver});
                                          else
                                            found(std::nullopt);
                                        });
    ASSERT_TRUE(bus_->start());
    // It listens once its own words come back; a number without a state is nobody's event.
    const auto listens = [this] { return other_->ask({"PUBLISH", "task:ready", "-99"}, seconds(10))->integer == 1; };
    ASSERT_TRUE(wait_for(listens));
  }
  void tell(std::uint8_t number, TaskExecState state, const char* life = "60") {
    const std::string key = redis::task_key(task(number));
    const std::string value = std::to_string(static_cast<int>(state));
    other_->send(std::vector<redis::Command>{{"SETEX", key, life, value}, {"PUBLISH", key, value}});
  }
  void publish(std::uint8_t number, std::variant<TaskState, TaskExecState> state) {
    bus_->publish({.task = task(number), .group = kGroup, .state = state, .time = {}});
  }
  std::vector<std::pair<TaskUuid, TaskExecState>> observed() { return *observed_.lock(); }

  std::unique_ptr<RedisServer> server_;
  std::unique_ptr<redis::Client> other_;
  std::set<TaskUuid> active_;
  std::set<TaskUuid> over_;
  Sync<std::vector<std::pair<TaskUuid, TaskExecState>>> observed_;
  std::unique_ptr<RedisEventBus> bus_;
};

/// What a subscription heard.
struct Heard {
  Sync<std::vector<TaskExecState>> states;
  EventBus::Callback callback() {
    return [this](const TaskEvent& event) {
      if (const auto* state = std::get_if<TaskExecState>(&event.state)) states.lock()->push_back(*state);
    };
  }
  std::vector<TaskExecState> all() { return *states.lock(); }
  bool wait_until(std::size_t count) {
    return wait_for([&] { return states.lock()->size() >= count; });
  }
};

TEST_F(RedisEvents, AreToldToOthersInTheOriginalsForm) {
  open();
  std::atomic<bool> joined = false;
  Sync<std::vector<std::string>> told;
  auto listening =
      other_
          ->listen({redis::Topic::Kind::kChannel, redis::task_key(task(1))},
                   {.message = [&](std::string_view, std::string_view payload) { told.lock()->emplace_back(payload); },
                    .joined = [&] { joined = true; }})
          .value();
  ASSERT_TRUE(wait_for([&] { return joined.load(); }));
  publish(1, TaskState::kRunning);
  publish(1, TaskExecState::kExecSpawned);
  ASSERT_TRUE(wait_for([&] { return told.lock()->size() == 1; }));
  const auto key = redis::task_key(task(1));
  EXPECT_EQ(other_->ask({"GET", key}, seconds(10))->text, "11");
  EXPECT_EQ(other_->ask({"TTL", key}, seconds(10))->integer, -1) << "it is kept until the next state";
  publish(1, TaskExecState::kTaskCommitted);
  ASSERT_TRUE(wait_for([&] { return told.lock()->size() == 2; }));
  EXPECT_THAT(*told.lock(), ElementsAre("11", "19"));
  EXPECT_GT(other_->ask({"TTL", key}, seconds(10))->integer, 50);
}

TEST_F(RedisEvents, OfATaskThatIsOverDoNotStayForEver) {
  open();
  publish(1, TaskExecState::kExecSpawned);
  bus_->archived(task(1));
  const auto key = redis::task_key(task(1));
  EXPECT_TRUE(wait_for([&] { return other_->ask({"TTL", key}, seconds(10))->integer > 0; }));
}

TEST_F(RedisEvents, OfOthersReachWhoAskedForTheTaskOrItsGroup) {
  active_.insert(task(1));
  open();
  Heard of_task;
  Heard of_group;
  auto first = bus_->subscribe(task(1), of_task.callback()).value();
  auto second = bus_->subscribe(kGroup, of_group.callback()).value();
  tell(1, TaskExecState::kExecPending);
  tell(1, TaskExecState::kExecSpawned);
  ASSERT_TRUE(of_task.wait_until(2));
  EXPECT_THAT(of_task.all(), ElementsAre(TaskExecState::kExecPending, TaskExecState::kExecSpawned));
  ASSERT_TRUE(of_group.wait_until(2));
  EXPECT_EQ(bus_->latest_exec_state(task(1)), TaskExecState::kExecSpawned);
  EXPECT_THAT(observed(), ElementsAre(std::pair(task(1), TaskExecState::kExecPending),
                                      std::pair(task(1), TaskExecState::kExecSpawned)));
}

TEST_F(RedisEvents, OfATaskThatIsOverStillReachItsGroup) {
  over_.insert(task(3));
  open();
  Heard of_group;
  auto subscription = bus_->subscribe(kGroup, of_group.callback()).value();
  tell(3, TaskExecState::kTaskCommitted);
  EXPECT_TRUE(of_group.wait_until(1));
  Heard of_unknown;
  auto other = bus_->subscribe(task(4), of_unknown.callback()).value();
  tell(4, TaskExecState::kTaskCommitted);
  EXPECT_TRUE(of_unknown.wait_until(1)) << "who asked for the task hears it without its group";
  EXPECT_EQ(of_group.all().size(), 1U);
}

TEST_F(RedisEvents, OfOursAreNotHeardTwice) {
  open();
  Heard heard;
  auto subscription = bus_->subscribe(task(1), heard.callback()).value();
  publish(1, TaskExecState::kExecPending);
  publish(1, TaskExecState::kExecSpawned);
  publish(1, TaskExecState::kExecFinished);
  const auto told = [this] { return other_->ask({"GET", redis::task_key(task(1))}, seconds(10))->text == "12"; };
  ASSERT_TRUE(wait_for(told));
  tell(1, TaskExecState::kExecSpawned);
  tell(2, TaskExecState::kExecSpawned);
  ASSERT_TRUE(wait_for([&] { return observed().size() == 2; }));
  ASSERT_TRUE(heard.wait_until(4));
  EXPECT_THAT(heard.all(), ElementsAre(TaskExecState::kExecPending, TaskExecState::kExecSpawned,
                                       TaskExecState::kExecFinished, TaskExecState::kExecSpawned));
}

TEST_F(RedisEvents, OfTheTimeBeforeAreFoundWhereTheTaskIsActive) {
  active_ = {task(1), task(2)};
  tell(1, TaskExecState::kExecSpawned);
  tell(2, TaskExecState::kFetchResource);
  tell(3, TaskExecState::kExecSpawned);
  other_->send({"SET", "task:nonsense", "12"});
  other_->send({"SET", redis::task_key(task(4)), "nonsense"});
  ASSERT_TRUE(other_->ask({"PING"}, seconds(10)));
  open();
  EXPECT_TRUE(wait_for([&] { return observed().size() == 3; }));
  EXPECT_EQ(bus_->latest_exec_state(task(1)), TaskExecState::kExecSpawned);
  EXPECT_EQ(bus_->latest_exec_state(task(2)), TaskExecState::kFetchResource);
  EXPECT_EQ(bus_->latest_exec_state(task(3)), std::nullopt);
}

TEST_F(RedisEvents, GoOnWhileTheServerIsAway) {
  active_ = {task(1), task(2)};
  open();
  Heard heard;
  auto subscription = bus_->subscribe(kGroup, heard.callback()).value();
  server_->kill();
  ASSERT_TRUE(wait_for([&] { return !bus_->redis_statistics().connected; }));
  publish(1, TaskExecState::kExecSpawned);
  ASSERT_EQ(heard.all().size(), 1U) << "within the process nothing changes";
  server_->start();
  tell(2, TaskExecState::kExecFinished);  // Perhaps before the bus listens again: then the key tells.
  ASSERT_TRUE(heard.wait_until(2));
  EXPECT_EQ(bus_->latest_exec_state(task(2)), TaskExecState::kExecFinished);
  const auto told = [this] { return other_->ask({"GET", redis::task_key(task(1))}, seconds(10))->text == "11"; };
  EXPECT_TRUE(wait_for(told)) << "what was told meanwhile was kept for it";
}

TEST_F(RedisEvents, OfAnyContentDoNoHarm) {
  open();
  for (const char* payload : {"", "x", "-99", "999999999999999999999", "12345"})
    other_->send({"PUBLISH", redis::task_key(task(1)), payload});
  other_->send({"PUBLISH", "task:", "11"});
  other_->send({"PUBLISH", "task:" + std::string(100'000, 'x'), "11"});
  tell(2, TaskExecState::kExecSpawned);
  ASSERT_TRUE(wait_for([&] { return !observed().empty(); }));
  EXPECT_THAT(observed(), ElementsAre(std::pair(task(2), TaskExecState::kExecSpawned)));
}

}  // namespace
}  // namespace mito::storage
