#include "storage/database/memory/tables.h"

namespace mito::storage::memory {
namespace {

template <class AnyTables>
auto all(AnyTables& t) {
  return std::tie(t.users, t.groups, t.memberships, t.workers, t.access, t.tasks, t.details, t.watched, t.artifacts,
                  t.attachments, t.facts);
}

}  // namespace

void TaskIndex::add(TaskId id, const Task& task) {
  by_uuid.emplace(task.uuid, id);
  by_place.emplace(Place{task.group, task.archived, task.number}, id);
  if (!task.archived && task.assigned_worker) assigned.emplace(*task.assigned_worker, id);
}

void TaskIndex::remove(TaskId id, const Task& task) {
  by_uuid.erase(task.uuid);
  by_place.erase(Place{task.group, task.archived, task.number});
  if (!task.archived && task.assigned_worker) assigned.erase({*task.assigned_worker, id});
}

Tables::Mark Tables::mark() const {
  return std::apply([](const auto&... table) { return Mark{table.mark()...}; }, all(*this));
}

void Tables::undo_to(const Mark& mark) {
  std::apply(
      [&](auto&... table) {
        std::size_t i = 0;
        (table.undo_to(mark[i++]), ...);
      },
      all(*this));
}

void Tables::publish_to(Tables& other) {
  std::apply([&](auto&... from) { std::apply([&](auto&... to) { (from.publish_to(to), ...); }, all(other)); },
             all(*this));
}

}  // namespace mito::storage::memory
