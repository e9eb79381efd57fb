#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "domain/rules.h"

namespace mito {
namespace {

/// Numbers of the exec states that reach `wanted`.
std::set<int> reaching(std::string_view wanted) {
  const auto state = parse_enum<TaskExecState>(wanted);
  std::set<int> numbers;
  for (const auto& spelling : accepted_spellings<TaskExecState>()) {
    if (exec_state_reached(spelling.value, *state)) numbers.insert(static_cast<int>(spelling.value));
  }
  return numbers;
}

std::set<int> range(int first, int last, std::set<int> more = {}) {
  for (int i = first; i <= last; ++i)
    more.insert(i);
  return more;
}

TEST(ExecState, ReachesWhatTheTableSays) {
  const std::vector<std::pair<const char*, std::set<int>>> table = {
      {"WorkerExited", {}},
      {"FetchResource", range(1, 19)},
      {"FetchResourceFinished", range(7, 19, {2})},
      {"FetchResourceError", {3}},
      {"FetchResourceTimeout", {4}},
      {"FetchResourceNotFound", {5}},
      {"FetchResourceForbidden", {6}},
      {"Watch", range(7, 19)},
      {"WatchFinished", range(10, 19, {8})},
      {"WatchTimeout", {9}},
      {"ExecPending", range(10, 19)},
      {"ExecSpawned", range(11, 19)},
      {"ExecFinished", {12, 15}},
      {"ExecTimeout", {13, 16}},
      {"UploadResult", range(14, 19)},
      {"UploadFinishedResult", {15}},
      {"UploadCancelledResult", {16}},
      {"UploadResultFinished", {17}},
      {"UploadResultTimeout", {18}},
      {"TaskCommitted", {19}},
      {"Unknown", {}},
  };
  ASSERT_EQ(table.size(), accepted_spellings<TaskExecState>().size());
  for (const auto& [wanted, expected] : table)
    EXPECT_EQ(reaching(wanted), expected) << wanted;
}

TEST(ExecState, IsFinalOnlyAtTheEnd) {
  for (const auto& spelling : accepted_spellings<TaskExecState>()) {
    const bool final = spelling.name == "FetchResourceError" || spelling.name == "TaskCommitted";
    EXPECT_EQ(is_final(spelling.value), final) << spelling.name;
  }
}

/// Names of the exec states that a task in this state has reached.
std::set<std::string> reached_by(TaskState state, const std::optional<TaskResult>& result) {
  std::set<std::string> names;
  for (const auto& spelling : accepted_spellings<TaskExecState>()) {
    if (task_state_reached(state, result, spelling.value)) names.emplace(spelling.name);
  }
  return names;
}

using Names = std::set<std::string>;

TEST(TaskStateRule, OfTasksThatAreNotOver) {
  for (const TaskState state : {TaskState::kPending, TaskState::kReady, TaskState::kUnknown}) {
    EXPECT_EQ(reached_by(state, std::nullopt), Names{});
    EXPECT_EQ(reached_by(state, TaskResult{}), Names{});
  }
  EXPECT_EQ(reached_by(TaskState::kRunning, std::nullopt), Names{"FetchResource"});
}

TEST(TaskStateRule, OfFinishedTasks) {
  Names expected = {"FetchResource", "FetchResourceFinished", "Watch",        "WatchFinished",       "ExecPending",
                    "ExecSpawned",   "ExecFinished",          "UploadResult", "UploadFinishedResult"};
  EXPECT_EQ(reached_by(TaskState::kFinished, std::nullopt), expected);
  expected.insert({"UploadResultFinished", "TaskCommitted"});
  EXPECT_EQ(reached_by(TaskState::kFinished, TaskResult{}), expected);
}

TEST(TaskStateRule, OfCancelledTasksWithoutMessage) {
  EXPECT_EQ(reached_by(TaskState::kCancelled, std::nullopt), Names{});
  EXPECT_EQ(reached_by(TaskState::kCancelled, TaskResult{}), Names{});
}

TEST(TaskStateRule, OfCancelledTasksByMessage) {
  using Message = TaskResultMessage;
  const Names upload = {"UploadResult", "UploadResultFinished", "UploadCancelledResult", "TaskCommitted"};
  const auto with = [&upload](const char* name) {
    Names names = upload;
    names.insert(name);
    return names;
  };
  const std::vector<std::pair<Message, Names>> table = {
      {Message::kFetchResourceTimeout, with("FetchResourceTimeout")},
      {Message::kExecTimeout, with("ExecTimeout")},
      {Message::kUploadResultTimeout, with("UploadResultTimeout")},
      {Message::kResourceNotFound, with("FetchResourceNotFound")},
      {Message::kResourceForbidden, with("FetchResourceForbidden")},
      {Message::kWatchTimeout, with("WatchTimeout")},
      {Message::kUserCancellation, {"TaskCommitted"}},
      {Message::kSubmitNewTaskFailed,
       {"FetchResource", "FetchResourceFinished", "Watch", "WatchFinished", "ExecPending", "ExecSpawned",
        "ExecFinished", "UploadResult", "UploadResultFinished", "TaskCommitted"}},
  };
  for (const auto& [message, expected] : table) {
    EXPECT_EQ(reached_by(TaskState::kCancelled, TaskResult{0, message}), expected) << to_string(message);
  }
}

}  // namespace
}  // namespace mito
