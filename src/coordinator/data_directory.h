#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace mito::coordinator {

/// `$XDG_DATA_HOME/mitosis`, else `~/.local/share/mitosis`. kUsage when neither variable is set.
Result<std::filesystem::path> default_data_directory();

/// The name of the network file system that statfs(2) reports as `magic`; empty for local ones.
/// FUSE is judged by its type in mountinfo(5), see is_remote_mount_type.
std::string_view network_file_system(std::int64_t magic);
/// Whether a file system type of mountinfo(5), such as `nfs4` or `fuse.sshfs`, keeps its files on another machine.
bool is_remote_mount_type(std::string_view type);

/// The directory that holds everything a coordinator keeps, locked for this process for as long as the object lives.
class DataDirectory {
 public:
  /// Makes the directory (mode 0700) if it is missing, and locks it. kUsage with the remedy when it is in use (names
  /// the pid), cannot be written, or is on a network file system.
  static Result<DataDirectory> open(const std::filesystem::path& path);

  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  DataDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_ = -1;
};

/// Writes a file of mode 0600 in one step (temporary file, fsync, rename, fsync of the directory). kIo with the path.
Result<void> write_private_file(const std::filesystem::path& path, std::string_view content);
/// The content of a small file; kIo with the path.
Result<std::string> read_small_file(const std::filesystem::path& path);

}  // namespace mito::coordinator
