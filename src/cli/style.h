#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace mito::cli {

/// How a piece of text stands out.
enum class Style { kPlain, kHeader, kGood, kBad, kBusy, kDim };
enum class Colour { kNo, kYes };

/// Whether what goes to `file` may be coloured: only on a terminal, and not where NO_COLOR is set or TERM is `dumb`.
Colour colour_of(std::FILE* file);

/// The text between the escape sequences of its style; as it is without colour.
std::string painted(std::string_view text, Style style, Colour colour);

}  // namespace mito::cli
