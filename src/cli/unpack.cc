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

struct FreeWriter {
  void operator()(archive* writer) const { archive_write_free(writer); }
};

/// Where an entry belongs; refused when its name, or a link that stands on its way there, leads out of the directory.
Result<std::filesystem::path> target_below(const std::filesystem::path& directory, archive_entry* entry,
                                           const std::filesystem::path& file) {
  const char* name = archive_entry_pathname(entry);
  const std::filesystem::path relative = name == nullptr ? "" : name;
  const auto outside = [&] {
    return fail(ErrorCode::kIo, fmt::format("{} is not unpacked: its entry {} leads out of {}", file.string(),
                                            name == nullptr ? "(without a name)" : name, directory.string()));
  };
  if (relative.empty() || relative.is_absolute() || archive_entry_hardlink(entry) != nullptr) return outside();
  std::filesystem::path target = directory;
  std::error_code error;
  for (const auto& part : relative) {
    if (part == "..") return outside();
    if (target != directory && std::filesystem::is_symlink(target, error)) return outside();
    target /= part;
  }
  return target;
}

Result<void> copy_blocks(archive* reader, archive* writer, const std::filesystem::path& file) {
  for (;;) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(reader, &block, &size, &offset);
    if (status == ARCHIVE_EOF) return {};
    if (status < ARCHIVE_WARN) return damaged(file, reader);
    if (archive_write_data_block(writer, block, size, offset) < ARCHIVE_WARN) return damaged(file, writer);
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

Result<std::size_t> unpack_all(const std::filesystem::path& file, const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(ErrorCode::kIo, fmt::format("cannot make the directory {}: {}", directory.string(), error.message()));
  const std::unique_ptr<archive, CloseArchive> reader(archive_read_new());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK) return damaged(file, reader.get());
  const std::unique_ptr<archive, FreeWriter> writer(archive_write_disk_new());
  // Absolute names cannot occur: all stand below `directory`, whose own links are the user's.
  archive_write_disk_set_options(writer.get(), ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM |
                                                   ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_UNLINK);
  std::size_t count = 0;
  for (archive_entry* entry = nullptr;;) {
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return count;
    if (status < ARCHIVE_WARN) return damaged(file, reader.get());
    MITO_TRY_ASSIGN(const auto target, target_below(directory, entry, file));
    archive_entry_set_pathname(entry, target.c_str());
    if (archive_write_header(writer.get(), entry) < ARCHIVE_WARN) return damaged(file, writer.get());
    MITO_TRY(copy_blocks(reader.get(), writer.get(), file));
    if (archive_write_finish_entry(writer.get()) < ARCHIVE_WARN) return damaged(file, writer.get());
    if (archive_entry_filetype(entry) != AE_IFDIR) ++count;
  }
}

}  // namespace mito::cli
