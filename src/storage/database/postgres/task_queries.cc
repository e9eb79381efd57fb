#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "storage/database/json_text.h"
#include "storage/database/postgres/reading.h"
#include "storage/database/postgres/rows.h"

// Questions about tasks and workers; active and archived tasks are one statement, so that a task that is archived
// meanwhile is neither missing nor there twice.
namespace mito::storage::postgres {
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
                   .tags = c.set(),
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

/// A WHERE clause whose parameters go into the statement's list, which several clauses may share.
class Conditions {
 public:
  explicit Conditions(Params& params) : params_(params) {}

  void add(std::string_view condition) { text_ += fmt::format("{}{}", text_.empty() ? "WHERE " : " AND ", condition); }
  /// `condition` has one `{}` for the parameter.
  template <class Value>
  void add(std::string_view condition, const Value& value) {
    params_.add(value);
    add(fmt::format(fmt::runtime(condition), fmt::format("${}", params_.size())));
  }
  template <class Enum>
  void add_any_of(std::string_view column, const std::vector<Enum>& wanted) {
    params_.add_column(wanted, [](Enum value) { return static_cast<std::int32_t>(value); });
    add(fmt::format("{} = ANY(${})", column, params_.size()));
  }
  void add_number(std::string_view value, const NumberFilter& filter) {
    add(fmt::format("{} {} {{}}", value, spelling(filter.op)), std::int64_t{filter.value});
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  static std::string_view spelling(NumberFilter::Operator op) {
    switch (op) {
      case NumberFilter::Operator::kEqual:
        return "=";
      case NumberFilter::Operator::kNotEqual:
        return "<>";
      case NumberFilter::Operator::kLess:
        return "<";
      case NumberFilter::Operator::kLessEqual:
        return "<=";
      case NumberFilter::Operator::kGreater:
        return ">";
      case NumberFilter::Operator::kGreaterEqual:
        return ">=";
    }
    return "=";
  }

  Params& params_;
  std::string text_;
};

bool asks_for_archived_only(const TaskFilter& filter) {
  return filter.exit_status || filter.reporter;
}

enum class Kind { kActive, kArchived };

std::string conditions_of(const TaskFilter& filter, Kind kind, Params& params) {
  Conditions conditions(params);
  conditions.add("group_id = {}", filter.group);
  if (filter.creators)
    conditions.add("creator_id IN (SELECT id FROM users WHERE username = ANY({}))", *filter.creators);
  if (filter.states) conditions.add_any_of("state", *filter.states);
  if (filter.priority) conditions.add_number("priority", *filter.priority);
  if (filter.tags) conditions.add("tags @> {}", *filter.tags);
  if (filter.labels) conditions.add("labels @> {}", *filter.labels);
  if (kind == Kind::kActive) return conditions.text();
  if (filter.reporter) conditions.add("reporter_uuid = {}", *filter.reporter);
  if (filter.exit_status)
    conditions.add_number(
        "CASE WHEN json_typeof(result -> 'exit_status') = 'number' THEN (result ->> 'exit_status')::numeric END",
        *filter.exit_status);
  return conditions.text();
}

std::string conditions_of(const WorkerFilter& filter, Params& params) {
  Conditions access(params);
  if (filter.group || filter.roles) {
    access.add("a.worker_id = w.id");
    if (filter.group) access.add("a.group_id = {}", *filter.group);
    if (filter.roles) access.add_any_of("a.role", *filter.roles);
  }
  Conditions conditions(params);
  if (!access.text().empty()) conditions.add(fmt::format("EXISTS (SELECT 1 FROM group_worker a {})", access.text()));
  if (filter.tags) conditions.add("w.tags @> {}", *filter.tags);
  if (filter.labels) conditions.add("w.labels @> {}", *filter.labels);
  if (filter.creator) conditions.add("w.creator_id = (SELECT id FROM users WHERE username = {})", *filter.creator);
  return conditions.text();
}

std::string page_of(const Page& page, Params& params) {
  params.add(limit_of(page)).add(offset_of(page));
  return fmt::format(" LIMIT ${} OFFSET ${}", params.size() - 1, params.size());
}

}  // namespace

Result<std::optional<Task>> Reading::task_by_id(TaskId id) {
  static constexpr const char* kSql =
      "SELECT " MITO_ACTIVE_TASK_COLUMNS " FROM active_tasks WHERE id = $1 UNION ALL SELECT " MITO_ARCHIVED_TASK_COLUMNS
      " FROM archived_tasks WHERE id = $1";
  return one(asker_->ask(kSql, Params::of(id)), read_task);
}

Result<std::optional<Task>> Reading::task_by_uuid(TaskUuid uuid) {
  const std::array one_uuid{uuid};
  MITO_TRY_ASSIGN(std::vector<Task> found, tasks_by_uuid(one_uuid));
  if (found.empty()) return std::nullopt;
  if (found.front().archived) {
    static constexpr const char* kSql = "SELECT detail FROM mito_task_details WHERE id = $1";
    MITO_TRY_ASSIGN(std::optional<std::string> detail, one(asker_->ask(kSql, Params::of(found.front().id)), read_text));
    found.front().detail = std::move(detail).value_or("");
  }
  return std::move(found.front());
}

Result<std::vector<std::string>> Reading::details_of(std::span<const TaskId> tasks) {
  static constexpr const char* kSql =
      "SELECT coalesce(d.detail, '') FROM unnest($1) WITH ORDINALITY AS t (id, place)"
      " LEFT JOIN mito_task_details d ON d.id = t.id ORDER BY t.place";
  Params params;
  params.add_column(tasks, [](TaskId task) { return task; });
  return all(asker_->ask(kSql, std::move(params)), read_text);
}

Result<Queries::OldTasks> Reading::old_tasks(TaskId after, std::size_t count, Timestamp before) {
  static constexpr const char* kSql =
      "SELECT id, uuid, group_id, old FROM ((SELECT id, uuid, group_id, false AS old FROM active_tasks WHERE id > $1"
      " ORDER BY id LIMIT $3) UNION ALL (SELECT id, uuid, group_id, updated_at < $2 FROM archived_tasks WHERE id > $1"
      " ORDER BY id LIMIT $3)) AS both_tables ORDER BY id LIMIT $3";
  MITO_TRY_ASSIGN(const std::vector<AgedRow> rows,
                  all(asker_->ask(kSql, Params::of(after, before, static_cast<std::int64_t>(count))), read_aged));
  Queries::OldTasks answer;
  for (const AgedRow& row : rows)
    if (row.old) answer.tasks.push_back(row.task);
  if (!rows.empty()) answer.last = rows.back().task.id;
  return answer;
}

Result<std::vector<Task>> Reading::tasks_by_uuid(std::span<const TaskUuid> uuids) {
  static constexpr const char* kSql = "SELECT " MITO_ACTIVE_TASK_COLUMNS
                                      " FROM active_tasks WHERE uuid = ANY($1) UNION ALL"
                                      " SELECT " MITO_ARCHIVED_TASK_COLUMNS " FROM archived_tasks WHERE uuid = ANY($1)";
  Params params;
  params.add_column(uuids, [](TaskUuid uuid) { return uuid; });
  return all(asker_->ask(kSql, std::move(params)), read_task);
}

Result<std::vector<Task>> Reading::tasks(const TaskFilter& filter, Page page) {
  Params params;
  std::string sql;
  // An Append reads its parts one after the other, so the order of the whole is that of the parts.
  if (!asks_for_archived_only(filter))
    sql = fmt::format("(SELECT {} FROM active_tasks {} ORDER BY task_id) UNION ALL ", MITO_ACTIVE_TASK_COLUMNS,
                      conditions_of(filter, Kind::kActive, params));
  sql += fmt::format("(SELECT {} FROM archived_tasks {} ORDER BY task_id)", MITO_ARCHIVED_TASK_COLUMNS,
                     conditions_of(filter, Kind::kArchived, params));
  sql += page_of(page, params);
  return all(asker_->ask_once(std::move(sql), std::move(params)), read_task);
}

Result<std::int64_t> Reading::count_tasks(const TaskFilter& filter) {
  Params params;
  std::string sql = "SELECT ";
  if (!asks_for_archived_only(filter))
    sql += fmt::format("(SELECT count(*) FROM active_tasks {}) + ", conditions_of(filter, Kind::kActive, params));
  sql += fmt::format("(SELECT count(*) FROM archived_tasks {})", conditions_of(filter, Kind::kArchived, params));
  return number(asker_->ask_once(std::move(sql), std::move(params)));
}

Result<std::vector<Worker>> Reading::workers(const WorkerFilter& filter, Page page) {
  Params params;
  std::string sql = MITO_WORKERS + conditions_of(filter, params) + " ORDER BY w.id";
  sql += page_of(page, params);
  return all(asker_->ask_once(std::move(sql), std::move(params)), read_worker);
}

// mito_watch: NULL for tasks the original stored, whose specs tell; else 0 none, 1 waited for, 2 reached.
Result<void> Reading::each_active_task(const std::function<void(Queries::ActiveTask&&)>& take) {
  static constexpr const char* kSql =
      "SELECT id, uuid, creator_id, group_id, tags, state, priority, timeout, updated_at, assigned_worker,"
      " coalesce(mito_losses, 0), downstream_task_uuid, coalesce(mito_watch, 0) = 2,"
      " CASE WHEN mito_watch = 1 OR (mito_watch IS NULL AND spec ->> 'watch' IS NOT NULL) THEN spec END"
      " FROM active_tasks ORDER BY id";
  return asker_->stream(kSql, [&](Columns& columns) -> Result<void> {
    ActiveRow row = read_active(columns);
    MITO_TRY(columns.status());
    if (row.spec) {
      auto watch = watch_of(*row.spec);
      if (!watch)
        return fail(ErrorCode::kInternal, "",
                    fmt::format("task {}: {}", row.task.uuid.to_string(), watch.error().internal()));
      row.task.watch = *std::move(watch);
    }
    take(std::move(row.task));
    return {};
  });
}

}  // namespace mito::storage::postgres
