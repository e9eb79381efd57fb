#include <string>
#include <utility>

#include "coordinator/api_page.h"
#include "coordinator/handlers.h"
#include "protocol/openapi.h"

// The API about itself: GET /openapi.json and GET /docs (architecture section 6). Both are the same for everybody and
// made once.
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

const std::string& document() {
  static const std::string kDocument = protocol::openapi_json();
  return kDocument;
}

Awaitable<http::Response> show_document(Context&) {
  co_return json_response(200, document());
}

Awaitable<http::Response> show_page(Context&) {
  static const std::string kPage = api_page(document());
  http::Response response;
  response.headers.add("content-type", "text/html; charset=utf-8");
  response.headers.add("content-security-policy",
                       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:");
  response.body = kPage;
  co_return response;
}

}  // namespace

void add_api_documents(Handlers& handlers) {
  handlers.add(Endpoint::kOpenApi, show_document);
  handlers.add(Endpoint::kDocs, show_page);
}

}  // namespace mito::coordinator
