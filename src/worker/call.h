#pragma once

#include <chrono>
#include <expected>
#include <string>

#include "base/error.h"

namespace mito::worker {

/// Why a call has no answer, as far as a worker acts differently on it.
struct CallError {
  enum class Kind {
    kAway,       ///< Nobody answered, or with a fault (5xx, 429, garbage): worth another try.
    kRemoved,    ///< 401: the coordinator does not know this worker any more.
    kForbidden,  ///< 403
    kNotFound,   ///< 404
    kRefused,    ///< Every other answer that is not 2xx: another try would get the same.
    kLocal,      ///< A local file could not be used.
    kCancelled,  ///< The stop token.
  };
  Kind kind = Kind::kAway;
  std::string text;                           ///< For the log and the detail of results.
  ErrorCode cause = ErrorCode::kUnavailable;  ///< Of kAway: the status of an answer, or why there was none.
  friend bool operator==(const CallError&, const CallError&) = default;
};
template <class T>
using Call = std::expected<T, CallError>;

/// What a registration has to say of its task.
struct Report {
  std::string token;                      ///< Of the registration.
  std::string body;                       ///< ReportTaskReq as JSON.
  std::chrono::milliseconds patience{0};  ///< How long an answer may take; zero: as long as any.
};

}  // namespace mito::worker
