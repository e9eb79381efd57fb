#include "cli/task_view.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "cli/task_wait.h"

namespace mito::cli {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow = std::chrono::sys_days(std::chrono::year(2026) / 1 / 2) + 3h;

protocol::TaskQueryResp finished_task() {
  protocol::TaskQueryResp task;
  task.info.uuid = TaskUuid{*Uuid::parse("550e8400-e29b-41d4-a716-446655440000")};
  task.info.creator_username = "alice";
  task.info.group_name = "lab";
  task.info.task_id = 7;
  task.info.tags = {"4g", "wireless"};
  task.info.created_at = kNow - 60s;
  task.info.updated_at = kNow - 30s;
  task.info.state = TaskState::kFinished;
  task.info.timeout = 600;
  task.info.spec.args = {"sh", "-c", "exit 1"};
  task.info.result = TaskResult{.exit_status = 256, .message = std::nullopt};
  return task;
}

TEST(RenderTask, ShowsEverythingThatIsKnown) {
  auto task = finished_task();
  task.artifacts = {
      {.content_type = ArtifactContentType::kStdLog, .size = 135, .created_at = kNow - 30s, .updated_at = kNow - 30s}};
  task.detail = protocol::RawObject{
      R"({"reason":"because","notes":["cut"],"usage":{"cpu_seconds":0.5},)"
      R"("started_at":"2026-01-02 02:59:30.0 +00:00:00","finished_at":"2026-01-02 02:59:31.5 +00:00:00"})"};
  EXPECT_EQ(render_task(task, kNow),
            "Task UUID:   550e8400-e29b-41d4-a716-446655440000\n"
            "State:       failed (exit 1)\n"
            "Created by:  user alice as the #7 task in Group lab\n"
            "Command:     sh -c 'exit 1'\n"
            "Tags:        4g, wireless\n"
            "Labels:      (none)\n"
            "Timeout:     10m\n"
            "Priority:    0\n"
            "Output:      not kept (--terminal keeps it)\n"
            "Created at:  2026-01-02 02:59:00 UTC (1m ago)\n"
            "Updated at:  2026-01-02 02:59:30 UTC (30s ago)\n"
            "Started at:  2026-01-02 02:59:30 UTC (30s ago), 30.0s after it was created\n"
            "Finished at: 2026-01-02 02:59:31 UTC (28s ago), ran 1.5s\n"
            "Used:        0.50s of processor time\n"
            "Reason:      because\n"
            "Note:        cut\n"
            "Artifacts:\n"
            "ARTIFACT         SIZE  CREATED\n"
            "std-log.tar.gz  135 B  30s ago\n");
}

TEST(RenderTasks, IsATable) {
  protocol::TaskQueryInfo task;
  task.uuid = TaskUuid{*Uuid::parse("550e8400-e29b-41d4-a716-446655440000")};
  task.creator_username = "alice";
  task.task_id = 3;
  task.labels = {"a", "b"};
  task.created_at = kNow - 5s;
  task.state = TaskState::kCancelled;
  task.spec = protocol::RawJson{R"({"args":["echo","a b"]})"};
  task.result = protocol::RawJson{R"({"exit_status":0,"msg":"UserCancellation"})"};
  EXPECT_EQ(task_table({task}, kNow).render({}),
            "UUID                                  NO.  STATE      COMMAND     LABELS  USER   CREATED\n"
            "550e8400-e29b-41d4-a716-446655440000    3  cancelled  echo 'a b'  a,b     alice   5s ago\n");
}

TEST(TaskExitCode, IsTheCommandsOrOne) {
  auto task = finished_task();
  EXPECT_EQ(task_exit_code(task), 1);
  task.info.result->exit_status = 9;
  EXPECT_EQ(task_exit_code(task), 137);
  task.info.result->exit_status = 0;
  EXPECT_EQ(task_exit_code(task), 0);
  task.info.state = TaskState::kCancelled;
  task.info.result->message = TaskResultMessage::kResourceNotFound;
  EXPECT_EQ(task_exit_code(task), 1);
}

}  // namespace
}  // namespace mito::cli
