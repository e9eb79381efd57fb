#include "core/tags.h"

#include <algorithm>

namespace mito::core {

bool tags_fit(TagMatching rule, std::span<const TagNumber> worker_tags, std::span<const TagNumber> task_tags) {
  switch (rule) {
    case TagMatching::kDocumented:
      return worker_tags.empty() || std::ranges::includes(worker_tags, task_tags);
    case TagMatching::kStrict:
      return std::ranges::includes(worker_tags, task_tags);
    case TagMatching::kSubset:
      return std::ranges::includes(task_tags, worker_tags);
  }
  return false;
}

TagNumber TagTable::number(const std::string& tag) {
  if (const auto found = numbers_.find(tag); found != numbers_.end()) return found->second;
  TagNumber number = static_cast<TagNumber>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  const auto place = numbers_.emplace(tag, number).first;
  entries_[number] = Entry{.text = &place->first};
  fresh_.push_back(number);
  return number;
}

TagSet TagTable::numbers(std::span<const std::string> tags) {
  TagSet set;
  set.reserve(tags.size());
  for (const auto& tag : tags)
    set.push_back(number(tag));
  std::ranges::sort(set);
  set.erase(std::ranges::unique(set).begin(), set.end());
  return set;
}

void TagTable::use(const TagSet& tags, User user) {
  for (const TagNumber tag : tags)
    ++(user == User::kProfile ? entries_[tag].profiles : entries_[tag].classes);
}

void TagTable::drop(const TagSet& tags, User user) {
  for (const TagNumber tag : tags) {
    Entry& entry = entries_[tag];
    --(user == User::kProfile ? entry.profiles : entry.classes);
    if (entry.profiles == 0 && entry.classes == 0) forget(tag);
  }
}

void TagTable::forget_unused() {
  for (const TagNumber tag : fresh_) {
    const Entry& entry = entries_[tag];
    if (entry.text != nullptr && entry.profiles == 0 && entry.classes == 0) forget(tag);
  }
  fresh_.clear();
}

void TagTable::forget(TagNumber tag) {
  numbers_.erase(numbers_.find(*entries_[tag].text));
  entries_[tag] = Entry{};
  free_.push_back(tag);
}

}  // namespace mito::core
