#include <algorithm>
#include <array>
#include <tuple>
#include <unordered_set>

#include "storage/database/postgres/rows.h"
#include "storage/database/postgres/task_statements.h"
#include "storage/database/postgres/writer.h"

namespace mito::storage::postgres {
namespace {

/// How many elements from the front a set-based statement can take at once: a key occurs once among them.
template <class Element, class... Keys>
std::size_t distinct(std::span<const Element> elements, Keys... keys) {
  std::tuple<std::unordered_set<std::remove_cvref_t<decltype(keys(elements.front()))>>...> seen;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const bool is_new = std::apply(
        [&](auto&... sets) { return (static_cast<int>(sets.insert(keys(elements[i])).second) & ...) != 0; }, seen);
    if (!is_new) return i;
  }
  return elements.size();
}

/// Runs a statement on spans of distinct elements, in order, and puts their answers together.
template <class Answer, class Element, class Add, class Read, class... Keys>
Result<std::vector<Answer>> in_order(Connection& connection, std::span<const Element> elements, Add add, Read read,
                                     Keys... keys) {
  std::vector<Answer> answer;
  answer.reserve(elements.size());
  while (!elements.empty()) {
    const auto now = elements.first(distinct(elements, keys...));
    Flight flight;
    add(flight, now);
    MITO_TRY_ASSIGN(const std::vector<Rows> rows, connection.run(flight));
    MITO_TRY_ASSIGN(std::vector<Answer> part, read(rows.front(), now.size()));
    std::ranges::move(part, std::back_inserter(answer));
    elements = elements.subspan(now.size());
  }
  return answer;
}

const auto kTask = [](const auto& element) { return element.task; };
const auto kWorker = [](const auto& element) { return element.worker; };
const auto kItself = [](const auto& element) { return element; };

}  // namespace

Result<std::vector<Group>> PostgresWriter::read_groups(std::span<const GroupId> ids) {
  static constexpr const char* kSql = "SELECT " MITO_GROUP_COLUMNS " FROM groups WHERE id = ANY($1)";
  Params params;
  params.add_column(ids, kItself);
  return all(connection_->ask(kSql, std::move(params)), read_group);
}

Result<std::vector<bool>> PostgresWriter::update_task_counts(std::span<const GroupCounters> counters) {
  MITO_TRY(check_writable());
  return in_order<bool>(
      *connection_, counters, [](Flight& flight, auto some) { add_task_counts(flight, some); }, applied,
      [](const GroupCounters& counter) { return counter.group; });
}

Result<void> PostgresWriter::insert_tasks(std::span<const NewTask> tasks) {
  MITO_TRY(check_writable());
  if (tasks.empty()) return {};
  Flight flight;
  add_inserts(flight, tasks);
  return write_all(flight);
}

Result<std::vector<std::optional<ClaimedTask>>> PostgresWriter::claim_tasks(std::span<const Claim> claims) {
  MITO_TRY(check_writable());
  return in_order<std::optional<ClaimedTask>>(
      *connection_, claims, [](Flight& flight, auto some) { add_claims(flight, some); }, claimed, kTask, kWorker);
}

Result<std::vector<bool>> PostgresWriter::report_states(std::span<const StateReport> reports) {
  MITO_TRY(check_writable());
  return in_order<bool>(
      *connection_, reports, [](Flight& flight, auto some) { add_reports(flight, some); }, applied, kTask);
}

Result<std::vector<bool>> PostgresWriter::archive_tasks(std::span<const Archive> archives) {
  MITO_TRY(check_writable());
  return in_order<bool>(
      *connection_, archives, [](Flight& flight, auto some) { add_archives(flight, some); }, applied, kTask);
}

Result<std::vector<bool>> PostgresWriter::release_tasks(std::span<const Release> releases) {
  MITO_TRY(check_writable());
  return in_order<bool>(
      *connection_, releases, [](Flight& flight, auto some) { add_releases(flight, some); }, applied, kTask);
}

Result<std::vector<bool>> PostgresWriter::promote_tasks(std::span<const TaskUuid> tasks, Timestamp now) {
  MITO_TRY(check_writable());
  return in_order<bool>(
      *connection_, tasks, [now](Flight& flight, std::span<const TaskUuid> some) { add_promotions(flight, some, now); },
      applied, kItself);
}

Result<std::vector<bool>> PostgresWriter::change_tasks(std::span<const TaskChange> changes) {
  MITO_TRY(check_writable());
  return in_order<bool>(
      *connection_, changes, [](Flight& flight, auto some) { add_changes(flight, some); }, applied, kTask);
}

Result<void> PostgresWriter::set_labels(TaskId task, const std::vector<std::string>& labels, Timestamp now) {
  const Params params = Params::of(task, labels, now);
  return write_all(Flight()
                       .add("UPDATE active_tasks SET labels = $2, updated_at = $3 WHERE id = $1", params)
                       .add("UPDATE archived_tasks SET labels = $2, updated_at = $3 WHERE id = $1", params));
}

Result<void> PostgresWriter::set_downstream(TaskId task, TaskUuid downstream) {
  const std::array pair{std::pair(task, downstream)};
  Flight flight;
  add_downstreams(flight, pair);
  return write_all(flight);
}

Result<void> PostgresWriter::touch_task(TaskId task, Timestamp now) {
  const Params params = Params::of(task, now);
  return write_all(Flight()
                       .add("UPDATE active_tasks SET updated_at = $2 WHERE id = $1", params)
                       .add("UPDATE archived_tasks SET updated_at = $2 WHERE id = $1", params));
}

Result<void> PostgresWriter::set_watch_reached(std::span<const TaskId> tasks) {
  Flight flight;
  add_watches_reached(flight, tasks);
  return write_all(flight);
}

Result<void> PostgresWriter::delete_tasks(std::span<const TaskId> tasks) {
  static constexpr const char* kSql =
      "WITH gone AS (DELETE FROM archived_tasks WHERE id = ANY($1) RETURNING id)"
      " DELETE FROM mito_task_details d USING gone WHERE d.id = gone.id";
  Params params;
  params.add_column(tasks, kItself);
  return write(kSql, std::move(params));
}

Result<void> PostgresWriter::write_heartbeats(std::span<const std::pair<WorkerId, Timestamp>> heartbeats) {
  Flight flight;
  add_heartbeats(flight, heartbeats);
  return write_all(flight);
}

}  // namespace mito::storage::postgres
