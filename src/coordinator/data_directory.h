#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace mito::coordinator {

/// `$XDG_DATA_HOME/mitosis`, else `~/.local/share/mitosis`. kUsage when neither variable is set.
Result<std::filesystem::path> default_data_directory();

/// The name of the network file system that statfs(2) reports as `magic`; empty for local ones.
/// FUSE is judged by its type in mountinfo(5), see is_remote_mount_type.
std::string_view network_file_system(std::int64_t magic);
/// Whether a file system type of mountinfo(5), such as `nfs4` or `fuse.sshfs`, keeps its files on another machine.
bool is_remote_mount_type(std::string_view type);

/// A lock file, held by this process for as long as the object lives. The file itself stays: removing it would let two
/// processes hold two different files of that name.
class FileLock {
 public:
  /// Makes the file (mode 0600) and locks it. `what` and `remedy` are for people: "The data directory /x", "Name
  /// another …". kUsage when it is held by another process (names its pid) or cannot be written.
  static Result<FileLock> acquire(const std::filesystem::path& path, const std::string& what,
                                  const std::string& remedy);

  FileLock(FileLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int file) : file_(file) {}
  int file_ = -1;
};

/// kUsage when the directory is on a network file system. `what` and `remedy` as above.
Result<void> require_local(const std::filesystem::path& directory, const std::string& what, const std::string& remedy);

/// The directory that holds everything a coordinator keeps, locked for this process for as long as the object lives.
class DataDirectory {
 public:
  /// Makes the directory (mode 0700) if it is missing, and locks it. kUsage with the remedy when it is in use (names
  /// the pid), cannot be written, or is on a network file system.
  static Result<DataDirectory> open(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  DataDirectory(std::filesystem::path path, FileLock lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  FileLock lock_;
};

/// Writes a file of mode 0600 in one step (temporary file, fsync, rename, fsync of the directory). kIo with the path.
Result<void> write_private_file(const std::filesystem::path& path, std::string_view content);
/// The content of a small file; kIo with the path.
Result<std::string> read_small_file(const std::filesystem::path& path);

}  // namespace mito::coordinator
