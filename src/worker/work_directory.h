#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <time.h>
#include <utility>
#include <vector>

#include "base/result.h"
#include "worker/account.h"
#include "worker/descriptor.h"
#include "worker/environment.h"

namespace mito::worker {

/// Where workers keep their directories when nothing is set: `$XDG_CACHE_HOME/mitosis`, else `~/.cache/mitosis`. kUsage
/// without a home.
Result<std::filesystem::path> default_work_directory();

/// Removes a file or a whole tree, also one whose directories were made inaccessible, without following links. Whether
/// nothing is left.
bool remove_tree(const std::filesystem::path& path);

struct WorkDirectorySettings {
  /// Whether there is a `work` directory, which is the working directory of commands.
  enum class Working { kInherited, kFresh };
  Working working = Working::kInherited;
  std::optional<Account> owner;  ///< Who commands run as; nothing: this process' user.
};

/// The private directory of one slot with `result`, `exec`, `resource` and, if wanted, `work`; removed with its owner.
/// One thread.
class WorkDirectory {
 public:
  /// Makes `root` (and what is above it) anew. kIo when that is not possible.
  static Result<WorkDirectory> create(std::filesystem::path root, WorkDirectorySettings settings = {});
  WorkDirectory(WorkDirectory&& other) noexcept;
  WorkDirectory& operator=(WorkDirectory&& other) noexcept;
  ~WorkDirectory();

  /// Makes everything as it was when it was created; costs a few system calls when nothing was left in it.
  Result<void> reset();
  /// What a task has left. Looks through the open directories, without a search for their names, and not even that
  /// where their times of change say that nothing was done in them.
  struct Content {
    bool result = false;  ///< There are entries.
    bool exec = false;
    bool new_task = false;  ///< There is a file for a downstream task.
    bool clean = false;     ///< Everything is as it was made.
  };
  [[nodiscard]] Content look(std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path result() const { return root_ / "result"; }
  [[nodiscard]] std::filesystem::path exec() const { return root_ / "exec"; }
  [[nodiscard]] std::filesystem::path resource() const { return root_ / "resource"; }
  [[nodiscard]] std::filesystem::path new_task() const { return root_ / "new_task.json"; }
  /// Bytes that an ordinary user may still write to its file system; the most there can be when that is not known.
  [[nodiscard]] std::uint64_t free_space() const;
  /// Where commands start; empty: where the worker is.
  [[nodiscard]] std::filesystem::path working() const;
  [[nodiscard]] const std::optional<Account>& owner() const { return settings_.owner; }
  [[nodiscard]] const TaskPlaces& places() const { return places_; }

 private:
  WorkDirectory(std::filesystem::path root, WorkDirectorySettings settings);
  [[nodiscard]] std::span<const std::string_view> names() const;
  [[nodiscard]] Result<void> make_directory(const std::filesystem::path& path) const;
  /// One of the directories inside, as it was made.
  struct Inner {
    Descriptor directory;
    ino_t inode = 0;
  };
  /// Times of change of top_ and inner_; empty when one of them is not as it was made.
  using Times = std::vector<timespec>;
  [[nodiscard]] Times times_of_change() const;
  [[nodiscard]] Content read_entries() const;
  Result<void> make();

  std::filesystem::path root_;
  WorkDirectorySettings settings_;
  TaskPlaces places_;  ///< Of root_.
  Descriptor top_;
  std::vector<Inner> inner_;  ///< In the order of names().
  uid_t user_ = 0;            ///< To whom the directories inside belong.

  /// The times at which everything was found to be as it was made.
  struct Clean {
    Times times;
    std::chrono::steady_clock::time_point first_seen;
    bool settled = false;  ///< They were seen for so long that a change must bring another time.
  };
  Clean clean_;
};

}  // namespace mito::worker
