#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace mito {

/// A decimal integer with an optional sign and nothing else. The error is the original's reason; of several faults the
/// leftmost is named.
std::expected<std::int32_t, std::string_view> parse_int32(std::string_view text);

}  // namespace mito
