#include "cli/unpack.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>

namespace mito::cli {

namespace {

constexpr std::size_t kBlock = 1 << 16;

struct CloseArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

std::unexpected<Error> damaged(const std::filesystem::path& file, archive* reader) {
  const char* reason = archive_error_string(reader);
  return fail(ErrorCode::kIo,
              fmt::format("{} cannot be unpacked: {}", file.string(), reason == nullptr ? "damaged" : reason));
}

Result<void> copy_entry(archive* reader, const std::filesystem::path& file, std::FILE* target) {
  char buffer[kBlock];
  for (;;) {
    const la_ssize_t count = archive_read_data(reader, buffer, sizeof buffer);
    if (count < 0) return damaged(file, reader);
    if (count == 0) return {};
    const auto bytes = static_cast<std::size_t>(count);
    if (std::fwrite(buffer, 1, bytes, target) != bytes)
      return fail(ErrorCode::kIo, fmt::format("cannot write what {} holds: {}", file.string(), std::strerror(errno)));
  }
}

}  // namespace

Result<void> unpack_files(const std::filesystem::path& file, const ChooseFile& choose) {
  const std::unique_ptr<archive, CloseArchive> reader(archive_read_new());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK) return damaged(file, reader.get());
  for (archive_entry* entry = nullptr;;) {
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return {};
    if (status < ARCHIVE_WARN) return damaged(file, reader.get());
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr || archive_entry_filetype(entry) != AE_IFREG) continue;
    if (std::FILE* target = choose(name); target != nullptr) {
      MITO_TRY(copy_entry(reader.get(), file, target));
    }
  }
}

}  // namespace mito::cli
