#include "storage/objects/s3/s3_xml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include "base/encoding.h"

namespace mito::storage {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kEntities{
    {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}}};

void append_utf8(std::string& out, std::uint32_t point) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((point >> shift) & 0x3FU)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0U | (point >> 6U));
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0U | (point >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (point >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// Takes `&#10;` or `&#xA;` from the front of `text`; false: there is none.
bool take_number(std::string_view& text, std::string& out) {
  constexpr std::uint32_t kLast = 0x10FFFF;
  if (!text.starts_with("&#")) return false;
  const bool hexadecimal = text.substr(2).starts_with('x');
  const char* begin = text.data() + (hexadecimal ? 3 : 2);
  std::uint32_t point = 0;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), point, hexadecimal ? 16 : 10);
  if (error != std::errc() || point > kLast || end == text.data() + text.size() || *end != ';') return false;
  append_utf8(out, point);
  text.remove_prefix(static_cast<std::size_t>(end + 1 - text.data()));
  return true;
}

std::string unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (take_number(text, out)) continue;
    const auto known =
        std::ranges::find_if(kEntities, [&](const auto& entity) { return text.starts_with(entity.first); });
    out += known == kEntities.end() ? text.substr(0, 1) : known->second;
    text.remove_prefix(known == kEntities.end() ? 1 : known->first.size());
  }
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '\n':
        out += "&#xA;";
        break;
      case '\r':
        out += "&#xD;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// What stands between the first <name> and its end; moves `document` behind it.
std::optional<std::string_view> take_element(std::string_view& document, std::string_view name) {
  const std::string begin = "<" + std::string(name) + ">";
  const std::string end = "</" + std::string(name) + ">";
  const auto from = document.find(begin);
  if (from == std::string_view::npos) return std::nullopt;
  const auto to = document.find(end, from);
  if (to == std::string_view::npos) return std::nullopt;
  const auto content = document.substr(from + begin.size(), to - from - begin.size());
  document.remove_prefix(to + end.size());
  return content;
}

std::string text_of(std::string_view document, std::string_view name) {
  const auto content = take_element(document, name);
  return content ? unescape(*content) : std::string();
}

}  // namespace

std::vector<S3Error> parse_s3_errors(std::string_view document) {
  std::vector<S3Error> out;
  while (const auto error = take_element(document, "Error"))
    out.push_back(
        {.code = text_of(*error, "Code"), .message = text_of(*error, "Message"), .key = text_of(*error, "Key")});
  return out;
}

std::optional<S3Error> parse_s3_error(std::string_view document) {
  auto all = parse_s3_errors(document);
  if (all.empty()) return std::nullopt;
  return std::move(all.front());
}

std::optional<S3Listing> parse_s3_listing(std::string_view document) {
  if (document.find("<ListBucketResult") == std::string_view::npos) return std::nullopt;
  S3Listing out;
  const bool encoded = text_of(document, "EncodingType") == "url";
  out.truncated = text_of(document, "IsTruncated") == "true";
  while (const auto object = take_element(document, "Contents")) {
    std::string key = text_of(*object, "Key");
    out.objects.push_back({.key = encoded ? percent_decode(key, true) : std::move(key),
                           .last_modified = text_of(*object, "LastModified")});
  }
  return out;
}

bool fits_xml(std::string_view key) {
  return !key.empty() && is_utf8(key) && std::ranges::none_of(key, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
}

std::string deletion_document(const std::vector<std::string>& keys) {
  std::string out = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>";
  for (const std::string& key : keys)
    out += "<Object><Key>" + escape(key) + "</Key></Object>";
  return out + "</Delete>";
}

}  // namespace mito::storage
