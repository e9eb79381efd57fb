#pragma once

#include <cstddef>
#include <cstdio>

namespace mito::cli {

/// Columns of the terminal behind `file`, as it is now; 80 when it does not say, 0 when it is no terminal.
std::size_t terminal_width(std::FILE* file);

}  // namespace mito::cli
