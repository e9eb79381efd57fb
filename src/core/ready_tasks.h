#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/queue_ages.h"
#include "core/tags.h"
#include "domain/ids.h"
#include "domain/rules.h"

namespace mito::core {

/// Whether a task waits for its watch: then only workers that watch themselves may have it.
enum class Held : std::uint8_t { kNo, kYes };

/// What workers have in common for the choice of tasks.
struct WorkerProfile {
  TagSet tags;
  bool holds_watches = false;  ///< Is kept from held tasks.
  std::size_t workers = 0;
};

/// A task's place: priority high to low, then first in, first out (ids grow with submission).
struct QueueKey {
  std::int32_t priority = 0;
  TaskId id;
  friend bool operator==(const QueueKey&, const QueueKey&) = default;
  friend bool operator<(const QueueKey& a, const QueueKey& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.id < b.id;
  }
};

/// All tasks that ask for the same: one group, one tag set, held or not.
struct TaskClass {
  GroupId group;
  TagSet tags;
  Held held = Held::kNo;
  std::set<QueueKey> queue;        ///< Its Ready tasks.
  std::size_t tasks = 0;           ///< Its tasks in any state; a class without any goes at the next collect().
  TagSet listed_under;             ///< Where its group's index lists it.
  std::uint64_t no_waiter_at = 0;  ///< See Waiters.
};

/// The Ready tasks, by requirement class. Pure; core thread.
///
/// Each group lists its non-empty classes, best task first: all of them, and by tag. A worker must not meet classes
/// that do not fit it, however many there are. Where the worker has to have all of the task's tags, a class is
/// therefore listed under one of its tags only, the one the fewest workers have, and a worker looks under each of its
/// own. Where it is the other way round (kSubset), a class is listed under all of its tags, and a worker looks under
/// the one of its own that lists the fewest classes.
class ReadyTasks {
 public:
  ReadyTasks(TagMatching rule, TagTable& tags) : rule_(rule), tags_(tags) {}

  /// The class of these requirements; `tags` are normalised. Stays where it is until collect() finds it without tasks.
  TaskClass& find_or_make(GroupId group, std::span<const std::string> tags, Held held);
  /// The class with the same requirements but for `held`.
  TaskClass& sibling(const TaskClass& of, Held held);

  /// A task was submitted at `at`; to be told of each before its first insert().
  void submitted(TaskId id, Clock::Monotonic at) { ages_.submitted(id, at); }
  void insert(TaskClass& task_class, QueueKey key);
  void erase(TaskClass& task_class, QueueKey key);

  struct Best {
    TaskClass* task_class = nullptr;
    QueueKey key;
  };
  /// The best task of these groups that a worker of this profile may run.
  [[nodiscard]] std::optional<Best> best(std::span<const GroupId> groups, const WorkerProfile& profile) const;

  /// Drops one task from its class's count.
  void release(TaskClass& task_class);
  /// Frees classes without tasks. Pointers to them, also in undo steps, must be gone.
  void collect();

  [[nodiscard]] std::size_t size() const { return size_; }
  /// When the oldest task that does not wait for its watch was submitted; see QueueAges.
  [[nodiscard]] std::optional<Clock::Monotonic> oldest() const { return ages_.oldest(); }
  [[nodiscard]] std::size_t classes() const { return classes_.size(); }

 private:
  struct Listed {
    QueueKey best;
    TaskClass* task_class = nullptr;
    friend bool operator<(const Listed& a, const Listed& b) { return a.best < b.best; }
  };
  using List = std::set<Listed>;
  struct Index {
    List all;
    std::unordered_map<TagNumber, List> by_tag;
  };
  struct Group {
    Index index[2];  ///< By Held.
  };
  struct Requirements {
    GroupId group;
    TagSet tags;
    Held held = Held::kNo;
    friend bool operator==(const Requirements&, const Requirements&) = default;
  };
  struct Hash {
    std::size_t operator()(const Requirements& requirements) const;
  };

  TaskClass& find_or_make(Requirements requirements);
  [[nodiscard]] TagSet choose_listing(const TagSet& tags) const;
  void list(TaskClass& task_class);
  void unlist(TaskClass& task_class);
  void look(const Index& index, const WorkerProfile& profile, std::optional<Best>& best) const;
  void scan(const List& list, const WorkerProfile& profile, std::optional<Best>& best) const;

  TagMatching rule_;
  TagTable& tags_;
  std::unordered_map<Requirements, std::unique_ptr<TaskClass>, Hash> classes_;
  std::unordered_map<GroupId, Group> groups_;
  std::vector<TaskClass*> unused_;
  QueueAges ages_;
  std::size_t size_ = 0;
};

}  // namespace mito::core
