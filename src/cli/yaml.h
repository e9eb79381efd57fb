#pragma once

#include <string>
#include <string_view>

namespace mito::cli {

/// A JSON value written as YAML in block style. Texts that YAML could take for something else (`yes`, `1.0`, dates, any
/// with special characters) are quoted, so that reading it gives the same value again.
std::string yaml_of(std::string_view json);

}  // namespace mito::cli
