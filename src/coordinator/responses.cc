#include "coordinator/responses.h"

#include <utility>

#include "base/logging.h"

namespace mito::coordinator {

namespace {

constexpr log::Source kLog{"netmito::coordinator"};

http::Response with_body(unsigned status, std::string_view content_type, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.add("content-type", std::string(content_type));
  response.body = std::move(body);
  return response;
}

}  // namespace

http::Response empty_response(unsigned status) {
  http::Response response;
  response.status = status;
  return response;
}

http::Response text_response(unsigned status, std::string text) {
  return with_body(status, protocol::Failure::kText, std::move(text));
}

http::Response json_response(unsigned status, std::string json) {
  return with_body(status, protocol::Failure::kJson, std::move(json));
}

http::Response failure_response(const protocol::Failure& failure) {
  return with_body(failure.status, failure.content_type, failure.body);
}

http::Response error_response(const Error& error) {
  protocol::Failure failure = protocol::failure_of(error);
  if (failure.status >= 500) {
    kLog.warn("A request failed: {}", describe(error));
  } else if (!error.internal().empty()) {
    kLog.debug("A request was refused: {}", describe(error));
  }
  http::Response response = with_body(failure.status, failure.content_type, std::move(failure.body));
  if (failure.status == 503 || failure.status == 429) response.headers.add("retry-after", "1");
  return response;
}

}  // namespace mito::coordinator
