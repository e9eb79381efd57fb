#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

// Text files that keep one login a line, private to their user.
namespace mito::client {

/// The lines of the file that are not empty; none when there is no file. kIo.
Result<std::vector<std::string>> read_lines(const std::filesystem::path& path);

/// Lets `change` edit the lines and replaces the file as a whole, with mode 0600; missing directories are made. A lock
/// is held meanwhile, so that two programs at once do not lose each other's lines. kIo.
Result<void> change_lines(const std::filesystem::path& path,
                          const std::function<void(std::vector<std::string>&)>& change);

}  // namespace mito::client
