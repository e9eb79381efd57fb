#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "storage/database/json_text.h"
#include "storage/database/sqlite/reading.h"
#include "storage/database/sqlite/rows.h"

// Questions whose conditions are put together from a filter.
namespace mito::storage::sqlite {
namespace {

/// A WHERE clause and the values of its parameters.
class Conditions {
 public:
  using Value = std::variant<std::int64_t, std::string, Uuid>;

  void add(std::string_view condition) { text_ += fmt::format("{}{}", text_.empty() ? "WHERE " : " AND ", condition); }
  /// `condition` has one parameter.
  void add(std::string_view condition, Value value) {
    add(condition);
    values_.push_back(std::move(value));
  }
  /// The JSON array in `column` contains all of `wanted`.
  void add_all_of(const char* column, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return;
    add(fmt::format("mito_contains({}, ?)", column), encode_list(wanted));
  }
  template <class Enum>
  void add_any_of(std::string_view column, const std::vector<Enum>& wanted) {
    std::string numbers;
    for (const Enum value : wanted)
      numbers += fmt::format("{}{}", numbers.empty() ? "" : ",", static_cast<std::int32_t>(value));
    // NULL equals nothing: without it, SQLite takes the whole condition for a constant and finds no index for it.
    add(fmt::format("{} IN ({})", column, numbers.empty() ? "NULL" : numbers));
  }
  void add_number(std::string_view value, const NumberFilter& filter) {
    add(fmt::format("{} {} ?", value, spelling(filter.op)), std::int64_t{filter.value});
  }

  /// `SELECT <columns> FROM <table> WHERE … <rest>`, with its parameters bound. Parameters of `rest` follow.
  Statement select(Connection& connection, std::string_view columns, std::string_view table, std::string_view rest = {},
                   const std::vector<std::int64_t>& more = {}) const {
    Statement statement = connection.once(fmt::format("SELECT {} FROM {} {} {}", columns, table, text_, rest));
    int index = 0;
    for (const Value& value : values_)
      std::visit([&](const auto& known) { statement.bind_copy(++index, known); }, value);
    for (const std::int64_t value : more)
      statement.bind_copy(++index, value);
    return statement;
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

  std::string text_;
  std::vector<Value> values_;
};

Conditions conditions_of(const WorkerFilter& filter) {
  Conditions conditions;
  if (filter.group || filter.roles) {
    Conditions access;
    access.add("a.worker_id = workers.id");
    // Numbers only: nothing here can break out of the statement.
    if (filter.group) access.add(fmt::format("a.group_id = {}", filter.group->value));
    if (filter.roles) access.add_any_of("a.role", *filter.roles);
    conditions.add(fmt::format("EXISTS (SELECT 1 FROM group_worker a {})", access.text()));
  }
  if (filter.tags) conditions.add_all_of("workers.tags", *filter.tags);
  if (filter.labels) conditions.add_all_of("workers.labels", *filter.labels);
  if (filter.creator) conditions.add("creator_id = (SELECT id FROM users WHERE username = ?)", *filter.creator);
  return conditions;
}

bool asks_for_archived_only(const TaskFilter& filter) {
  return filter.exit_status || filter.reporter;
}

enum class Kind { kActive, kArchived };

/// The table with the index that holds every column a filter may ask for.
const char* table_of(Kind kind) {
  return kind == Kind::kArchived ? "tasks INDEXED BY tasks_archived" : "tasks INDEXED BY tasks_active";
}

Conditions conditions_of(const TaskFilter& filter, Kind kind) {
  Conditions conditions;
  conditions.add("group_id = ?", filter.group.value);
  conditions.add(kind == Kind::kArchived ? "archived = 1" : "archived = 0");
  if (filter.creators)
    conditions.add("creator_id IN (SELECT id FROM users WHERE username IN (SELECT value FROM json_each(?)))",
                   encode_list(*filter.creators));
  if (filter.states) conditions.add_any_of("state", *filter.states);
  if (filter.priority) conditions.add_number("priority", *filter.priority);
  if (filter.reporter) conditions.add("reporter_uuid = ?", filter.reporter->value);
  if (filter.exit_status) conditions.add_number("exit_status", *filter.exit_status);
  if (filter.tags) conditions.add_all_of("tags", *filter.tags);
  if (filter.labels) conditions.add_all_of("labels", *filter.labels);
  return conditions;
}

std::int64_t read_integer(Columns& columns) {
  return columns.integer();
}

Result<std::int64_t> count(Connection& connection, const TaskFilter& filter, Kind kind) {
  Statement statement = conditions_of(filter, kind).select(connection, "count(*)", table_of(kind));
  MITO_TRY_ASSIGN(const std::optional<std::int64_t> rows, one(statement, read_integer));
  return rows.value_or(0);
}

/// By number.
Result<std::vector<Task>> list(Connection& connection, const TaskFilter& filter, Kind kind, Page page) {
  Statement statement = conditions_of(filter, kind)
                            .select(connection, kTaskColumns, table_of(kind), "ORDER BY task_id LIMIT ? OFFSET ?",
                                    {limit_of(page), offset_of(page)});
  return all(statement, read_task);
}

/// The active ones first. The database must not change meanwhile.
Result<std::vector<Task>> list_both(Connection& connection, const TaskFilter& filter, Page page) {
  std::vector<Task> answer;
  if (!asks_for_archived_only(filter)) {
    MITO_TRY_ASSIGN(answer, list(connection, filter, Kind::kActive, page));
    if (page.limit) *page.limit -= answer.size();
    if (page.limit == 0U) return answer;
    if (!answer.empty()) {
      page.offset = 0;
    } else if (page.offset > 0) {
      MITO_TRY_ASSIGN(const std::int64_t active, count(connection, filter, Kind::kActive));
      page.offset -= static_cast<std::uint64_t>(active);
    }
  }
  MITO_TRY_ASSIGN(std::vector<Task> archived, list(connection, filter, Kind::kArchived, page));
  std::ranges::move(archived, std::back_inserter(answer));
  return answer;
}

}  // namespace

Result<std::vector<Worker>> Reading::workers(const WorkerFilter& filter, Page page) {
  Statement statement = conditions_of(filter).select(*connection_, kWorkerColumns, "workers",
                                                     "ORDER BY id LIMIT ? OFFSET ?", {limit_of(page), offset_of(page)});
  return all(statement, read_worker);
}

Result<std::int64_t> Reading::count_tasks(const TaskFilter& filter) {
  if (asks_for_archived_only(filter)) return count(*connection_, filter, Kind::kArchived);
  return in_snapshot(*connection_, [&]() -> Result<std::int64_t> {
    MITO_TRY_ASSIGN(const std::int64_t active, count(*connection_, filter, Kind::kActive));
    MITO_TRY_ASSIGN(const std::int64_t archived, count(*connection_, filter, Kind::kArchived));
    return active + archived;
  });
}

Result<std::vector<Task>> Reading::tasks(const TaskFilter& filter, Page page) {
  // Else a task that is archived meanwhile could be missing or listed twice.
  return in_snapshot(*connection_, [&] { return list_both(*connection_, filter, page); });
}

}  // namespace mito::storage::sqlite
