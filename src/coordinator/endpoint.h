#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "coordinator/context.h"
#include "coordinator/responses.h"
#include "http/server.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/query.h"
#include "protocol/routes.h"
#include "protocol/values.h"

// How a use case becomes a handler: `Awaitable<Result<Answer>> use_case(Context&)`, or with the decoded body as its
// second parameter. Reading, decoding and encoding happen here, once.
namespace mito::coordinator {

using Handler = std::function<http::Awaitable<http::Response>(Context&)>;

/// An answer without members to a worker: the body `null`.
struct Null {};
/// An answer that is plain text.
struct Text {
  std::string text;
};

/// An answer that was encoded already.
struct Json {
  std::string text;
};

/// Reads a JSON body: content type (415), length and form of the body (413, 400), in this order. The limit is 2 MiB.
http::Awaitable<std::expected<std::string, http::Response>> read_json(Context& context);

template <class Answer>
http::Response to_response(const Result<Answer>& result) {
  if (!result) return error_response(result.error());
  if constexpr (std::is_same_v<Answer, protocol::Nothing>) {
    return empty_response();
  } else if constexpr (std::is_same_v<Answer, Null>) {
    return json_response(200, "null");
  } else if constexpr (std::is_same_v<Answer, Text>) {
    return text_response(200, result->text);
  } else if constexpr (std::is_same_v<Answer, Json>) {
    return json_response(200, result->text);
  } else {
    return json_response(200, protocol::encode(*result));
  }
}

/// A use case of this form takes a query: `Awaitable<Result<Answer>> use_case(Context&, Query)`.
template <class Answer, class Query>
http::Awaitable<http::Response> run_with_query(http::Awaitable<Result<Answer>> (*use_case)(Context&, Query),
                                               Context& context) {
  std::expected<Query, std::string> query = protocol::decode_query<Query>(context.request.query);
  if (!query) co_return failure_response(protocol::bad_query(query.error()));
  const Result<Answer> result = co_await use_case(context, std::move(*query));
  co_return to_response(result);
}

template <class Answer>
http::Awaitable<http::Response> run_without_body(http::Awaitable<Result<Answer>> (*use_case)(Context&),
                                                 Context& context) {
  const Result<Answer> result = co_await use_case(context);
  co_return to_response(result);
}

template <class Answer, class Body>
http::Awaitable<http::Response> run_with_body(http::Awaitable<Result<Answer>> (*use_case)(Context&, Body),
                                              Context& context) {
  std::expected<std::string, http::Response> json = co_await read_json(context);
  if (!json) co_return std::move(json).error();
  std::expected<Body, protocol::DecodeError> body = protocol::decode<Body>(*json);
  if (!body) co_return failure_response(protocol::bad_body(body.error()));
  const Result<Answer> result = co_await use_case(context, std::move(*body));
  co_return to_response(result);
}

/// The handler of a use case that takes no body.
template <class Answer>
Handler handler(http::Awaitable<Result<Answer>> (*use_case)(Context&)) {
  return [use_case](Context& context) { return run_without_body(use_case, context); };
}

/// The handler of a use case that takes its second parameter from the query string.
template <class Answer, class Query>
Handler query_handler(http::Awaitable<Result<Answer>> (*use_case)(Context&, Query)) {
  return [use_case](Context& context) { return run_with_query(use_case, context); };
}

/// The handlers of all endpoints, by protocol::Endpoint. Filled once at start, then read from any thread.
class Handlers {
 public:
  void add(protocol::Endpoint endpoint, Handler handler) {
    handlers_[static_cast<std::size_t>(endpoint)] = std::move(handler);
  }
  /// Empty: nothing serves this endpoint.
  [[nodiscard]] const Handler& find(protocol::Endpoint endpoint) const {
    return handlers_[static_cast<std::size_t>(endpoint)];
  }

 private:
  std::array<Handler, protocol::kEndpointCount> handlers_;
};

/// The handler of a use case that takes a JSON body.
template <class Answer, class Body>
Handler handler(http::Awaitable<Result<Answer>> (*use_case)(Context&, Body)) {
  return [use_case](Context& context) { return run_with_body(use_case, context); };
}

}  // namespace mito::coordinator
