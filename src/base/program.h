#pragma once

#include <filesystem>

namespace mito {

/// What starts this program again: its own file, or the launcher of an archive that brings its own libraries
/// (MITO_LAUNCHER, set by that launcher). Any thread, as long as none changes the environment.
std::filesystem::path program_path();

}  // namespace mito
