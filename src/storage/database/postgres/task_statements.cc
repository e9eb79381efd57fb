#include "storage/database/postgres/task_statements.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace mito::storage::postgres {
namespace {

/// mito_watch of a task we store (see each_active_task).
constexpr std::int32_t kNoWatch = 0;
constexpr std::int32_t kWatchWaits = 1;

// Is one where a row of `held` stands for every element of the statement, all of which its first parameter names, and
// divides by zero where not.
constexpr const char* kAllHeld = "1 / (count(*) = cardinality($1))::int";

/// A conditional statement in the two forms of Unless.
class Conditional {
 public:
  /// `steps`: common table expressions; that of the name `held` has the places of the elements that were applied.
  Conditional(std::string_view steps, std::string_view held)
      : told_(fmt::format("{} SELECT place FROM {}", steps, held)),
        fails_(fmt::format("{} SELECT {} FROM {}", steps, kAllHeld, held)) {}
  /// Valid for as long as this.
  [[nodiscard]] const char* text(Unless unless) const { return (unless == Unless::kTold ? told_ : fails_).c_str(); }

 private:
  std::string told_;
  std::string fails_;
};

/// One bit for each state.
std::int32_t mask_of(const std::vector<TaskState>& states) {
  std::int32_t mask = 0;
  for (const TaskState state : states)
    mask |= 1 << static_cast<int>(state);
  return mask;
}

const auto kTask = [](const auto& element) { return element.task; };
const auto kWorker = [](const auto& element) { return element.worker; };
const auto kState = [](const auto& element) { return static_cast<std::int32_t>(element.state); };
const auto kNow = [](const auto& element) { return element.now; };
const auto kItself = [](const auto& element) { return element; };

std::optional<Json> json_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return Json{*text};
}

std::optional<std::string> literal_of(const std::optional<std::vector<std::string>>& items) {
  if (!items) return std::nullopt;
  return array_literal(*items);
}

ClaimedTask read_claimed(Columns& c) {
  return {.uuid = c.uuid<TaskUuid>(),
          .timeout_seconds = c.integer(),
          .spec = c.text(),
          .upstream = c.optional_uuid<TaskUuid>()};
}

Result<std::size_t> place_of(Columns& columns, std::size_t count) {
  const std::int64_t place = columns.integer();
  if (place >= 1 && place <= static_cast<std::int64_t>(count)) return static_cast<std::size_t>(place - 1);
  return fail(ErrorCode::kInternal, "", "a statement answered a place that it was not given");
}

}  // namespace

void add_task_counts(Flight& flight, std::span<const GroupCounters> counters, Unless unless) {
  static const Conditional kSql(
      "WITH held AS (UPDATE groups g SET task_count = c.new_count, updated_at = coalesce(c.now, g.updated_at)"
      " FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS c (group_id, old_count, new_count, now, place)"
      " WHERE g.id = c.group_id AND g.task_count = c.old_count RETURNING c.place)",
      "held");
  Params params;
  params.add_column(counters, [](const GroupCounters& counter) { return counter.group; })
      .add_column(counters, [](const GroupCounters& counter) { return counter.old_task_count; })
      .add_column(counters, [](const GroupCounters& counter) { return counter.new_task_count; })
      .add_column(counters, kNow);
  flight.add(kSql.text(unless), std::move(params));
}

void add_inserts(Flight& flight, std::span<const NewTask> tasks) {
  static constexpr const char* kSql =
      "INSERT INTO active_tasks (id, uuid, creator_id, group_id, task_id, state, assigned_worker, timeout, priority,"
      " mito_watch, created_at, updated_at, upstream_task_uuid, tags, labels, spec)"
      " SELECT t.id, t.uuid, t.creator, t.group_id, t.number, t.state, t.worker, t.timeout, t.priority, t.watch, t.now,"
      " t.now, t.upstream, t.tags::text[], t.labels::text[], t.spec"
      " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
      " AS t (id, uuid, creator, group_id, number, state, worker, timeout, priority, watch, now, upstream, tags, "
      "labels,"
      " spec)";
  Params params;
  params.add_column(tasks, [](const NewTask& task) { return task.id; })
      .add_column(tasks, [](const NewTask& task) { return task.uuid; })
      .add_column(tasks, [](const NewTask& task) { return task.creator; })
      .add_column(tasks, [](const NewTask& task) { return task.group; })
      .add_column(tasks, [](const NewTask& task) { return task.number; })
      .add_column(tasks, kState)
      .add_column(tasks, [](const NewTask& task) { return task.assigned_worker; })
      .add_column(tasks, [](const NewTask& task) { return task.timeout_seconds; })
      .add_column(tasks, [](const NewTask& task) { return task.priority; })
      .add_column(tasks, [](const NewTask& task) { return task.has_watch ? kWatchWaits : kNoWatch; })
      .add_column(tasks, kNow)
      .add_column(tasks, [](const NewTask& task) { return task.upstream; })
      .add_column(tasks, [](const NewTask& task) { return array_literal(task.tags); })
      .add_column(tasks, [](const NewTask& task) { return array_literal(task.labels); })
      .add_column(tasks, [](const NewTask& task) { return Json{task.spec}; });
  flight.add(kSql, std::move(params));

  std::vector<const NewTask*> taken;
  for (const NewTask& task : tasks)
    if (task.assigned_worker) taken.push_back(&task);
  if (taken.empty()) return;
  static constexpr const char* kAssign =
      "UPDATE workers w SET assigned_task_id = t.id FROM unnest($1, $2) AS t (id, worker) WHERE w.id = t.worker";
  Params assigned;
  assigned.add_column(taken, [](const NewTask* task) { return task->id; }).add_column(taken, [](const NewTask* task) {
    return *task->assigned_worker;
  });
  flight.add(kAssign, std::move(assigned));
}

void add_claims(Flight& flight, std::span<const Claim> claims, Unless unless) {
  static constexpr std::string_view kSteps =
      "WITH taken AS (UPDATE active_tasks t SET state = 2, assigned_worker = c.worker, updated_at = c.now"
      " FROM unnest($1, $2, $3) WITH ORDINALITY AS c (task, worker, now, place) WHERE t.id = c.task AND t.state = 1"
      " RETURNING c.place, t.uuid, t.timeout, t.spec, t.upstream_task_uuid, t.id, c.worker),"
      " assigned AS (UPDATE workers w SET assigned_task_id = taken.id FROM taken WHERE w.id = taken.worker)";
  static constexpr std::string_view kAnswer = "SELECT place, uuid, timeout, spec, upstream_task_uuid";
  static const std::string kTold = fmt::format("{} {} FROM taken", kSteps, kAnswer);
  static const std::string kFails =
      fmt::format("{}, guard AS (SELECT {} AS held FROM taken) {} FROM guard LEFT JOIN taken ON held = 1", kSteps,
                  kAllHeld, kAnswer);
  Params params;
  params.add_column(claims, kTask).add_column(claims, kWorker).add_column(claims, kNow);
  flight.add((unless == Unless::kTold ? kTold : kFails).c_str(), std::move(params));
}

void add_reports(Flight& flight, std::span<const StateReport> reports, Unless unless) {
  static const Conditional kSql(
      "WITH held AS (UPDATE active_tasks t SET state = r.state, updated_at = r.now"
      " FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS r (task, worker, state, now, place)"
      " WHERE t.id = r.task AND t.state = 2 AND t.assigned_worker = r.worker RETURNING r.place)",
      "held");
  Params params;
  params.add_column(reports, kTask).add_column(reports, kWorker).add_column(reports, kState).add_column(reports, kNow);
  flight.add(kSql.text(unless), std::move(params));
}

void add_archives(Flight& flight, std::span<const Archive> archives, const std::function<bool(WorkerId)>& takes_next,
                  Unless unless) {
  static const Conditional kSql(
      "WITH gone AS (DELETE FROM active_tasks t"
      " USING unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY"
      " AS a (task, allowed, worker, new_state, new_result, reporter, now, detail, takes_next, place)"
      " WHERE t.id = a.task AND (a.allowed >> t.state) & 1 = 1 AND t.assigned_worker IS NOT DISTINCT FROM a.worker"
      " RETURNING t.*, a.new_state, a.new_result, a.reporter, a.now, a.detail, a.takes_next,"
      " a.place),"
      " kept AS (INSERT INTO archived_tasks (id, creator_id, group_id, task_id, uuid, tags, labels, created_at,"
      " updated_at, state, assigned_worker, timeout, priority, spec, result, upstream_task_uuid, downstream_task_uuid,"
      " reporter_uuid, mito_losses, mito_watch)"
      " SELECT id, creator_id, group_id, task_id, uuid, tags, labels, created_at, now, new_state, assigned_worker,"
      " timeout, priority, spec, new_result, upstream_task_uuid, downstream_task_uuid, reporter, mito_losses, "
      "mito_watch"
      " FROM gone),"
      " freed AS (UPDATE workers w SET assigned_task_id = NULL FROM gone"
      " WHERE NOT gone.takes_next AND w.id = gone.assigned_worker AND w.assigned_task_id = gone.id),"
      " detailed AS (INSERT INTO mito_task_details (id, detail) SELECT id, detail FROM gone WHERE detail <> '')",
      "gone");
  Params params;
  params.add_column(archives, kTask)
      .add_column(archives, [](const Archive& archive) { return mask_of(archive.from); })
      .add_column(archives, kWorker)
      .add_column(archives, kState)
      .add_column(archives, [](const Archive& archive) { return Json{archive.result}; })
      .add_column(archives, [](const Archive& archive) { return archive.reporter; })
      .add_column(archives, kNow)
      .add_column(archives, [](const Archive& archive) -> std::string_view { return archive.detail; })
      .add_column(archives,
                  [&](const Archive& archive) { return archive.worker && takes_next && takes_next(*archive.worker); });
  flight.add(kSql.text(unless), std::move(params));
}

void add_releases(Flight& flight, std::span<const Release> releases, Unless unless) {
  static const Conditional kSql(
      "WITH r AS (SELECT * FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS r (task, worker, lost, now, place)),"
      " child AS (DELETE FROM active_tasks c USING r JOIN active_tasks t ON t.id = r.task"
      " WHERE c.uuid = t.downstream_task_uuid AND c.state = 0 AND t.assigned_worker IS NOT DISTINCT FROM r.worker"
      " AND t.state IN (2, 3, 4)),"
      " free AS (UPDATE active_tasks t SET state = 1, assigned_worker = NULL, downstream_task_uuid = NULL,"
      " mito_losses = coalesce(mito_losses, 0) + r.lost, updated_at = r.now FROM r"
      " WHERE t.id = r.task AND t.assigned_worker IS NOT DISTINCT FROM r.worker AND t.state IN (2, 3, 4)"
      " RETURNING r.place, t.id, r.worker),"
      " freed AS (UPDATE workers w SET assigned_task_id = NULL FROM free"
      " WHERE w.id = free.worker AND w.assigned_task_id = free.id)",
      "free");
  Params params;
  params.add_column(releases, kTask)
      .add_column(releases, kWorker)
      .add_column(releases, [](const Release& release) { return std::int32_t{release.count_loss ? 1 : 0}; })
      .add_column(releases, kNow);
  flight.add(kSql.text(unless), std::move(params));
}

void add_promotions(Flight& flight, std::span<const TaskUuid> tasks, Timestamp now, Unless unless) {
  static const Conditional kSql(
      "WITH held AS (UPDATE active_tasks t SET state = 1, updated_at = $2 FROM unnest($1) WITH ORDINALITY AS p (uuid, "
      "place)"
      " WHERE t.uuid = p.uuid AND t.state = 0 RETURNING p.place)",
      "held");
  Params params;
  params.add_column(tasks, kItself).add(now);
  flight.add(kSql.text(unless), std::move(params));
}

void add_changes(Flight& flight, std::span<const TaskChange> changes, Unless unless) {
  static const Conditional kSql(
      "WITH held AS (UPDATE active_tasks t SET tags = coalesce(c.tags::text[], t.tags), timeout = coalesce(c.timeout, "
      "t.timeout),"
      " priority = coalesce(c.priority, t.priority), spec = coalesce(c.spec, t.spec),"
      " mito_watch = CASE WHEN c.spec IS NULL THEN t.mito_watch ELSE c.watch END, updated_at = c.now"
      " FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY"
      " AS c (task, tags, timeout, priority, spec, watch, now, place)"
      " WHERE t.id = c.task AND t.state = 1 RETURNING c.place)",
      "held");
  Params params;
  params.add_column(changes, kTask)
      .add_column(changes, [](const TaskChange& change) { return literal_of(change.tags); })
      .add_column(changes, [](const TaskChange& change) { return change.timeout_seconds; })
      .add_column(changes, [](const TaskChange& change) { return change.priority; })
      .add_column(changes, [](const TaskChange& change) { return json_of(change.spec); })
      .add_column(changes, [](const TaskChange& change) { return change.has_watch ? kWatchWaits : kNoWatch; })
      .add_column(changes, kNow);
  flight.add(kSql.text(unless), std::move(params));
}

void add_downstreams(Flight& flight, std::span<const std::pair<TaskId, TaskUuid>> downstreams) {
  static constexpr const char* kSql =
      "UPDATE active_tasks t SET downstream_task_uuid = d.downstream FROM unnest($1, $2) AS d (task, downstream)"
      " WHERE t.id = d.task";
  Params params;
  params.add_column(downstreams, [](const auto& pair) { return pair.first; })
      .add_column(downstreams, [](const auto& pair) { return pair.second; });
  flight.add(kSql, std::move(params));
}

void add_watches_reached(Flight& flight, std::span<const TaskId> tasks) {
  static constexpr const char* kSql = "UPDATE active_tasks SET mito_watch = 2 WHERE id = ANY($1)";
  Params params;
  params.add_column(tasks, kItself);
  flight.add(kSql, std::move(params));
}

void add_departures(Flight& flight, std::span<const WorkerId> workers) {
  static constexpr const char* kSql = "DELETE FROM workers WHERE id = ANY($1)";
  Params params;
  params.add_column(workers, kItself);
  flight.add(kSql, std::move(params));
}

// Of several heartbeats of a worker the last one counts.
void add_heartbeats(Flight& flight, std::span<const std::pair<WorkerId, Timestamp>> heartbeats) {
  static constexpr const char* kSql =
      "UPDATE workers w SET last_heartbeat = h.beat FROM (SELECT DISTINCT ON (worker) worker, beat"
      " FROM unnest($1, $2) WITH ORDINALITY AS h (worker, beat, place) ORDER BY worker, place DESC) h"
      " WHERE w.id = h.worker";
  Params params;
  params.add_column(heartbeats, [](const auto& beat) { return beat.first; })
      .add_column(heartbeats, [](const auto& beat) { return beat.second; });
  flight.add(kSql, std::move(params));
}

Result<std::vector<bool>> applied(const Rows& rows, std::size_t count) {
  std::vector<bool> answer(count, false);
  for (int i = 0; i < rows.count(); ++i) {
    Columns columns = rows.row(i);
    MITO_TRY_ASSIGN(const std::size_t place, place_of(columns, count));
    answer[place] = true;
  }
  return answer;
}

Result<std::vector<std::optional<ClaimedTask>>> claimed(const Rows& rows, std::size_t count) {
  std::vector<std::optional<ClaimedTask>> answer(count);
  for (int i = 0; i < rows.count(); ++i) {
    Columns columns = rows.row(i);
    MITO_TRY_ASSIGN(const std::size_t place, place_of(columns, count));
    answer[place] = read_claimed(columns);
    MITO_TRY(columns.status());
  }
  return answer;
}

}  // namespace mito::storage::postgres
