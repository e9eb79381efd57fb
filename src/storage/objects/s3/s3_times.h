#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

// The two forms in which an S3 server writes times.
namespace mito::storage {

/// `Sun, 06 Nov 1994 08:49:37 GMT`, as in the Date field of an answer. Nothing: another form.
std::optional<Timestamp> parse_http_date(std::string_view text);
/// `2026-11-22T09:27:50.471Z`, with or without a fraction, as in a listing. Nothing: another form.
std::optional<Timestamp> parse_s3_time(std::string_view text);

}  // namespace mito::storage
