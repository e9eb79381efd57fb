#include "storage/objects/s3/s3_xml.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"

namespace mito::storage {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kEntities{{{"&lt;", "<"},
                                                                                  {"&gt;", ">"},
                                                                                  {"&quot;", "\""},
                                                                                  {"&#34;", "\""},
                                                                                  {"&apos;", "'"},
                                                                                  {"&#39;", "'"},
                                                                                  {"&#xA;", "\n"},
                                                                                  {"&#xD;", "\r"},
                                                                                  {"&amp;", "&"}}};

std::string unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
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
