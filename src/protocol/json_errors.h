#pragma once

#include <string_view>

// The words of serde_json's errors of syntax.
namespace mito::protocol::json_errors {

inline constexpr std::string_view kEofValue = "EOF while parsing a value";
inline constexpr std::string_view kEofString = "EOF while parsing a string";
inline constexpr std::string_view kEofList = "EOF while parsing a list";
inline constexpr std::string_view kEofObject = "EOF while parsing an object";
inline constexpr std::string_view kExpectedValue = "expected value";
inline constexpr std::string_view kInvalidNumber = "invalid number";
inline constexpr std::string_view kInvalidEscape = "invalid escape";
inline constexpr std::string_view kOutOfRange = "number out of range";
inline constexpr std::string_view kControl = "control character (\\u0000-\\u001F) found while parsing a string";
inline constexpr std::string_view kExpectedIdent = "expected ident";
inline constexpr std::string_view kExpectedColon = "expected `:`";
inline constexpr std::string_view kExpectedListCommaOrEnd = "expected `,` or `]`";
inline constexpr std::string_view kExpectedObjectCommaOrEnd = "expected `,` or `}`";
inline constexpr std::string_view kTrailingComma = "trailing comma";
inline constexpr std::string_view kTrailingCharacters = "trailing characters";
inline constexpr std::string_view kKeyMustBeAString = "key must be a string";
inline constexpr std::string_view kLoneSurrogate = "lone leading surrogate in hex escape";
inline constexpr std::string_view kEndOfHexEscape = "unexpected end of hex escape";
inline constexpr std::string_view kInvalidCodePoint = "invalid unicode code point";
inline constexpr std::string_view kRecursionLimit = "recursion limit exceeded";

}  // namespace mito::protocol::json_errors
