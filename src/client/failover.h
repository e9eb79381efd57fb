#pragma once

#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/error.h"
#include "base/result.h"
#include "client/address.h"
#include "http/client.h"

namespace mito::client {

/// Whether this may be for the lack of a coordinator at its address: one that is gone, or one that is frozen.
inline bool nobody_answered(const Error& error) {
  return error.code() == ErrorCode::kUnreachable || error.code() == ErrorCode::kTimeout;
}

/// Sends a request whose URL `address` gave by `send(request)`; where no connection can be made, so that nothing was
/// sent, to the other addresses in turn. Each of them is asked once.
template <typename Send>
Result<http::ClientResponse> send_to_any(const Address& address, http::ClientRequest request, Send&& send) {
  if (address.count() == 1) return send(std::move(request));
  for (std::size_t left = address.count();; --left) {
    auto answer = send(request);
    if (answer || !nobody_answered(answer.error())) return answer;
    request.url = address.elsewhere(request.url);
    if (answer.error().code() != ErrorCode::kUnreachable) return answer;
    if (left == 1)
      return fail(ErrorCode::kUnreachable, fmt::format("None of the {} addresses answers. The last: {}",
                                                       address.count(), answer.error().text()));
  }
}

}  // namespace mito::client
