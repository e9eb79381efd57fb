#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace mito::log {

/// Writes all of `text` to a file descriptor; what cannot be written (full disk, closed pipe) is dropped.
void write_all(int descriptor, std::string_view text);

/// The file that log lines go to, opened for appending: several processes may share it, and each line is written by one
/// call, so lines stay whole. Not thread-safe.
class File {
 public:
  enum class Rolling { kNever, kDaily };

  File() = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  /// Opens `path`, or `path.YYYY-MM-DD` (UTC) when rolling; makes missing directories. Gives the reason when that
  /// fails, else an empty text.
  [[nodiscard]] std::string open(std::string path, Rolling rolling, Timestamp now);
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

  /// Appends one line; on a new day in a new file, of which the last three are kept. If that cannot be opened, the old
  /// one is used on.
  void write(std::string_view line, Timestamp now);
  /// Waits until what was written is on the disk.
  void sync() const;

 private:
  std::string open_current(Timestamp now);
  void remove_old() const;
  void close();

  std::string path_;
  Rolling rolling_ = Rolling::kNever;
  std::chrono::sys_days day_{};
  int descriptor_ = -1;
};

}  // namespace mito::log
