#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace mito::http {

/// How a response's end is found.
struct Framing {
  enum class Kind { kNone, kLength, kChunked, kUntilClose } kind = Kind::kNone;
  std::uint64_t length = 0;
};

enum class ConnectionHeader { kNone, kKeepAlive, kClose };

/// Appends status line and header fields, the empty line included. Content-Length, Transfer-Encoding, Connection and
/// Date are the transport's: fields of these names in `headers` are left out. Line breaks in a field become blanks.
void append_response_head(std::string& out, unsigned status, const Headers& headers, const Framing& framing,
                          ConnectionHeader connection, std::string_view date);

/// The time in the form of RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
std::string format_http_date(std::int64_t unix_seconds);

}  // namespace mito::http
