#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace mito::storage {

/// A new file that is written from its beginning. One thread at a time.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Result<void> write(std::string_view bytes) = 0;
  /// Returns when the bytes are on the disk. That the file has a name is a matter of its directory.
  virtual Result<void> sync() = 0;
};

/// An open file; keeps its bytes when its name goes or is given to another file. Any thread.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Bytes read; 0 at the end.
  virtual Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t count) = 0;
  /// Tells these bytes from those that had the name before or get it later: their MD5 digest in hexadecimal digits
  /// where the file system keeps it beside the file, else something without meaning. Empty: unknown.
  [[nodiscard]] virtual std::string version() const { return {}; }
};

/// The operations on files that decide what survives a crash, so that a test can put a disk in their place that forgets
/// what was not synced. Any thread. Errors: kStorageFull when the volume or a quota is full, else kIo; the texts name
/// path and reason.
class FileSystem {
 public:
  using Path = std::filesystem::path;

  virtual ~FileSystem() = default;
  /// The name must not exist.
  virtual Result<std::unique_ptr<WritableFile>> create(const Path& path) = 0;
  /// Null: there is no such file.
  virtual Result<std::unique_ptr<ReadableFile>> open(const Path& path) = 0;
  /// Replaces what has the new name, in one step.
  virtual Result<void> rename(const Path& from, const Path& to) = 0;
  /// False: there was no such file.
  virtual Result<bool> remove(const Path& path) = 0;
  /// False: it was there.
  virtual Result<bool> make_directory(const Path& path) = 0;
  /// Returns when the names in the directory are on the disk.
  virtual Result<void> sync_directory(const Path& path) = 0;
  /// Names in the directory, without `.` and `..`.
  virtual Result<std::vector<std::string>> list(const Path& path) = 0;
  /// When the file was last written; nothing: there is no such file.
  virtual Result<std::optional<Timestamp>> written_at(const Path& path) = 0;
  /// Bytes that may still be written to the volume.
  virtual Result<std::uint64_t> free_space(const Path& path) = 0;

  /// The machine's.
  static FileSystem& system();
};

}  // namespace mito::storage
