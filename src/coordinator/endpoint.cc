#include "coordinator/endpoint.h"

namespace mito::coordinator {

http::Awaitable<std::expected<std::string, http::Response>> read_json(Context& context) {
  const std::string* type = context.request.headers.find("content-type");
  if (type == nullptr || !protocol::is_json_content_type(*type))
    co_return std::unexpected(failure_response(protocol::bad_content_type()));
  std::expected<std::string, http::BodyError> body = co_await context.request.body->read_all(protocol::kBodyLimit);
  if (body) co_return std::move(*body);
  co_return std::unexpected(failure_response(body.error() == http::BodyError::kTooLarge ? protocol::body_too_large()
                                                                                        : protocol::body_unreadable()));
}

}  // namespace mito::coordinator
