#pragma once

#include <string>

namespace mito::protocol {

/// The OpenAPI 3.1 document of the whole API, made of the route table, the tables of the messages and api_docs.h.
/// Compact JSON; the same text at every call.
std::string openapi_json();

/// The same document as YAML.
std::string openapi_yaml();

}  // namespace mito::protocol
