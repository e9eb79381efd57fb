#include "base/error.h"

namespace mito {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kInvalidToken:
      return "invalid_token";
    case ErrorCode::kWrongCredentials:
      return "wrong_credentials";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kQuotaExceeded:
      return "quota_exceeded";
    case ErrorCode::kInvalidRequest:
      return "invalid_request";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kNameTaken:
      return "name_taken";
    case ErrorCode::kUploadRefused:
      return "upload_refused";
    case ErrorCode::kTooManyRequests:
      return "too_many_requests";
    case ErrorCode::kPayloadTooLarge:
      return "payload_too_large";
    case ErrorCode::kStorageFull:
      return "storage_full";
    case ErrorCode::kUnreachable:
      return "unreachable";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kUsage:
      return "usage";
    case ErrorCode::kNotLoggedIn:
      return "not_logged_in";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kFenced:
      return "fenced";
    case ErrorCode::kProtocol:
      return "protocol";
  }
  return "unknown";
}

std::string describe(const Error& error) {
  std::string line(to_string(error.code()));
  if (!error.text().empty()) line.append(": ").append(error.text());
  if (!error.internal().empty()) line.append(" (").append(error.internal()).append(")");
  return line;
}

}  // namespace mito
