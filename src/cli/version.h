#pragma once

#include <string>

namespace mito::cli {

/// `mito <version>`, then commit, compiler and the versions of the libraries, a line each.
std::string version_text();
/// Prints that; 0.
int print_version();

}  // namespace mito::cli
