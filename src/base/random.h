#pragma once

#include <cstddef>
#include <string>

namespace mito {

/// `count` bytes from the operating system's generator, fit for keys and secrets. Any thread.
std::string random_bytes(std::size_t count);

}  // namespace mito
