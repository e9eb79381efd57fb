#include <algorithm>

#include "storage/database/memory/writer.h"

namespace mito::storage::memory {
namespace {

/// Applies a conditional change to each element and says where it took place.
template <class Element, class Apply>
std::vector<bool> for_each(std::span<const Element> elements, Apply apply) {
  std::vector<bool> done;
  done.reserve(elements.size());
  for (const Element& element : elements)
    done.push_back(apply(element));
  return done;
}

}  // namespace

Result<std::vector<Group>> MemoryWriter::read_groups(std::span<const GroupId> ids) {
  std::vector<Group> answer;
  const ReadingHandle reading = questions();
  for (const GroupId id : ids) {
    MITO_TRY_ASSIGN(std::optional<Group> group, reading->group_by_id(id));
    if (group) answer.push_back(*std::move(group));
  }
  return answer;
}

Result<std::vector<bool>> MemoryWriter::update_task_counts(std::span<const GroupCounters> counters) {
  MITO_TRY(check_writable());
  return for_each(counters, [this](const GroupCounters& counter) {
    const Group* group = tables().groups.find(counter.group);
    if (group == nullptr || group->task_count != counter.old_task_count) return false;
    tables().groups.update(counter.group, [&](Group& row) {
      row.task_count = counter.new_task_count;
      row.updated_at = counter.now.value_or(row.updated_at);
    });
    return true;
  });
}

Result<void> MemoryWriter::insert_tasks(std::span<const NewTask> tasks) {
  MITO_TRY(check_writable());
  for (const NewTask& task : tasks)
    MITO_TRY(insert_task(task));
  return {};
}

Result<void> MemoryWriter::insert_task(const NewTask& task) {
  const auto& index = tables().tasks.index();
  if (tables().tasks.find(task.id) != nullptr) return broken("a task of this id exists");
  if (index.by_uuid.contains(task.uuid)) return broken("a task of this uuid exists");
  if (index.by_place.contains({task.group, false, task.number}) ||
      index.by_place.contains({task.group, true, task.number}))
    return broken("a task of this number exists in the group");
  Task row;
  row.id = task.id;
  row.uuid = task.uuid;
  row.creator = task.creator;
  row.group = task.group;
  row.number = task.number;
  row.tags = task.tags;
  row.labels = task.labels;
  row.created_at = row.updated_at = task.now;
  row.state = task.state;
  row.assigned_worker = task.assigned_worker;
  row.timeout_seconds = task.timeout_seconds;
  row.priority = task.priority;
  row.spec = task.spec;
  row.upstream = task.upstream;
  tables().tasks.put(task.id, std::move(row));
  if (task.has_watch) tables().watched.put(task.id, true);
  return {};
}

Result<std::vector<std::optional<ClaimedTask>>> MemoryWriter::claim_tasks(std::span<const Claim> claims) {
  MITO_TRY(check_writable());
  std::vector<std::optional<ClaimedTask>> answer;
  answer.reserve(claims.size());
  for (const Claim& claim : claims) {
    const Task* task = tables().tasks.find(claim.task);
    if (task == nullptr || task->archived || task->state != TaskState::kReady) {
      answer.emplace_back();
      continue;
    }
    answer.emplace_back(ClaimedTask{task->uuid, task->timeout_seconds, task->spec, task->upstream});
    tables().tasks.update(claim.task, [&](Task& row) {
      row.state = TaskState::kRunning;
      row.assigned_worker = claim.worker;
      row.updated_at = claim.now;
    });
  }
  return answer;
}

Result<std::vector<bool>> MemoryWriter::report_states(std::span<const StateReport> reports) {
  MITO_TRY(check_writable());
  return for_each(reports, [this](const StateReport& report) {
    const Task* task = tables().tasks.find(report.task);
    if (task == nullptr || task->archived || task->state != TaskState::kRunning ||
        task->assigned_worker != report.worker)
      return false;
    tables().tasks.update(report.task, [&](Task& row) {
      row.state = report.state;
      row.updated_at = report.now;
    });
    return true;
  });
}

bool MemoryWriter::archive(const Archive& archive) {
  const Task* task = tables().tasks.find(archive.task);
  if (task == nullptr || task->archived || task->assigned_worker != archive.worker ||
      std::ranges::find(archive.from, task->state) == archive.from.end())
    return false;
  tables().tasks.update(archive.task, [&](Task& row) {
    row.archived = true;
    row.state = archive.state;
    row.result = archive.result;
    row.reporter = archive.reporter;
    row.updated_at = archive.now;
  });
  if (!archive.detail.empty()) tables().details.put(archive.task, archive.detail);
  return true;
}

Result<std::vector<bool>> MemoryWriter::archive_tasks(std::span<const Archive> archives) {
  MITO_TRY(check_writable());
  return for_each(archives, [this](const Archive& element) { return archive(element); });
}

void MemoryWriter::erase_task(TaskId id) {
  tables().watched.erase(id);
  tables().details.erase(id);
  tables().tasks.erase(id);
}

bool MemoryWriter::release(const Release& release) {
  const Task* task = tables().tasks.find(release.task);
  const bool held = task != nullptr && !task->archived && task->assigned_worker == release.worker &&
                    (task->state == TaskState::kRunning || task->state == TaskState::kFinished ||
                     task->state == TaskState::kCancelled);
  if (!held) return false;
  if (task->downstream) {
    const auto& uuids = tables().tasks.index().by_uuid;
    const auto child = uuids.find(*task->downstream);
    if (child != uuids.end() && tables().tasks.find(child->second)->state == TaskState::kPending)
      erase_task(TaskId(child->second));
  }
  tables().tasks.update(release.task, [&](Task& row) {
    row.state = TaskState::kReady;
    row.assigned_worker.reset();
    row.downstream.reset();
    row.updated_at = release.now;
    if (release.count_loss) ++row.losses;
  });
  return true;
}

Result<std::vector<bool>> MemoryWriter::release_tasks(std::span<const Release> releases) {
  MITO_TRY(check_writable());
  return for_each(releases, [this](const Release& element) { return release(element); });
}

Result<std::vector<bool>> MemoryWriter::promote_tasks(std::span<const TaskUuid> tasks, Timestamp now) {
  MITO_TRY(check_writable());
  return for_each(tasks, [&](const TaskUuid& uuid) {
    const auto& uuids = tables().tasks.index().by_uuid;
    const auto found = uuids.find(uuid);
    if (found == uuids.end()) return false;
    const TaskId id = found->second;
    const Task* task = tables().tasks.find(id);
    if (task->archived || task->state != TaskState::kPending) return false;
    tables().tasks.update(id, [&](Task& row) {
      row.state = TaskState::kReady;
      row.updated_at = now;
    });
    return true;
  });
}

Result<std::vector<bool>> MemoryWriter::change_tasks(std::span<const TaskChange> changes) {
  MITO_TRY(check_writable());
  return for_each(changes, [this](const TaskChange& change) {
    const Task* task = tables().tasks.find(change.task);
    if (task == nullptr || task->archived || task->state != TaskState::kReady) return false;
    tables().tasks.update(change.task, [&](Task& row) {
      if (change.tags) row.tags = *change.tags;
      row.timeout_seconds = change.timeout_seconds.value_or(row.timeout_seconds);
      row.priority = change.priority.value_or(row.priority);
      row.updated_at = change.now;
      if (!change.spec) return;
      row.spec = *change.spec;
      row.watch_reached = false;
    });
    if (change.spec) {
      if (change.has_watch)
        tables().watched.put(change.task, true);
      else
        tables().watched.erase(change.task);
    }
    return true;
  });
}

Result<void> MemoryWriter::set_labels(TaskId task, const std::vector<std::string>& labels, Timestamp now) {
  MITO_TRY(check_writable());
  if (tables().tasks.find(task) == nullptr) return {};
  tables().tasks.update(task, [&](Task& row) {
    row.labels = labels;
    row.updated_at = now;
  });
  return {};
}

Result<void> MemoryWriter::set_downstream(TaskId task, TaskUuid downstream) {
  MITO_TRY(check_writable());
  if (tables().tasks.find(task) != nullptr)
    tables().tasks.update(task, [&](Task& row) { row.downstream = downstream; });
  return {};
}

Result<void> MemoryWriter::touch_task(TaskId task, Timestamp now) {
  MITO_TRY(check_writable());
  if (tables().tasks.find(task) != nullptr) tables().tasks.update(task, [&](Task& row) { row.updated_at = now; });
  return {};
}

Result<void> MemoryWriter::set_watch_reached(std::span<const TaskId> tasks) {
  MITO_TRY(check_writable());
  for (const TaskId task : tasks)
    if (tables().tasks.find(task) != nullptr) tables().tasks.update(task, [](Task& row) { row.watch_reached = true; });
  return {};
}

Result<void> MemoryWriter::delete_tasks(std::span<const TaskId> tasks) {
  MITO_TRY(check_writable());
  for (const TaskId task : tasks)
    if (const Task* row = tables().tasks.find(task); row != nullptr && row->archived) erase_task(task);
  return {};
}

}  // namespace mito::storage::memory
