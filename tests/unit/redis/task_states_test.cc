#include "redis/task_states.h"

#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mito::redis {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

constexpr const char* kUuid = "550e8400-e29b-41d4-a716-446655440000";
const TaskUuid kTask{Uuid::parse(kUuid).value()};

TEST(TaskStates, HaveAKeyEach) {
  EXPECT_EQ(task_key(kTask), "task:550e8400-e29b-41d4-a716-446655440000");
  EXPECT_EQ(task_of_key(task_key(kTask)), kTask);
  for (const auto* other : {"", "task:", "task:550e8400", "task:550e8400e29b41d4a716446655440000",
                            "tasks:550e8400-e29b-41d4-a716-446655440000", "task:550e8400-e29b-41d4-a716-44665544000g"})
    EXPECT_EQ(task_of_key(other), std::nullopt) << other;
}

TEST(TaskStates, AreNumbers) {
  EXPECT_EQ(parse_state("12"), TaskExecState::kExecFinished);
  EXPECT_EQ(parse_state("-1"), TaskExecState::kWorkerExited);
  EXPECT_EQ(parse_state("77"), TaskExecState::kUnknown);
  for (const auto* other : {"", "x", "12 ", "1.5", "99999999999999999999"})
    EXPECT_EQ(parse_state(other), std::nullopt) << other;
}

TEST(TaskStates, AreKeptAsLongAsTheOriginalKeepsThem) {
  struct Row {
    TaskExecState state;
    std::optional<seconds> life;
  };
  const std::vector<Row> table{
      {TaskExecState::kWorkerExited, seconds(60)},
      {TaskExecState::kFetchResource, seconds(360)},
      {TaskExecState::kFetchResourceError, seconds(60)},
      {TaskExecState::kFetchResourceTimeout, seconds(60)},
      {TaskExecState::kFetchResourceNotFound, seconds(60)},
      {TaskExecState::kFetchResourceForbidden, seconds(60)},
      {TaskExecState::kWatch, std::nullopt},
      {TaskExecState::kWatchTimeout, seconds(60)},
      {TaskExecState::kExecPending, seconds(660)},
      {TaskExecState::kExecSpawned, std::nullopt},
      {TaskExecState::kExecFinished, seconds(660)},
      {TaskExecState::kExecTimeout, seconds(60)},
      {TaskExecState::kUploadResult, seconds(660)},
      {TaskExecState::kUploadFinishedResult, seconds(660)},
      {TaskExecState::kUploadCancelledResult, seconds(660)},
      {TaskExecState::kUploadResultFinished, seconds(60)},
      {TaskExecState::kUploadResultTimeout, seconds(60)},
      {TaskExecState::kTaskCommitted, seconds(60)},
  };
  for (const auto& [state, life] : table)
    EXPECT_EQ(state_life(state, seconds(600)), life) << to_string(state);
}

TEST(TaskStates, AreStoredBeforeTheyAreTold) {
  EXPECT_THAT(announcement(kTask, TaskExecState::kExecSpawned, std::nullopt),
              ElementsAre(Command{"SET", task_key(kTask), "11"}, Command{"PUBLISH", task_key(kTask), "11"}));
  EXPECT_THAT(announcement(kTask, TaskExecState::kWorkerExited, seconds(60)),
              ElementsAre(Command{"SETEX", task_key(kTask), "60", "-1"}, Command{"PUBLISH", task_key(kTask), "-1"}));
  EXPECT_EQ(announcement(kTask, TaskExecState::kExecPending, seconds(0))[0][2], "1") << "Redis takes no life of 0";
  EXPECT_EQ(farewell(kTask), (Command{"EXPIRE", task_key(kTask), "60"}));
}

TEST(UserRules, AllowWhatTheOriginalAllows) {
  EXPECT_THAT(user_rules("wpw", "cpw"),
              ElementsAre(Command{"ACL", "SETUSER", "mitosis_worker", "reset", "on", ">wpw", "~task:*", "&task:*",
                                  "+@read", "+@write", "+@connection", "+@pubsub", "-@dangerous"},
                          Command{"ACL", "SETUSER", "mitosis_client", "reset", "on", ">cpw", "~task:*", "&task:*",
                                  "+@read", "+@pubsub", "+@connection", "-@dangerous"}));
}

TEST(Commands, AreEncodedByLength) {
  EXPECT_EQ(encode({"SET", "a b", std::string("\r\n\0", 3)}),
            std::string("*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$3\r\n\r\n\0\r\n", 31));
}

}  // namespace
}  // namespace mito::redis
