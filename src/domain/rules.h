#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/states.h"
#include "domain/task_spec.h"

namespace mito {

/// User and group names: 1 to 255 bytes of ASCII letters, digits, `-`, `_`.
bool is_valid_name(std::string_view name);

/// `<group>/<key>`: under 1,024 bytes, no `/./`, `/../` or `//` in it.
bool is_valid_attachment_key(std::string_view group, std::string_view key);

/// Which worker may run a task, by tags (architecture 4.1).
enum class TagMatching {
  kDocumented,  ///< The worker has no tags, or has all of the task's.
  kStrict,      ///< The worker has all of the task's tags: what the original's code does.
  kSubset,      ///< The worker has no tags, or all of the worker's are among the task's.
};
/// Both lists sorted and without duplicates.
bool tags_match(TagMatching rule, const std::vector<std::string>& worker_tags,
                const std::vector<std::string>& task_tags);

/// Sorted, without duplicates: the form in which tag and label sets are kept.
std::vector<std::string> normalise_set(std::vector<std::string> items);

/// A number filter such as `>=5`, `!=0`, `7` (reference/server.md 1.3).
struct NumberFilter {
  enum class Operator { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  Operator op = Operator::kEqual;
  std::int32_t value = 0;
  /// The error text is the original's: `Failed to parse number from <rest>: <reason>`.
  static Result<NumberFilter> parse(std::string_view text);
  [[nodiscard]] bool accepts(std::int64_t number) const;
};

/// `users.group_quota` after a change such as `+5`, `-1`, `=3`, `3`: clamped to at least 0, without wrap-around. Fails
/// on bad syntax.
Result<std::int32_t> change_group_quota(std::int32_t current, std::string_view change);
/// `groups.storage_quota` after a change such as `+1GB`; saturates at the limits of int64.
Result<std::int64_t> change_storage_quota(std::int64_t current, std::string_view change);

/// Bytes a group uses after an upload of `length` to an object of recorded size `old_size` (nothing: a new object).
/// Nothing when the quota does not allow it. Recorded sizes never shrink (reference/server.md 6.5).
struct StorageChange {
  std::int64_t used = 0;
  std::int64_t size = 0;
};
std::optional<StorageChange> book_upload(std::int64_t used, std::int64_t quota, std::optional<std::int64_t> old_size,
                                         std::int64_t length);

/// Whether exec state `current` has reached `wanted` (reference/client-and-worker.md 1.8, first table).
bool exec_state_reached(TaskExecState current, TaskExecState wanted);
/// Whether a task in `state` with `result` has reached `wanted` (second table).
bool task_state_reached(TaskState state, const std::optional<TaskResult>& result, TaskExecState wanted);
/// Exec states after which nothing more comes.
bool is_final(TaskExecState state);

}  // namespace mito
