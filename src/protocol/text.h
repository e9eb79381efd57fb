#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mito::protocol {

/// Every maximal piece that is not UTF-8 becomes one U+FFFD (Unicode 15, section 3.9, "substitution of maximal
/// subparts").
std::string replace_bad_utf8(std::string_view bytes);

/// A float as error texts show it: shortest digits, `1.0`, `1.8446744073709552e+19`.
std::string show_float(double value);

/// A string as error texts show it: in double quotes, with escapes for what cannot be seen.
std::string show_string(std::string_view text);

/// ``unknown variant `x`, expected one of `a`, `b`, `c` ``
std::string unknown_variant(std::string_view name, std::span<const std::string_view> accepted);

}  // namespace mito::protocol
