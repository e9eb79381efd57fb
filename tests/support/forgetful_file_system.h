#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "storage/objects/file_system.h"

namespace mito::testing {

/// A disk in memory that keeps, over a crash, exactly what was synced: the bytes of a file as of its last sync, the
/// names in a directory as of its last sync. Thus it shows the worst that a real disk may do. Any thread.
class ForgetfulFileSystem final : public storage::FileSystem {
 public:
  ForgetfulFileSystem();

  Result<std::unique_ptr<storage::WritableFile>> create(const Path& path) override;
  Result<std::unique_ptr<storage::ReadableFile>> open(const Path& path) override;
  Result<void> rename(const Path& from, const Path& to) override;
  Result<bool> remove(const Path& path) override;
  Result<bool> make_directory(const Path& path) override;
  Result<void> sync_directory(const Path& path) override;
  Result<std::vector<std::string>> list(const Path& path) override;
  /// The machine's time of the last write.
  Result<std::optional<Timestamp>> written_at(const Path& path) override;
  Result<std::uint64_t> free_space(const Path& path) override;

  /// Power goes and comes back; only what was synced is left.
  void crash();
  /// As crash(), but each name and the first part of each file's bytes that were not synced may be lucky.
  void crash_with_luck(std::uint64_t seed);
  /// From the `number`-th operation on (the first is 1) each fails with kIo until the next crash.
  void break_before(std::size_t number) { broken_from_ = number; }
  /// The `number`-th sync (the first is 1) reports success and does nothing.
  void drop_sync(std::size_t number) { dropped_sync_ = number; }
  /// Writing more than `bytes` in all fails with kStorageFull.
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }

  [[nodiscard]] std::size_t operations() const { return operations_; }
  [[nodiscard]] std::size_t syncs() const { return syncs_; }
  /// Paths of all files there are.
  [[nodiscard]] std::vector<std::string> files() const;

 private:
  friend class ForgetfulFile;

  struct Node;
  using NodePointer = std::shared_ptr<Node>;
  struct Node {
    bool is_directory = false;
    std::string bytes;
    std::string synced_bytes;
    Timestamp written = Clock::system().now();
    std::map<std::string, NodePointer> names;
    std::map<std::string, NodePointer> synced_names;
  };

  [[nodiscard]] NodePointer find(const Path& path) const;
  Result<NodePointer> parent_of(const Path& path) const;
  Result<void> operate();
  /// Whether this sync is to do something.
  bool takes_effect() { return ++syncs_ != dropped_sync_; }
  static void forget(Node& node);
  static void spare_some(Node& node, std::mt19937_64& random);
  static void collect(const Node& node, const std::string& path, std::vector<std::string>& out);

  mutable std::mutex mutex_;
  NodePointer root_;
  std::size_t operations_ = 0;
  std::size_t syncs_ = 0;
  std::size_t broken_from_ = 0;
  std::size_t dropped_sync_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t capacity_ = 1 << 30;
};

}  // namespace mito::testing
