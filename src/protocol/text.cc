#include "protocol/text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <fmt/core.h>

namespace mito::protocol {
namespace {

/// One piece of a text: a character, or bytes that belong to none (then `point` is kBad).
struct Piece {
  static constexpr std::uint32_t kBad = 0xFFFFFFFF;
  std::uint32_t point = kBad;
  std::size_t length = 1;
};

Piece first_piece(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {};
  }
  std::uint32_t point = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= bytes.size() || at(i) < low || at(i) > high) return {Piece::kBad, i};
    point = point << 6U | (at(i) & 0x3FU);
    low = 0x80;
    high = 0xBF;
  }
  return {point, length};
}

/// Whether the character would not be seen (or would disturb what is): controls, formats, separators, private use,
/// combining marks.
bool is_invisible(std::uint32_t point) {
  struct Range {
    std::uint32_t first;
    std::uint32_t last;
  };
  static constexpr Range kRanges[] = {
      {0x00, 0x1F},     {0x7F, 0xA0},     {0xAD, 0xAD},     {0x300, 0x36F},      {0x61C, 0x61C},
      {0x180E, 0x180E}, {0x1680, 0x1680}, {0x2000, 0x200F}, {0x2028, 0x202F},    {0x205F, 0x206F},
      {0x20D0, 0x20F0}, {0x3000, 0x3000}, {0xE000, 0xF8FF}, {0xFE00, 0xFE0F},    {0xFE20, 0xFE2F},
      {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0x10FFFF},
  };
  for (const auto& [first, last] : kRanges)
    if (point >= first && point <= last) return true;
  return false;
}

}  // namespace

std::string replace_bad_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Piece piece = first_piece(bytes);
    out += piece.point == Piece::kBad ? std::string_view("\xEF\xBF\xBD") : bytes.substr(0, piece.length);
    bytes.remove_prefix(piece.length);
  }
  return out;
}

std::string show_float(double value) {
  constexpr int kMinPlain = -5;
  constexpr int kMaxPlain = 15;
  // `d.ddde+XX`: the digits and the exponent of the shortest form.
  char buffer[40];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), std::fabs(value), std::chars_format::scientific);
  const std::string_view text(static_cast<const char*>(buffer),
                              static_cast<std::size_t>(end.ptr - static_cast<char*>(buffer)));
  const std::size_t mark = text.find('e');
  const int exponent = std::stoi(std::string(text.substr(mark + 1)));
  std::string digits(text.substr(0, mark));
  std::erase(digits, '.');
  const std::string sign = std::signbit(value) ? "-" : "";
  if (exponent < kMinPlain || exponent > kMaxPlain)
    return sign + std::string(text.substr(0, mark)) + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
  if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string show_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Piece piece = first_piece(text);
    switch (piece.point) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\0':
        out += "\\0";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        if (piece.point != Piece::kBad && is_invisible(piece.point)) {
          out += fmt::format("\\u{{{:x}}}", piece.point);
        } else {
          out += text.substr(0, piece.length);
        }
    }
    text.remove_prefix(piece.length);
  }
  return out + '"';
}

std::string unknown_variant(std::string_view name, std::span<const std::string_view> accepted) {
  std::string message = fmt::format("unknown variant `{}`, expected ", name);
  if (accepted.size() == 2) return message + fmt::format("`{}` or `{}`", accepted[0], accepted[1]);
  if (accepted.size() > 2) message += "one of ";
  for (std::size_t i = 0; i < accepted.size(); ++i)
    message += fmt::format("{}`{}`", i == 0 ? "" : ", ", accepted[i]);
  return message;
}

}  // namespace mito::protocol
