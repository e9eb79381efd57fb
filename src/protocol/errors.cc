#include "protocol/errors.h"

#include <algorithm>
#include <array>

#include "protocol/text.h"

namespace mito::protocol {
namespace {

constexpr std::string_view kNotFoundSuffix = " not found";

struct Wording {
  ErrorCode code;
  unsigned status;
  std::string_view before;
  std::string_view after;
  std::string_view fallback;  ///< When the error has no text.
};

// The first eight are the original's (legend of reference/server.md), the others ours. What is not here is an internal
// error.
constexpr Wording kWordings[] = {
    {ErrorCode::kInvalidToken, 401, "Authentication error: Invalid token", "", ""},
    {ErrorCode::kWrongCredentials, 401, "Authentication error: Wrong credentials", "", ""},
    {ErrorCode::kPermissionDenied, 403, "Authentication error: Permission denied", "", ""},
    {ErrorCode::kQuotaExceeded, 403, "Resource quota exceeded", "", ""},
    {ErrorCode::kInvalidRequest, 400, "Process request error: ", "", "Invalid request"},
    {ErrorCode::kNotFound, 404, "", kNotFoundSuffix, "Resource"},
    {ErrorCode::kNameTaken, 409, "User or group with same name ", " already exists", ""},
    {ErrorCode::kUploadRefused, 400, "", "", "Upload refused"},
    {ErrorCode::kUnavailable, 503, "", "", "Service unavailable, try again later"},
    {ErrorCode::kTimeout, 503, "", "", "The request took too long, try again later"},
    {ErrorCode::kTooManyRequests, 429, "", "", "Too many requests, try again later"},
    {ErrorCode::kPayloadTooLarge, 413, "", "", "The request is too large"},
    {ErrorCode::kStorageFull, 507, "", "", "No space left on the server"},
};

constexpr Wording kInternal = {ErrorCode::kInternal, 500, "Internal server error", "", ""};

const Wording& wording_of(ErrorCode code) {
  const auto* const found = std::ranges::find(kWordings, code, &Wording::code);
  return found == std::end(kWordings) ? kInternal : *found;
}

/// Whether the words in front of the text already say everything.
bool is_fixed(const Wording& wording) {
  return !wording.before.empty() && !wording.before.ends_with(' ');
}

Failure text(unsigned status, std::string body) {
  return {.status = status, .content_type = Failure::kText, .body = std::move(body)};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals_lower(std::string_view value, std::string_view lower_case) {
  return std::ranges::equal(value, lower_case, {}, lower);
}

ErrorCode code_of(unsigned status, std::string_view message) {
  switch (status) {
    case 400:
    case 422:
      return ErrorCode::kInvalidRequest;
    case 401:
      return message == wording_of(ErrorCode::kInvalidToken).before ? ErrorCode::kInvalidToken
                                                                    : ErrorCode::kWrongCredentials;
    case 403:
      return message == wording_of(ErrorCode::kQuotaExceeded).before ? ErrorCode::kQuotaExceeded
                                                                     : ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kNameTaken;
    case 413:
      return ErrorCode::kPayloadTooLarge;
    case 429:
      return ErrorCode::kTooManyRequests;
    case 500:
      return ErrorCode::kInternal;
    case 502:
    case 503:
    case 504:
      return ErrorCode::kUnavailable;
    case 507:
      return ErrorCode::kStorageFull;
    default:
      return ErrorCode::kProtocol;
  }
}

}  // namespace

std::string message_of(const Error& error) {
  const Wording& wording = wording_of(error.code());
  std::string message(wording.before);
  if (is_fixed(wording)) return message;
  message += error.text().empty() ? wording.fallback : error.text();
  return message.append(wording.after);
}

Failure failure_of(const Error& error) {
  return {.status = wording_of(error.code()).status,
          .content_type = Failure::kJson,
          .body = encode(ErrorMsg{message_of(error)})};
}

Failure bad_path(std::string_view reason) {
  return text(400, "Invalid URL: " + std::string(reason));
}

Failure bad_query(std::string_view reason) {
  return text(400, "Failed to deserialize query string: " + std::string(reason));
}

Failure bad_content_type() {
  return text(415, "Expected request with `Content-Type: application/json`");
}

Failure body_too_large() {
  return text(413, "Failed to buffer the request body: length limit exceeded");
}

Failure body_unreadable() {
  return text(400, "Failed to buffer the request body: error reading a body from connection");
}

Failure bad_body(const DecodeError& error) {
  if (error.kind == DecodeError::Kind::kSyntax)
    return text(400, "Failed to parse the request body as JSON: " + error.text());
  return text(422, "Failed to deserialize the JSON body into the target type: " + error.text());
}

Failure missing_authorization() {
  return text(400, "Header of type `authorization` was missing");
}

Failure bad_authorization() {
  return text(400, "invalid HTTP header (authorization)");
}

Failure service_panicked() {
  return text(500, "Service panicked");
}

bool is_json_content_type(std::string_view value) {
  constexpr std::string_view kPrefix = "application/";
  const std::string_view essence = value.substr(0, value.find(';'));
  if (essence.size() <= kPrefix.size() || !equals_lower(essence.substr(0, kPrefix.size()), kPrefix)) return false;
  const std::string_view subtype = essence.substr(kPrefix.size());
  constexpr std::string_view kSuffix = "+json";
  if (equals_lower(subtype, "json")) return true;
  return subtype.size() > kSuffix.size() && equals_lower(subtype.substr(subtype.size() - kSuffix.size()), kSuffix) &&
         !subtype.contains(' ');
}

std::string_view reason_phrase(unsigned status) {
  struct Phrase {
    unsigned status;
    std::string_view text;
  };
  static constexpr Phrase kPhrases[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Payload Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Entity"},
      {425, "Too Early"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  const auto* const found = std::ranges::find(kPhrases, status, &Phrase::status);
  return found == std::end(kPhrases) ? std::string_view() : found->text;
}

std::string peer_message(std::string_view body) {
  constexpr std::size_t kLongest = 500;
  if (auto error = decode<ErrorMsg>(body)) return std::move(error->msg);
  std::string message = replace_bad_utf8(body.substr(0, kLongest));
  while (!message.empty() && (message.back() == '\n' || message.back() == '\r' || message.back() == ' '))
    message.pop_back();
  return message;
}

Error error_of(unsigned status, std::string_view body) {
  const std::string message = peer_message(body);
  std::string text = "Request error: " + std::to_string(status);
  if (const std::string_view phrase = reason_phrase(status); !phrase.empty()) text.append(" ").append(phrase);
  if (!message.empty()) text.append(", ").append(message);
  return {code_of(status, message), std::move(text)};
}

}  // namespace mito::protocol
