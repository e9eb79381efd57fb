#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::http {

/// A file that is sent or received. Blocking; one thread at a time.
class LocalFile {
 public:
  LocalFile() = default;
  ~LocalFile();
  LocalFile(const LocalFile&) = delete;
  LocalFile& operator=(const LocalFile&) = delete;

  /// kIo names the file and the reason, as with all methods.
  Result<void> open_for_reading(const std::string& path);
  /// Creates the file, or cuts an existing one to its first `keep` bytes, which must be there.
  Result<void> open_for_writing(const std::string& path, std::uint64_t keep);
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  Result<std::uint64_t> size() const;
  /// 0 at the end.
  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t count) const;
  Result<void> write_at(std::uint64_t offset, std::string_view bytes) const;
  /// Errors of delayed writing show here.
  Result<void> close();

 private:
  [[nodiscard]] std::unexpected<Error> failed(std::string_view action, int reason) const;

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace mito::http
