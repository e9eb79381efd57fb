#include <algorithm>

#include "storage/database/json_text.h"
#include "storage/database/memory/reading.h"

namespace mito::storage::memory {
namespace {

bool task_matches(const Tables& tables, const Task& task, const TaskFilter& filter) {
  if (filter.creators) {
    const User* creator = tables.users.find(task.creator);
    if (creator == nullptr || std::ranges::find(*filter.creators, creator->username) == filter.creators->end())
      return false;
  }
  if (filter.tags && !contains_all(task.tags, *filter.tags)) return false;
  if (filter.labels && !contains_all(task.labels, *filter.labels)) return false;
  if (filter.states && std::ranges::find(*filter.states, task.state) == filter.states->end()) return false;
  if (filter.priority && !filter.priority->accepts(task.priority)) return false;
  if (filter.reporter && (!task.archived || task.reporter != filter.reporter)) return false;
  if (filter.exit_status) {
    const auto status = task.archived && task.result ? exit_status_of(*task.result) : std::nullopt;
    if (!status || !filter.exit_status->accepts(*status)) return false;
  }
  return true;
}

}  // namespace

Result<std::optional<Task>> Reading::task_by_id(TaskId id) const {
  const Task* row = tables_->tasks.find(id);
  return row != nullptr ? std::optional<Task>(*row) : std::nullopt;
}

Result<std::optional<Task>> Reading::task_by_uuid(TaskUuid uuid) const {
  const auto& uuids = tables_->tasks.index().by_uuid;
  const auto found = uuids.find(uuid);
  if (found == uuids.end()) return std::nullopt;
  Task task = *tables_->tasks.find(found->second);
  if (const std::string* detail = tables_->details.find(task.id)) task.detail = *detail;
  return task;
}

Result<std::vector<Task>> Reading::tasks_by_uuid(std::span<const TaskUuid> uuids) const {
  std::vector<Task> answer;
  const auto& index = tables_->tasks.index().by_uuid;
  for (const TaskUuid uuid : uuids) {
    const auto found = index.find(uuid);
    if (found != index.end()) answer.push_back(*tables_->tasks.find(found->second));
  }
  return answer;
}

Result<std::vector<Task>> Reading::tasks(const TaskFilter& filter, Page page) const {
  PageOf<Task> answer(page);
  const auto& places = tables_->tasks.index().by_place;
  for (auto place = places.lower_bound({filter.group, false, 0});
       place != places.end() && std::get<0>(place->first) == filter.group; ++place) {
    const Task& task = *tables_->tasks.find(place->second);
    if (task_matches(*tables_, task, filter) && !answer.add(task)) break;
  }
  return answer.take();
}

Result<std::int64_t> Reading::count_tasks(const TaskFilter& filter) const {
  std::int64_t count = 0;
  const auto& places = tables_->tasks.index().by_place;
  for (auto place = places.lower_bound({filter.group, false, 0});
       place != places.end() && std::get<0>(place->first) == filter.group; ++place)
    if (task_matches(*tables_, *tables_->tasks.find(place->second), filter)) ++count;
  return count;
}

Result<std::vector<std::string>> Reading::details_of(std::span<const TaskId> tasks) const {
  std::vector<std::string> answer;
  for (const TaskId task : tasks) {
    const std::string* detail = tables_->details.find(task);
    answer.push_back(detail != nullptr ? *detail : std::string());
  }
  return answer;
}

Result<Queries::OldTasks> Reading::old_tasks(TaskId after, std::size_t count, Timestamp before) const {
  Queries::OldTasks answer;
  const auto& rows = tables_->tasks.rows();
  for (auto row = rows.upper_bound(after); row != rows.end() && count > 0; ++row, --count) {
    const Task& task = *row->second;
    if (task.archived && task.updated_at < before)
      answer.tasks.push_back({.id = task.id, .uuid = task.uuid, .group = task.group});
    answer.last = task.id;
  }
  return answer;
}

Result<void> Reading::each_active_task(const std::function<void(Queries::ActiveTask&&)>& take) const {
  for (const auto& [id, row] : tables_->tasks.rows()) {
    const Task& task = *row;
    if (task.archived) continue;
    Queries::ActiveTask active{.id = id,
                               .uuid = task.uuid,
                               .creator = task.creator,
                               .group = task.group,
                               .tags = task.tags,
                               .state = task.state,
                               .priority = task.priority,
                               .timeout_seconds = task.timeout_seconds,
                               .updated_at = task.updated_at,
                               .assigned_worker = task.assigned_worker,
                               .losses = task.losses,
                               .downstream = task.downstream,
                               .watch = {},
                               .watch_reached = task.watch_reached};
    if (!task.watch_reached && tables_->watched.find(id) != nullptr) {
      auto watch = watch_of(task.spec);
      if (!watch) return fail(ErrorCode::kInternal, "", task.uuid.to_string() + ": " + watch.error().internal());
      active.watch = *watch;
    }
    take(std::move(active));
  }
  return {};
}

}  // namespace mito::storage::memory
