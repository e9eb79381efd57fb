#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domain/rules.h"

namespace mito::core {

/// A tag while it is in use; equal tags have equal numbers. Never 0.
using TagNumber = std::uint32_t;
/// Stands for "has no tags" where sets are listed by their tags.
inline constexpr TagNumber kNoTag = 0;
/// Sorted, without duplicates.
using TagSet = std::vector<TagNumber>;

/// tags_match() on numbers.
bool tags_fit(TagMatching rule, std::span<const TagNumber> worker_tags, std::span<const TagNumber> task_tags);

/// Gives tags numbers and counts who uses them, so that a tag nobody uses any more costs nothing.
class TagTable {
 public:
  /// Who uses a tag: worker profiles or requirement classes.
  enum class User { kProfile, kClass };

  /// The numbers of `tags`. They hold until forget_unused(), and for as long as use() keeps them.
  TagSet numbers(std::span<const std::string> tags);
  void use(const TagSet& tags, User user);
  /// Ends one use(); a tag without any is forgotten at once and its number given to another tag later.
  void drop(const TagSet& tags, User user);
  /// Forgets numbers that were asked for and never used.
  void forget_unused();

  [[nodiscard]] std::uint32_t profiles_with(TagNumber tag) const { return entries_[tag].profiles; }
  [[nodiscard]] std::uint32_t classes_with(TagNumber tag) const { return entries_[tag].classes; }
  [[nodiscard]] std::size_t size() const { return numbers_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Entry {
    const std::string* text = nullptr;
    std::uint32_t profiles = 0;
    std::uint32_t classes = 0;
  };
  TagNumber number(const std::string& tag);
  void forget(TagNumber tag);

  std::unordered_map<std::string, TagNumber, Hash, std::equal_to<>> numbers_;
  std::vector<Entry> entries_{1};
  std::vector<TagNumber> free_;
  std::vector<TagNumber> fresh_;  ///< Given out and perhaps not used yet.
};

}  // namespace mito::core
