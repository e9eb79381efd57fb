#pragma once

#include <optional>
#include <string_view>

namespace mito::protocol {

/// The token of an `Authorization: Bearer <token>` value: the scheme in any case, one blank or more, visible ASCII.
/// Nothing when the value has another form.
std::optional<std::string_view> bearer_of(std::string_view value);

}  // namespace mito::protocol
