#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "worker/process.h"

namespace mito::worker {

/// What an archive has become.
struct Archive {
  std::filesystem::path file;
  std::uint64_t size = 0;
  std::string md5;                 ///< Base64 of the digest of the file; empty where the system forbids MD5.
  std::vector<std::string> notes;  ///< What was left out or changed, for people; bounded.
};

/// Whether the directory has any entry at all. A missing or unreadable one has none.
bool has_entries(const std::filesystem::path& directory);

/// What becomes of symbolic links that lead out of the tree.
enum class OutsideLinks {
  kFollow,  ///< What they lead to is packed, as the original does.
  kKeep,    ///< They stay links: for trees of somebody who may read less than we may.
};

/// Packs a directory into a tar.gz (GNU headers) whose entries stand under `prefix`, sorted by name, each directory
/// before its content. Symbolic links that stay inside are kept as links. What cannot be read, has vanished or is no
/// file, directory or link is left out and named in the notes. The same tree gives the same bytes. kIo when the archive
/// itself cannot be written, kCancelled after a stop request; part of it may be there then.
Result<Archive> pack_directory(const std::filesystem::path& directory, std::string_view prefix,
                               const std::filesystem::path& file, OutsideLinks links = OutsideLinks::kFollow,
                               std::stop_token stop = {});

/// `std-log/stdout.log` and `std-log/stderr.log`, as the original packs them.
Result<Archive> pack_output(const CapturedStream& out, const CapturedStream& err, const std::filesystem::path& file);

/// Whether a symbolic link at `link` (relative to the top of the tree) with this target stays inside the tree. Pure.
bool link_stays_inside(const std::filesystem::path& link, const std::filesystem::path& target);

}  // namespace mito::worker
