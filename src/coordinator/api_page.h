#pragma once

#include <string>
#include <string_view>

namespace mito::coordinator {

/// A page that shows an OpenAPI document. Needs nothing but itself: the document, style and script are part of it.
std::string api_page(std::string_view openapi_json);

}  // namespace mito::coordinator
