#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

#include "core/ready_tasks.h"

namespace mito::core {

/// The workers that wait for a task, by group. Pure; core thread.
///
/// They are listed by profile, not one by one, under each of the profile's tags: a task looks only under the one of its
/// tags that the fewest waiting profiles have. Under kSubset it looks under all of its own. A search that found nobody
/// is not repeated for that class until somebody comes to wait in the group.
class Waiters {
 public:
  /// Order of arrival; smaller waits longer.
  using Sequence = std::uint64_t;

  explicit Waiters(TagMatching rule) : rule_(rule) {}

  void add(WorkerId worker, Sequence since, WorkerProfile& profile, std::span<const GroupId> groups);
  void remove(WorkerId worker, Sequence since, WorkerProfile& profile, std::span<const GroupId> groups);
  /// The worker that waits longest of those that may run tasks of this class.
  [[nodiscard]] std::optional<WorkerId> longest(TaskClass& task_class) const;

 private:
  using Listed = std::pair<Sequence, WorkerProfile*>;  // A profile by its longest waiting worker.
  using List = std::set<Listed>;
  struct Index {
    List all;
    std::unordered_map<TagNumber, List> by_tag;
  };
  struct Group {
    std::unordered_map<WorkerProfile*, std::set<std::pair<Sequence, WorkerId>>> profiles;
    Index index[2];  ///< By WorkerProfile::holds_watches.
    std::uint64_t arrivals = 0;
  };

  static void list(Group& group, Sequence since, WorkerProfile& profile);
  static void unlist(Group& group, Sequence since, WorkerProfile& profile);
  void look(const Index& index, const TagSet& tags, std::optional<Listed>& longest) const;
  void scan(const Index& index, TagNumber tag, const TagSet& tags, std::optional<Listed>& longest) const;

  TagMatching rule_;
  std::unordered_map<GroupId, Group> groups_;
};

}  // namespace mito::core
