#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/codec.h"

namespace mito::protocol {

/// Status and body of a failed request, as sent.
struct Failure {
  unsigned status = 500;
  std::string_view content_type = kJson;
  std::string body;

  static constexpr std::string_view kJson = "application/json";
  static constexpr std::string_view kText = "text/plain; charset=utf-8";
  friend bool operator==(const Failure&, const Failure&) = default;
};

/// The answer to a request that failed with `error`: `{"msg":…}` in the words of the original. The public text of a
/// kNotFound error is without the " not found" that is added here, that of kNameTaken is the name alone. Internal texts
/// are never sent.
Failure failure_of(const Error& error);

/// The `msg` of failure_of, as batch answers carry it.
std::string message_of(const Error& error);

// Failures of the extractors: text bodies, in the order in which they are looked for (reference/server.md 1.1).
Failure bad_path(std::string_view reason);   ///< 400 `Invalid URL: …`; `reason` is that of parse_path.
Failure bad_query(std::string_view reason);  ///< 400; `reason` is that of decode_query.
Failure bad_content_type();                  ///< 415
Failure body_too_large();                    ///< 413
Failure body_unreadable();                   ///< 400
Failure bad_body(const DecodeError& error);  ///< 400 or 422
Failure missing_authorization();             ///< 400
Failure bad_authorization();                 ///< 400
Failure service_panicked();                  ///< 500, for exceptions.

/// Whether a Content-Type value announces JSON: `application/json` or `application/*+json`, any case, with or without
/// parameters.
bool is_json_content_type(std::string_view value);

/// `Not Found` for 404; empty for numbers without a name.
std::string_view reason_phrase(unsigned status);

/// What the peer said in an answer that is not 2xx: `msg` of the JSON form, else the text itself (cut to 500 bytes),
/// else nothing.
std::string peer_message(std::string_view body);

/// An answer that is not 2xx as an Error, for clients. Its text is the original client's: `Request error: 404 Not
/// Found, <msg>`.
Error error_of(unsigned status, std::string_view body);

}  // namespace mito::protocol
