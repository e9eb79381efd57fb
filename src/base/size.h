#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito {

/// A byte count in the grammar of reference/server.md 3.4: number with point or exponent, prefix k…e (x1000), optional
/// `i` (x1024), optional b/B. Fractions are rounded to the nearest byte. 2^64 and more fail.
Result<std::uint64_t> parse_size(std::string_view text);

/// `0 B`, `1.23 MB`, `5 GB`: decimal units, two decimals unless whole.
std::string format_size(std::uint64_t bytes);

}  // namespace mito
