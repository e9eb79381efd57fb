#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "worker/descriptor.h"

namespace mito::worker {

/// The directory below which this process may make cgroups (version 2): its own cgroup, in whatever place the tree is
/// mounted (`/sys/fs/cgroup`, on hybrid systems `/sys/fs/cgroup/unified`). Nothing where there is none or it is not
/// ours to write. Removes what workers that have died left there.
std::optional<std::filesystem::path> find_cgroup_parent();

/// The cgroup of one slot: every process of its tasks is born in it, so all of them can be killed at once, whatever
/// they made of themselves. Needs no controller, but for a memory limit. Removed with its owner, if nothing lives in
/// it. One thread.
class SlotCgroup {
 public:
  /// Nothing when it cannot be made.
  static std::optional<SlotCgroup> create(const std::filesystem::path& parent,
                                          std::optional<std::uint64_t> memory_limit);
  SlotCgroup(SlotCgroup&& other) noexcept = default;
  SlotCgroup& operator=(SlotCgroup&& other) noexcept;
  ~SlotCgroup();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Of the directory, for clone3(2).
  [[nodiscard]] int descriptor() const { return directory_.get(); }
  /// To write `1` to; -1 where the kernel has no `cgroup.kill`.
  [[nodiscard]] int kill_descriptor() const { return kill_.get(); }
  /// Whether the memory limit is kept by the kernel for all processes together.
  [[nodiscard]] bool limits_memory() const { return limits_memory_; }
  /// How often the kernel has killed a process in it for want of memory.
  [[nodiscard]] std::uint64_t memory_kills() const;
  /// SIGKILL to all.
  void kill() const;

 private:
  explicit SlotCgroup(std::filesystem::path path) : path_(std::move(path)) {}
  [[nodiscard]] bool limit_memory(std::uint64_t bytes) const;

  std::filesystem::path path_;
  Descriptor directory_;
  Descriptor kill_;
  Descriptor members_;  ///< Its file of processes, kept open: the kernel makes an inode for each birth otherwise.
  bool limits_memory_ = false;
};

}  // namespace mito::worker
