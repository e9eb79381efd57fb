#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace mito {

/// What went wrong, stable across versions. The HTTP error mapper turns it into a status and a body, the command line
/// into an exit code.
enum class ErrorCode {
  kInternal,          ///< A bug or broken infrastructure; the public text says nothing about it.
  kUnavailable,       ///< For now: the database or the coordinator is away, or a bound is reached. Worth a retry.
  kInvalidToken,      ///< The bearer token does not verify.
  kWrongCredentials,  ///< Unknown user, wrong password, or a token that no longer counts.
  kPermissionDenied,
  kQuotaExceeded,
  kInvalidRequest,  ///< The request was understood and makes no sense.
  kNotFound,
  kNameTaken,      ///< A user or group of that name exists.
  kUploadRefused,  ///< No upload URL can be made for this object (for instance its length).
  kTooManyRequests,
  kPayloadTooLarge,
  kStorageFull,  ///< The volume has no room left.
  kUnreachable,  ///< Client side: nobody answers at the address.
  kTimeout,
  kCancelled,    ///< The waiting was given up on request.
  kUsage,        ///< The command line or configuration is wrong.
  kNotLoggedIn,  ///< Client side: no credential and no way to ask for one.
  kIo,           ///< A local file or process could not be used.
  kFenced,       ///< Another coordinator has taken over the database: stop writing at once.
  kProtocol,     ///< The peer answered something that is not the protocol.
};

/// An expected failure: a stable code, a text for users, and a text for the log (empty when it adds nothing).
class Error {
 public:
  Error(ErrorCode code, std::string text, std::string internal = {})
      : code_(code), text_(std::move(text)), internal_(std::move(internal)) {}

  [[nodiscard]] ErrorCode code() const { return code_; }
  /// For users. For codes that have a fixed wording (for instance kPermissionDenied) it may be empty.
  [[nodiscard]] const std::string& text() const { return text_; }
  /// For the log only; never sent to a peer.
  [[nodiscard]] const std::string& internal() const { return internal_; }

  friend bool operator==(const Error&, const Error&) = default;

 private:
  ErrorCode code_;
  std::string text_;
  std::string internal_;
};

/// The stable name of a code, for logs and metrics ("not_found").
std::string_view to_string(ErrorCode code);

/// Public and internal text in one line, for the log.
std::string describe(const Error& error);

}  // namespace mito
