#pragma once

#include <string_view>

namespace mito::storage {

/// SQL's LIKE with `\` as escape, case-sensitive: `%` stands for any text, `_` for one character (a UTF-8 sequence).
/// Takes time proportional to the product of the lengths at worst.
bool like(std::string_view text, std::string_view pattern);

}  // namespace mito::storage
