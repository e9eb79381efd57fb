#include "cli/humane.h"

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace mito::cli {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow = std::chrono::sys_days(std::chrono::year(2026) / 1 / 2) + 3h + 4min + 5s;

TaskCondition ended(TaskState state, std::int32_t status, std::optional<TaskResultMessage> message = std::nullopt) {
  return {.state = state,
          .result = TaskResult{.exit_status = status, .message = message},
          .exec_state = {},
          .timeout_seconds = 600};
}

TEST(Ago, SaysRoughly) {
  EXPECT_EQ(ago(kNow, kNow), "just now");
  EXPECT_EQ(ago(kNow - 59s, kNow), "59s ago");
  EXPECT_EQ(ago(kNow - 61s, kNow), "1m ago");
  EXPECT_EQ(ago(kNow - 47h, kNow), "47h ago");
  EXPECT_EQ(ago(kNow - 49h, kNow), "2d ago");
  EXPECT_EQ(ago(kNow + 1s, kNow), "just now");  // clocks differ
  EXPECT_EQ(ago(kNow + 5min, kNow), "in 5m");
}

TEST(Moment, HasDateAndAge) {
  EXPECT_EQ(moment(kNow - 65s, kNow), "2026-01-02 03:03:00 UTC (1m ago)");
}

TEST(SpanOfTime, FitsItsSize) {
  EXPECT_EQ(span_of_time(850ms), "850ms");
  EXPECT_EQ(span_of_time(1234ms), "1.2s");
  EXPECT_EQ(span_of_time(125s), "2m 05s");
  EXPECT_EQ(span_of_time(72min), "1h 12m");
  EXPECT_EQ(span_of_time(76h), "3d 4h");
  EXPECT_EQ(span_of_time(-1s), "0s");
}

TEST(WaitStatus, IsTakenApart) {
  EXPECT_EQ(describe_wait_status(0), "");
  EXPECT_EQ(describe_wait_status(256), "exit 1");
  EXPECT_EQ(describe_wait_status(32512), "exit 127");
  EXPECT_EQ(describe_wait_status(9), "SIGKILL");
  EXPECT_EQ(describe_wait_status(11 | 128), "SIGSEGV, core dumped");
  EXPECT_EQ(describe_wait_status(70), "signal 70");
  EXPECT_EQ(shell_exit_code(256), 1);
  EXPECT_EQ(shell_exit_code(9), 137);
  EXPECT_EQ(shell_exit_code(0), 0);
}

TEST(DescribeTask, UsesWordsPeopleUnderstand) {
  EXPECT_EQ(describe_task({.state = TaskState::kReady}), "ready");
  EXPECT_EQ(describe_task({.state = TaskState::kFinished}), "delivering");
  EXPECT_EQ(describe_task(ended(TaskState::kFinished, 0)), "ok");
  EXPECT_EQ(describe_task(ended(TaskState::kFinished, 256)), "failed (exit 1)");
  EXPECT_EQ(describe_task(ended(TaskState::kFinished, 9)), "killed (SIGKILL)");
  EXPECT_EQ(describe_task(ended(TaskState::kCancelled, 15, TaskResultMessage::kExecTimeout)), "timed out");
  EXPECT_EQ(describe_task(ended(TaskState::kCancelled, 0, TaskResultMessage::kUserCancellation)), "cancelled");
  EXPECT_EQ(describe_task(ended(TaskState::kCancelled, 0, TaskResultMessage::kResourceNotFound)),
            "failed (input not found)");
  EXPECT_EQ(describe_task(ended(TaskState::kFinished, 0, TaskResultMessage::kSubmitNewTaskFailed)),
            "ok, but its next task was refused");
}

TEST(DescribeTaskFully, SaysMore) {
  EXPECT_EQ(describe_task_fully({.state = TaskState::kReady}), "ready (waits for a worker)");
  EXPECT_EQ(
      describe_task_fully({.state = TaskState::kRunning, .result = {}, .exec_state = TaskExecState::kExecSpawned}),
      "running (command runs)");
  EXPECT_EQ(describe_task_fully({.state = TaskState::kRunning}), "running");
  EXPECT_EQ(describe_task_fully(ended(TaskState::kCancelled, 15, TaskResultMessage::kExecTimeout)),
            "timed out after 10m (--timeout), ended with SIGTERM");
}

TEST(Succeeded, OnlyWithExitCodeZero) {
  EXPECT_TRUE(succeeded(ended(TaskState::kFinished, 0)));
  EXPECT_FALSE(succeeded(ended(TaskState::kFinished, 256)));
  EXPECT_FALSE(succeeded(ended(TaskState::kCancelled, 0, TaskResultMessage::kResourceNotFound)));
  EXPECT_FALSE(succeeded(ended(TaskState::kFinished, 0, TaskResultMessage::kUploadResultTimeout)));
  EXPECT_FALSE(succeeded({.state = TaskState::kFinished}));
}

}  // namespace
}  // namespace mito::cli
