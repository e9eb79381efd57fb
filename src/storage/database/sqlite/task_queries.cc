#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "storage/database/json_text.h"
#include "storage/database/sqlite/reading.h"
#include "storage/database/sqlite/rows.h"

namespace mito::storage::sqlite {
namespace {

std::string read_text(Columns& columns) {
  return columns.text();
}

struct ActiveRow {
  Queries::ActiveTask task;
  std::optional<std::string> spec;
};

ActiveRow read_active(Columns& c) {
  return {.task = {.id = c.id<TaskId>(),
                   .uuid = c.uuid<TaskUuid>(),
                   .creator = c.id<UserId>(),
                   .group = c.id<GroupId>(),
                   .tags = c.list(),
                   .state = c.state<TaskState>(),
                   .priority = c.small(),
                   .timeout_seconds = c.integer(),
                   .updated_at = c.time(),
                   .assigned_worker = c.optional_id<WorkerId>(),
                   .losses = c.small(),
                   .downstream = c.optional_uuid<TaskUuid>(),
                   .watch = {},
                   .watch_reached = c.flag()},
          .spec = c.optional_text()};
}

struct AgedRow {
  Queries::OldTask task;
  bool old = false;
};

AgedRow read_aged(Columns& c) {
  return {.task = {.id = c.id<TaskId>(), .uuid = c.uuid<TaskUuid>(), .group = c.id<GroupId>()}, .old = c.flag()};
}

TaskId read_id(Columns& c) {
  return c.id<TaskId>();
}

Result<std::optional<Watch>> watch_in(const ActiveRow& row) {
  auto watch = watch_of(*row.spec);
  if (watch) return watch;
  return fail(ErrorCode::kInternal, "",
              fmt::format("task {}: {}", row.task.uuid.to_string(), watch.error().internal()));
}

}  // namespace

Result<std::optional<Task>> Reading::task_by_id(TaskId id) {
  static const std::string kSql = fmt::format("SELECT {} FROM tasks WHERE id = ?", kTaskColumns);
  Statement statement = connection_->statement(kSql.c_str());
  return one(statement.ask(id), read_task);
}

Result<std::optional<Task>> Reading::task_by_uuid(TaskUuid uuid) {
  const std::array one_uuid{uuid};
  MITO_TRY_ASSIGN(std::vector<Task> found, tasks_by_uuid(one_uuid));
  if (found.empty()) return std::nullopt;
  Statement statement = connection_->statement("SELECT detail FROM task_details WHERE id = ?");
  MITO_TRY_ASSIGN(std::optional<std::string> detail, one(statement.ask(found.front().id), read_text));
  found.front().detail = std::move(detail).value_or("");
  return std::move(found.front());
}

Result<std::vector<std::string>> Reading::details_of(std::span<const TaskId> tasks) {
  Statement statement = connection_->statement("SELECT detail FROM task_details WHERE id = ?");
  std::vector<std::string> answer;
  answer.reserve(tasks.size());
  for (const TaskId task : tasks) {
    MITO_TRY_ASSIGN(std::optional<std::string> detail, one(statement.ask(task), read_text));
    answer.push_back(std::move(detail).value_or(""));
  }
  return answer;
}

Result<Queries::OldTasks> Reading::old_tasks(TaskId after, std::size_t count, Timestamp before) {
  Statement statement = connection_->statement(
      "SELECT id, uuid, group_id, archived = 1 AND updated_at < ?2 FROM tasks WHERE id > ?1 ORDER BY id LIMIT ?3");
  MITO_TRY_ASSIGN(const std::vector<AgedRow> rows,
                  all(statement.ask(after, before, static_cast<std::int64_t>(count)), read_aged));
  Queries::OldTasks answer;
  for (const AgedRow& row : rows)
    if (row.old) answer.tasks.push_back(row.task);
  if (!rows.empty()) answer.last = rows.back().task.id;
  return answer;
}

Result<std::vector<Task>> Reading::tasks_by_uuid(std::span<const TaskUuid> uuids) {
  static const std::string kSql = fmt::format("SELECT {} FROM tasks WHERE uuid = ?", kTaskColumns);
  Statement statement = connection_->statement(kSql.c_str());
  std::vector<Task> answer;
  for (const TaskUuid uuid : uuids) {
    MITO_TRY_ASSIGN(std::optional<Task> task, one(statement.ask(uuid), read_task));
    if (task) answer.push_back(*std::move(task));
  }
  return answer;
}

Result<void> Reading::each_active_task(const std::function<void(Queries::ActiveTask&&)>& take) {
  return in_snapshot(*connection_, [&]() -> Result<void> {
    // From the index alone, which is small beside the table. The rows are then read in the order in which they lie on
    // the disk.
    Statement active = connection_->statement("SELECT id FROM tasks INDEXED BY tasks_active WHERE archived = 0");
    MITO_TRY_ASSIGN(std::vector<TaskId> ids, all(active.ask(), read_id));
    std::ranges::sort(ids);

    Statement statement = connection_->statement(
        "SELECT id, uuid, creator_id, group_id, tags, state, priority, timeout, updated_at, assigned_worker, losses,"
        " downstream_task_uuid, watch_reached, CASE WHEN has_watch AND NOT watch_reached THEN spec END"
        " FROM tasks WHERE id = ?");
    for (const TaskId id : ids) {
      MITO_TRY_ASSIGN(std::optional<ActiveRow> row, one(statement.ask(id), read_active));
      if (!row)
        return fail(ErrorCode::kInternal, "", fmt::format("task {} is in an index and not in its table", id.value));
      if (row->spec) {
        MITO_TRY_ASSIGN(row->task.watch, watch_in(*row));
      }
      take(std::move(row->task));
    }
    return {};
  });
}

}  // namespace mito::storage::sqlite
