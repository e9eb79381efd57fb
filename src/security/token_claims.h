#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "security/token.h"

namespace mito::security {

/// The claims as JSON, in the order of reference/server.md 2.1.
std::string write_claims(const Claims& claims);

/// Whether the JSON text is a header of a token that we may have made: `alg` is EdDSA, `typ` and `kid` are strings if
/// present.
bool is_token_header(std::string_view json);

/// The claims of a verified token; nothing when a claim is missing, of the wrong type or given twice, or when there is
/// an audience.
std::optional<Claims> read_claims(std::string_view json);

}  // namespace mito::security
