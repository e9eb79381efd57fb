#include "core/waiters.h"

#include <algorithm>

namespace mito::core {

void Waiters::list(Group& group, Sequence since, WorkerProfile& profile) {
  Index& index = group.index[profile.holds_watches ? 1 : 0];
  index.all.emplace(since, &profile);
  if (profile.tags.empty()) index.by_tag[kNoTag].emplace(since, &profile);
  for (const TagNumber tag : profile.tags)
    index.by_tag[tag].emplace(since, &profile);
}

void Waiters::unlist(Group& group, Sequence since, WorkerProfile& profile) {
  Index& index = group.index[profile.holds_watches ? 1 : 0];
  const Listed entry{since, &profile};
  index.all.erase(entry);
  const auto erase = [&](TagNumber tag) {
    const auto found = index.by_tag.find(tag);
    found->second.erase(entry);
    if (found->second.empty()) index.by_tag.erase(found);
  };
  if (profile.tags.empty()) erase(kNoTag);
  for (const TagNumber tag : profile.tags)
    erase(tag);
}

void Waiters::add(WorkerId worker, Sequence since, WorkerProfile& profile, std::span<const GroupId> groups) {
  for (const GroupId id : groups) {
    Group& group = groups_[id];
    auto& workers = group.profiles[&profile];
    const bool longest = workers.empty() || since < workers.begin()->first;
    if (longest && !workers.empty()) unlist(group, workers.begin()->first, profile);
    workers.emplace(since, worker);
    if (longest) list(group, since, profile);
    ++group.arrivals;
  }
}

void Waiters::remove(WorkerId worker, Sequence since, WorkerProfile& profile, std::span<const GroupId> groups) {
  for (const GroupId id : groups) {
    Group& group = groups_[id];
    const auto found = group.profiles.find(&profile);
    auto& workers = found->second;
    const bool longest = workers.begin()->first == since;
    if (longest) unlist(group, since, profile);
    workers.erase({since, worker});
    if (workers.empty())
      group.profiles.erase(found);
    else if (longest)
      list(group, workers.begin()->first, profile);
  }
}

std::optional<WorkerId> Waiters::longest(TaskClass& task_class) const {
  const auto found = groups_.find(task_class.group);
  if (found == groups_.end() || task_class.no_waiter_at == found->second.arrivals) return std::nullopt;
  const Group& group = found->second;
  std::optional<Listed> longest;
  look(group.index[0], task_class.tags, longest);
  if (task_class.held == Held::kNo) look(group.index[1], task_class.tags, longest);
  if (!longest) {
    task_class.no_waiter_at = group.arrivals;
    return std::nullopt;
  }
  return group.profiles.find(longest->second)->second.begin()->second;
}

void Waiters::look(const Index& index, const TagSet& tags, std::optional<Listed>& longest) const {
  if (index.all.empty()) return;
  if (rule_ == TagMatching::kSubset) {
    scan(index, kNoTag, tags, longest);
    for (const TagNumber tag : tags)
      scan(index, tag, tags, longest);
    return;
  }
  if (tags.empty()) {
    if (!longest || *index.all.begin() < *longest) longest = *index.all.begin();
    return;
  }
  if (rule_ == TagMatching::kDocumented) scan(index, kNoTag, tags, longest);
  const auto waiting_with = [&](TagNumber tag) {
    const auto found = index.by_tag.find(tag);
    return found == index.by_tag.end() ? std::size_t{0} : found->second.size();
  };
  scan(index, *std::ranges::min_element(tags, {}, waiting_with), tags, longest);
}

void Waiters::scan(const Index& index, TagNumber tag, const TagSet& tags, std::optional<Listed>& longest) const {
  const auto found = index.by_tag.find(tag);
  if (found == index.by_tag.end()) return;
  for (const Listed& entry : found->second) {
    if (longest && *longest < entry) return;
    if (!tags_fit(rule_, entry.second->tags, tags)) continue;
    longest = entry;
    return;
  }
}

}  // namespace mito::core
