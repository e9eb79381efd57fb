#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "worker/environment.h"

namespace mito::worker {

/// Where workers keep their directories when nothing is set: `$XDG_CACHE_HOME/mitosis`, else `~/.cache/mitosis`. kUsage
/// without a home.
Result<std::filesystem::path> default_work_directory();

/// Removes a file or a whole tree, also one whose directories were made inaccessible, without following links. Whether
/// nothing is left.
bool remove_tree(const std::filesystem::path& path);

/// The private directory of one slot with `result`, `exec` and `resource`; removed with its owner. One thread.
class WorkDirectory {
 public:
  /// Makes `root` (and what is above it) anew. kIo when that is not possible.
  static Result<WorkDirectory> create(std::filesystem::path root);
  WorkDirectory(WorkDirectory&& other) noexcept;
  WorkDirectory& operator=(WorkDirectory&& other) noexcept;
  ~WorkDirectory();

  /// Makes everything as it was when it was created; costs a few system calls when nothing was left in it.
  Result<void> reset();

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path result() const { return root_ / "result"; }
  [[nodiscard]] std::filesystem::path exec() const { return root_ / "exec"; }
  [[nodiscard]] std::filesystem::path resource() const { return root_ / "resource"; }
  [[nodiscard]] std::filesystem::path new_task() const { return root_ / "new_task.json"; }
  [[nodiscard]] TaskPlaces places() const;

 private:
  explicit WorkDirectory(std::filesystem::path root) : root_(std::move(root)) {}
  [[nodiscard]] bool is_clean() const;
  Result<void> make() const;

  std::filesystem::path root_;
};

}  // namespace mito::worker
