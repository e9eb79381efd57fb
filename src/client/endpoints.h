#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/encoding.h"
#include "client/client.h"
#include "protocol/codec.h"

// What the files that implement the endpoints share.
namespace mito::client {

/// One segment of a path.
inline std::string segment(std::string_view text) {
  return percent_encode(text);
}
/// The rest of a path, `/` included.
inline std::string rest_of_path(std::string_view text) {
  return percent_encode(text, "/");
}

/// `name=a&name=b`
template <class List>
std::string repeated_parameter(std::string_view name, const List& values) {
  std::string query;
  for (const auto& value : values)
    query += fmt::format("{}{}={}", query.empty() ? "" : "&", name, percent_encode(value));
  return query;
}

/// Decodes the body of an answer; kProtocol names who sent something else.
template <class Response>
Result<Response> read_answer(const Address& address, std::string_view method, std::string_view path,
                             std::string_view answer) {
  auto response = protocol::decode<Response>(answer);
  if (!response) {
    return fail(ErrorCode::kProtocol, fmt::format("{} answered {} {} with something that is not the protocol: {}",
                                                  address.text(), method, path, response.error().text()));
  }
  return std::move(*response);
}

template <class Response>
Result<Response> Client::fetch(std::string_view method, const std::string& path, std::string body,
                               std::stop_token stop) const {
  MITO_TRY_ASSIGN(const std::string answer, exchange(method, path, std::move(body), std::move(stop)));
  return read_answer<Response>(address_, method, path, answer);
}

}  // namespace mito::client
