#include "core/ready_tasks.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mito::core {

std::size_t ReadyTasks::Hash::operator()(const Requirements& requirements) const {
  std::size_t hash = std::hash<GroupId>{}(requirements.group) * 2 + static_cast<std::size_t>(requirements.held);
  for (const TagNumber tag : requirements.tags)
    hash = (hash ^ tag) * 0x9E3779B97F4A7C15U + (hash >> 29U);
  return hash;
}

TaskClass& ReadyTasks::find_or_make(GroupId group, std::span<const std::string> tags, Held held) {
  return find_or_make(Requirements{.group = group, .tags = tags_.numbers(tags), .held = held});
}

TaskClass& ReadyTasks::sibling(const TaskClass& of, Held held) {
  return find_or_make(Requirements{.group = of.group, .tags = of.tags, .held = held});
}

TaskClass& ReadyTasks::find_or_make(Requirements requirements) {
  if (const auto found = classes_.find(requirements); found != classes_.end()) return *found->second;
  auto made = std::make_unique<TaskClass>();
  made->group = requirements.group;
  made->tags = requirements.tags;
  made->held = requirements.held;
  made->listed_under = choose_listing(made->tags);
  tags_.use(made->tags, TagTable::User::kClass);
  TaskClass& result = *made;
  unused_.push_back(&result);
  classes_.emplace(std::move(requirements), std::move(made));
  return result;
}

TagSet ReadyTasks::choose_listing(const TagSet& tags) const {
  if (tags.empty()) return {kNoTag};
  if (rule_ == TagMatching::kSubset) return tags;
  return {*std::ranges::min_element(
      tags, {}, [&](TagNumber tag) { return std::tuple(tags_.profiles_with(tag), tags_.classes_with(tag), tag); })};
}

void ReadyTasks::insert(TaskClass& task_class, QueueKey key) {
  const bool is_best = task_class.queue.empty() || key < *task_class.queue.begin();
  if (is_best) unlist(task_class);
  task_class.queue.insert(key);
  if (is_best) list(task_class);
  if (task_class.held == Held::kNo) ages_.add(key.id);
  ++size_;
}

void ReadyTasks::erase(TaskClass& task_class, QueueKey key) {
  const bool was_best = !task_class.queue.empty() && *task_class.queue.begin() == key;
  if (was_best) unlist(task_class);
  const std::size_t erased = task_class.queue.erase(key);
  if (erased != 0 && task_class.held == Held::kNo) ages_.remove(key.id);
  size_ -= erased;
  if (was_best) list(task_class);
}

void ReadyTasks::list(TaskClass& task_class) {
  if (task_class.queue.empty()) return;
  const Listed entry{.best = *task_class.queue.begin(), .task_class = &task_class};
  Index& index = groups_[task_class.group].index[static_cast<std::size_t>(task_class.held)];
  index.all.insert(entry);
  for (const TagNumber tag : task_class.listed_under)
    index.by_tag[tag].insert(entry);
}

void ReadyTasks::unlist(TaskClass& task_class) {
  if (task_class.queue.empty()) return;
  const Listed entry{.best = *task_class.queue.begin(), .task_class = &task_class};
  Index& index = groups_[task_class.group].index[static_cast<std::size_t>(task_class.held)];
  index.all.erase(entry);
  for (const TagNumber tag : task_class.listed_under) {
    const auto list = index.by_tag.find(tag);
    list->second.erase(entry);
    if (list->second.empty()) index.by_tag.erase(list);
  }
}

std::optional<ReadyTasks::Best> ReadyTasks::best(std::span<const GroupId> groups, const WorkerProfile& profile) const {
  std::optional<Best> best;
  for (const GroupId id : groups) {
    const auto group = groups_.find(id);
    if (group == groups_.end()) continue;
    look(group->second.index[0], profile, best);
    if (!profile.holds_watches) look(group->second.index[1], profile, best);
  }
  return best;
}

void ReadyTasks::look(const Index& index, const WorkerProfile& profile, std::optional<Best>& best) const {
  if (index.all.empty()) return;
  if (profile.tags.empty() && rule_ != TagMatching::kStrict) return scan(index.all, profile, best);
  const auto listed = [&](TagNumber tag) -> const List* {
    const auto list = index.by_tag.find(tag);
    return list == index.by_tag.end() ? nullptr : &list->second;
  };
  if (rule_ == TagMatching::kSubset) {
    const List* shortest = nullptr;
    for (const TagNumber tag : profile.tags) {
      const List* list = listed(tag);
      if (list == nullptr) return;  // No class has this tag, so none has all of the worker's.
      if (shortest == nullptr || list->size() < shortest->size()) shortest = list;
    }
    return scan(*shortest, profile, best);
  }
  if (const List* list = listed(kNoTag)) scan(*list, profile, best);
  for (const TagNumber tag : profile.tags)
    if (const List* list = listed(tag)) scan(*list, profile, best);
}

void ReadyTasks::scan(const List& list, const WorkerProfile& profile, std::optional<Best>& best) const {
  for (const Listed& entry : list) {
    if (best && !(entry.best < best->key)) return;
    if (!tags_fit(rule_, profile.tags, entry.task_class->tags)) continue;
    best = Best{.task_class = entry.task_class, .key = entry.best};
    return;
  }
}

void ReadyTasks::release(TaskClass& task_class) {
  if (--task_class.tasks == 0) unused_.push_back(&task_class);
}

void ReadyTasks::collect() {
  std::ranges::sort(unused_);
  unused_.erase(std::ranges::unique(unused_).begin(), unused_.end());
  for (TaskClass* task_class : unused_) {
    if (task_class->tasks != 0) continue;
    tags_.drop(task_class->tags, TagTable::User::kClass);
    classes_.erase(Requirements{.group = task_class->group, .tags = task_class->tags, .held = task_class->held});
  }
  unused_.clear();
}

}  // namespace mito::core
