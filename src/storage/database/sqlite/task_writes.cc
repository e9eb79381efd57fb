#include "storage/database/json_text.h"
#include "storage/database/sqlite/rows.h"
#include "storage/database/sqlite/writer.h"

namespace mito::storage::sqlite {
namespace {

/// Runs a conditional statement for each element and says for which it changed a row.
template <class Element, class Run>
Result<std::vector<bool>> run_for_each(std::span<const Element> elements, Run run) {
  std::vector<bool> done;
  done.reserve(elements.size());
  for (const Element& element : elements) {
    MITO_TRY_ASSIGN(const int changed, run(element));
    done.push_back(changed == 1);
  }
  return done;
}

/// One bit for each state.
std::int64_t mask_of(const std::vector<TaskState>& states) {
  std::int64_t mask = 0;
  for (const TaskState state : states)
    mask |= std::int64_t{1} << static_cast<int>(state);
  return mask;
}

ClaimedTask read_claimed(Columns& c) {
  return {.uuid = c.uuid<TaskUuid>(),
          .timeout_seconds = c.integer(),
          .spec = c.text(),
          .upstream = c.optional_uuid<TaskUuid>()};
}

}  // namespace

Result<std::vector<Group>> SqliteWriter::read_groups(std::span<const GroupId> ids) {
  std::vector<Group> answer;
  for (const GroupId id : ids) {
    MITO_TRY_ASSIGN(std::optional<Group> group, reading_.group_by_id(id));
    if (group) answer.push_back(*std::move(group));
  }
  return answer;
}

Result<std::vector<bool>> SqliteWriter::update_task_counts(std::span<const GroupCounters> counters) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement(
      "UPDATE groups SET task_count = ?, updated_at = coalesce(?, updated_at) WHERE id = ? AND task_count = ?");
  return run_for_each(counters, [&](const GroupCounters& counter) {
    return statement.run(counter.new_task_count, counter.now, counter.group, counter.old_task_count);
  });
}

Result<void> SqliteWriter::insert_tasks(std::span<const NewTask> tasks) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement(
      "INSERT INTO tasks (id, uuid, creator_id, group_id, task_id, state, assigned_worker, timeout, priority, "
      "has_watch,"
      " created_at, updated_at, upstream_task_uuid, tags, labels, spec)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14, ?15)");
  for (const NewTask& task : tasks)
    MITO_TRY(statement.run(task.id, task.uuid, task.creator, task.group, task.number, task.state, task.assigned_worker,
                           task.timeout_seconds, task.priority, task.has_watch, task.now, task.upstream,
                           encode_list(task.tags), encode_list(task.labels), task.spec));
  return {};
}

Result<std::vector<std::optional<ClaimedTask>>> SqliteWriter::claim_tasks(std::span<const Claim> claims) {
  MITO_TRY(check_writable());
  Statement update = connection_->statement(
      "UPDATE tasks SET state = 2, assigned_worker = ?, updated_at = ? WHERE id = ? AND archived = 0 AND state = 1");
  Statement select = connection_->statement("SELECT uuid, timeout, spec, upstream_task_uuid FROM tasks WHERE id = ?");
  std::vector<std::optional<ClaimedTask>> answer;
  answer.reserve(claims.size());
  for (const Claim& claim : claims) {
    MITO_TRY_ASSIGN(const int changed, update.run(claim.worker, claim.now, claim.task));
    if (changed != 1) {
      answer.emplace_back();
      continue;
    }
    MITO_TRY_ASSIGN(answer.emplace_back(), one(select.ask(claim.task), read_claimed));
  }
  return answer;
}

Result<std::vector<bool>> SqliteWriter::report_states(std::span<const StateReport> reports) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement(
      "UPDATE tasks SET state = ?, updated_at = ? WHERE id = ? AND archived = 0 AND state = 2 AND assigned_worker = ?");
  return run_for_each(reports, [&](const StateReport& report) {
    return statement.run(report.state, report.now, report.task, report.worker);
  });
}

Result<std::vector<bool>> SqliteWriter::archive_tasks(std::span<const Archive> archives) {
  MITO_TRY(check_writable());
  Statement update = connection_->statement(
      "UPDATE tasks SET archived = 1, state = ?, result = ?, exit_status = ?, reporter_uuid = ?, updated_at = ?"
      " WHERE id = ? AND archived = 0 AND assigned_worker IS ? AND (? >> state) & 1");
  Statement insert = connection_->statement("INSERT INTO task_details (id, detail) VALUES (?, ?)");
  return run_for_each(archives, [&](const Archive& archive) -> Result<int> {
    MITO_TRY_ASSIGN(const int changed,
                    update.run(archive.state, archive.result, exit_status_of(archive.result), archive.reporter,
                               archive.now, archive.task, archive.worker, mask_of(archive.from)));
    if (changed == 1 && !archive.detail.empty()) MITO_TRY(insert.run(archive.task, archive.detail));
    return changed;
  });
}

Result<std::vector<bool>> SqliteWriter::release_tasks(std::span<const Release> releases) {
  MITO_TRY(check_writable());
  static constexpr const char* kDeleteChild =
      "DELETE FROM tasks WHERE state = 0 AND archived = 0 AND uuid = (SELECT downstream_task_uuid FROM tasks"
      " WHERE id = ? AND archived = 0 AND assigned_worker IS ? AND state IN (2, 3, 4))";
  Statement remove = connection_->statement(kDeleteChild);
  Statement update = connection_->statement(
      "UPDATE tasks SET state = 1, assigned_worker = NULL, downstream_task_uuid = NULL, losses = losses + ?,"
      " updated_at = ? WHERE id = ? AND archived = 0 AND assigned_worker IS ? AND state IN (2, 3, 4)");
  return run_for_each(releases, [&](const Release& release) -> Result<int> {
    MITO_TRY(remove.run(release.task, release.worker));
    return update.run(release.count_loss, release.now, release.task, release.worker);
  });
}

Result<std::vector<bool>> SqliteWriter::promote_tasks(std::span<const TaskUuid> tasks, Timestamp now) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement(
      "UPDATE tasks SET state = 1, updated_at = ? WHERE uuid = ? AND archived = 0 AND state = 0");
  return run_for_each(tasks, [&](const TaskUuid& task) { return statement.run(now, task); });
}

Result<std::vector<bool>> SqliteWriter::change_tasks(std::span<const TaskChange> changes) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement(
      "UPDATE tasks SET tags = coalesce(?2, tags), timeout = coalesce(?3, timeout), priority = coalesce(?4, priority),"
      " spec = coalesce(?5, spec), has_watch = CASE WHEN ?5 IS NULL THEN has_watch ELSE ?6 END,"
      " watch_reached = CASE WHEN ?5 IS NULL THEN watch_reached ELSE 0 END, updated_at = ?7"
      " WHERE id = ?1 AND archived = 0 AND state = 1");
  return run_for_each(changes, [&](const TaskChange& change) {
    return statement.run(change.task, change.tags.transform(encode_list), change.timeout_seconds, change.priority,
                         change.spec, change.has_watch, change.now);
  });
}

Result<void> SqliteWriter::set_labels(TaskId task, const std::vector<std::string>& labels, Timestamp now) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_->statement("UPDATE tasks SET labels = ?, updated_at = ? WHERE id = ?")
               .run(encode_list(labels), now, task));
  return {};
}

Result<void> SqliteWriter::set_downstream(TaskId task, TaskUuid downstream) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_->statement("UPDATE tasks SET downstream_task_uuid = ? WHERE id = ?").run(downstream, task));
  return {};
}

Result<void> SqliteWriter::touch_task(TaskId task, Timestamp now) {
  MITO_TRY(check_writable());
  MITO_TRY(connection_->statement("UPDATE tasks SET updated_at = ? WHERE id = ?").run(now, task));
  return {};
}

Result<void> SqliteWriter::set_watch_reached(std::span<const TaskId> tasks) {
  MITO_TRY(check_writable());
  Statement statement = connection_->statement("UPDATE tasks SET watch_reached = 1 WHERE id = ?");
  for (const TaskId task : tasks)
    MITO_TRY(statement.run(task));
  return {};
}

Result<void> SqliteWriter::delete_tasks(std::span<const TaskId> tasks) {
  MITO_TRY(check_writable());
  Statement remove = connection_->statement("DELETE FROM tasks WHERE id = ? AND archived = 1");
  Statement detail = connection_->statement("DELETE FROM task_details WHERE id = ?");
  for (const TaskId task : tasks) {
    MITO_TRY_ASSIGN(const int removed, remove.run(task));
    if (removed != 0) MITO_TRY(detail.run(task));
  }
  return {};
}

}  // namespace mito::storage::sqlite
