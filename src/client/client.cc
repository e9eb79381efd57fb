#include "client/client.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "client/endpoints.h"
#include "client/failover.h"
#include "http/client.h"

namespace mito::client {

namespace {

struct StatusMeaning {
  unsigned status;
  ErrorCode code;
  std::string_view reason;
};
constexpr std::array kStatuses{
    StatusMeaning{400, ErrorCode::kInvalidRequest, "bad request"},
    StatusMeaning{401, ErrorCode::kWrongCredentials, "unauthorized"},
    StatusMeaning{403, ErrorCode::kPermissionDenied, "forbidden"},
    StatusMeaning{404, ErrorCode::kNotFound, "not found"},
    StatusMeaning{405, ErrorCode::kProtocol, "method not allowed"},
    StatusMeaning{409, ErrorCode::kNameTaken, "conflict"},
    StatusMeaning{413, ErrorCode::kPayloadTooLarge, "request too large"},
    StatusMeaning{415, ErrorCode::kProtocol, "unsupported media type"},
    StatusMeaning{422, ErrorCode::kInvalidRequest, "unprocessable request"},
    StatusMeaning{429, ErrorCode::kTooManyRequests, "too many requests"},
    StatusMeaning{500, ErrorCode::kInternal, "internal server error"},
    StatusMeaning{502, ErrorCode::kUnavailable, "bad gateway"},
    StatusMeaning{503, ErrorCode::kUnavailable, "service unavailable"},
    StatusMeaning{504, ErrorCode::kUnavailable, "gateway timeout"},
    StatusMeaning{507, ErrorCode::kStorageFull, "no room left"},
};

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

/// `{"msg":…}`, `<Message>…</Message>` of an S3 error, or a short plain text; else nothing.
std::string text_of_body(std::string_view body) {
  body = trimmed(body);
  if (body.starts_with('{')) {
    if (auto message = protocol::decode<protocol::ErrorMsg>(body)) return std::move(message->msg);
    return {};
  }
  if (body.starts_with('<')) {
    constexpr std::string_view kOpen = "<Message>";
    const auto begin = body.find(kOpen);
    const auto end = body.find("</Message>");
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return {};
    return "S3 error: " + std::string(body.substr(begin + kOpen.size(), end - begin - kOpen.size()));
  }
  return std::string(body.substr(0, 500));
}

}  // namespace

Error error_of_answer(unsigned status, std::string_view body) {
  std::string text = text_of_body(body);
  const auto* meaning = std::ranges::find(kStatuses, status, &StatusMeaning::status);
  ErrorCode code = ErrorCode::kProtocol;
  if (meaning != kStatuses.end()) {
    code = meaning->code;
    if (text.empty()) text = meaning->reason;
  } else if (status >= 500) {
    code = ErrorCode::kUnavailable;
  }
  if (code == ErrorCode::kPermissionDenied && text == "Resource quota exceeded") code = ErrorCode::kQuotaExceeded;
  if (code == ErrorCode::kWrongCredentials && text.ends_with("Invalid token")) code = ErrorCode::kInvalidToken;
  if (text.empty()) text = fmt::format("answered with status {}", status);
  return {code, std::move(text), fmt::format("status {}", status)};
}

Client::Client(Address address, std::shared_ptr<http::Client> transport)
    : address_(std::move(address)), transport_(std::move(transport)) {}

Client::Client(Address address) : Client(std::move(address), std::make_shared<http::Client>(http::ClientSettings{})) {}

Client::Client(const Client& other, std::chrono::milliseconds timeout)
    : address_(other.address_),
      transport_(other.transport_),
      token_(other.token()),
      renewal_(other.renewal_),
      timeout_(timeout) {}

Result<std::string> Client::attempt(std::string_view method, const std::string& path, std::string body,
                                    std::string token, std::stop_token stop) const {
  http::ClientRequest request;
  request.method = method;
  request.url = address_.url(path);
  if (!token.empty()) request.headers.add("Authorization", "Bearer " + std::move(token));
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  request.total_timeout = timeout_;
  MITO_TRY_ASSIGN(auto response, send_to_any(address_, std::move(request), [&](http::ClientRequest each) {
                    return transport_->send_and_wait(std::move(each), stop);
                  }));
  if (response.status / 100 != 2) return fail(error_of_answer(response.status, response.body));
  return std::move(response.body);
}

Result<std::string> Client::call(std::string_view method, const std::string& path, std::string body,
                                 std::optional<std::string> token, std::stop_token stop) const {
  if (token) return attempt(method, path, std::move(body), *std::move(token), std::move(stop));
  return exchange(method, path, std::move(body), std::move(stop));
}

Result<void> Client::stream(const std::string& path, std::function<Result<void>(std::string_view piece)> take,
                            std::stop_token stop) const {
  http::ClientRequest request;
  request.url = address_.url(path);
  request.headers.add("Authorization", "Bearer " + token());
  request.on_body = std::move(take);
  MITO_TRY_ASSIGN(auto response, send_to_any(address_, std::move(request), [&](http::ClientRequest each) {
                    return transport_->send_and_wait(std::move(each), stop);
                  }));
  if (response.status / 100 != 2) return fail(error_of_answer(response.status, response.body));
  return {};
}

Result<std::string> Client::renewed_token(const std::string& refused) const {
  const std::lock_guard one_at_a_time(renewing_);
  if (auto current = token(); current != refused) return current;  // another thread was first
  MITO_TRY_ASSIGN(auto renewed, renewal_());
  *token_.lock() = renewed;
  return renewed;
}

namespace {

/// Whether a refusal means that the token is no longer good. A session that another login has ended is refused in the
/// words of a wrong password, which requests with a password in them may mean, too.
bool is_about_the_token(ErrorCode code, std::string_view path) {
  const bool has_password = path == "/login" || (path.starts_with("/users/") && path.ends_with("/password"));
  return code == ErrorCode::kInvalidToken || (code == ErrorCode::kWrongCredentials && !has_password);
}

}  // namespace

Result<std::string> Client::exchange(std::string_view method, const std::string& path, std::string body,
                                     std::stop_token stop) const {
  std::string used = token();
  if (!renewal_ || used.empty()) return attempt(method, path, std::move(body), std::move(used), std::move(stop));
  auto answer = attempt(method, path, body, used, stop);
  if (answer || !is_about_the_token(answer.error().code(), path)) return answer;
  MITO_TRY_ASSIGN(auto renewed, renewed_token(used));
  return attempt(method, path, std::move(body), std::move(renewed), std::move(stop));
}

Result<void> Client::send(std::string_view method, const std::string& path, std::string body,
                          std::stop_token stop) const {
  MITO_TRY(exchange(method, path, std::move(body), std::move(stop)));
  return {};
}

}  // namespace mito::client
