#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::cli {

/// Called with the name of a file in an archive: where its bytes are to be written, or null to leave it out.
using ChooseFile = std::function<std::FILE*(std::string_view name)>;

/// Reads a tar.gz and writes the files that are chosen, a piece at a time. kIo when the archive is damaged or a file
/// takes no more.
Result<void> unpack_files(const std::filesystem::path& archive, const ChooseFile& choose);

/// Unpacks a tar.gz below `directory`, which is made; how many files it had. Nothing is written outside of it, whatever
/// names or links the archive has. kIo when the archive is damaged, leads outside, or a file cannot be written.
Result<std::size_t> unpack_all(const std::filesystem::path& archive, const std::filesystem::path& directory);

}  // namespace mito::cli
