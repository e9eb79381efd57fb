#include "cli/task_wait.h"

#include <cstdio>
#include <string>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/humane.h"
#include "cli/progress.h"
#include "cli/task_follower.h"
#include "cli/task_view.h"
#include "cli/temporary_directory.h"
#include "cli/unpack.h"

namespace mito::cli {

Result<protocol::TaskQueryResp> wait_for_task(Session& session, TaskUuid uuid, ShowProgress show) {
  StatusLine line(session.out(), show);
  MITO_TRY_ASSIGN(
      auto tasks, follow_tasks(session, std::span(&uuid, 1), [&line](const auto& task, bool over) {
        if (!over)
          line.update(fmt::format("Task {}: {}", task.info.uuid.to_string(), describe_task_fully(condition_of(task))));
      }));
  return std::move(tasks.front());
}

Result<void> print_task_output(Session& session, TaskUuid uuid, Streams streams) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto located, client->locate_artifact(uuid, ArtifactContentType::kStdLog, session.stop()));
  MITO_TRY_ASSIGN(const auto directory, TemporaryDirectory::make());
  const auto archive = directory.path() / "std-log.tar.gz";
  MITO_TRY(client->download(located.url, archive, {}, session.stop()));
  MITO_TRY(session.out().flush());
  return unpack_files(archive, [streams](std::string_view name) -> std::FILE* {
    if (name.ends_with("stdout.log") && streams != Streams::kErr) return stdout;
    return name.ends_with("stderr.log") && streams != Streams::kOut ? stderr : nullptr;
  });
}

int task_exit_code(const protocol::TaskQueryResp& task) {
  if (!task.info.result) return static_cast<int>(ExitCode::kFailed);
  const int code = shell_exit_code(task.info.result->exit_status);
  if (code == 0 && !succeeded(condition_of(task))) return static_cast<int>(ExitCode::kFailed);
  return code;
}

}  // namespace mito::cli
