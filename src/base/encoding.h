#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mito {

/// Standard Base64 (RFC 4648 section 4) with padding.
std::string base64_encode(std::string_view bytes);
/// Strict: padding required, no blanks, no stray bits. Nothing on bad input.
std::optional<std::string> base64_decode(std::string_view text);
/// Base64url without padding (RFC 4648 section 5).
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);
/// Standard alphabet without padding, as PHC password strings have it.
std::string base64_encode_unpadded(std::string_view bytes);
std::optional<std::string> base64_decode_unpadded(std::string_view text);

/// Lower-case hexadecimal digits.
std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view text);

/// Percent-encodes every byte but A-Z a-z 0-9 - . _ ~ and those in `keep`.
std::string percent_encode(std::string_view text, std::string_view keep = {});
/// Decodes %XX; an incomplete escape stays as it is. With `plus_is_blank`, `+` becomes a blank (query strings).
std::string percent_decode(std::string_view text, bool plus_is_blank = false);

/// Whether the bytes are well-formed UTF-8.
bool is_utf8(std::string_view bytes);

}  // namespace mito
