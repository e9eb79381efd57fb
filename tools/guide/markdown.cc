#include "guide/markdown.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <md4c.h>
#include <utility>

namespace mito::guide {

namespace {

std::string_view view(const MD_ATTRIBUTE& attribute) {
  return {attribute.text, attribute.size};
}

std::string_view plain_entity(std::string_view entity) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kKnown{
      {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&nbsp;", " "}}};
  for (const auto& [name, text] : kKnown)
    if (name == entity) return text;
  return entity;
}

std::string_view alignment(MD_ALIGN align) {
  switch (align) {
    case MD_ALIGN_CENTER:
      return " align=\"center\"";
    case MD_ALIGN_RIGHT:
      return " align=\"right\"";
    default:
      return "";
  }
}

/// One code point of UTF-8 text, which it is taken from. Bytes that are none count as one each.
std::uint32_t take_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0xC0U ? 1 : first < 0xE0U ? 2 : first < 0xF0U ? 3 : 4;
  std::uint32_t point = length == 1 ? first : first & (0x7FU >> length);
  for (std::size_t i = 1; i < length && i < text.size(); ++i)
    point = (point << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  text.remove_prefix(std::min(length, text.size()));
  return point;
}

/// Whether a code point beyond ASCII is punctuation or a sign, which anchors do without.
bool is_sign(std::uint32_t point) {
  return (point < 0xC0U && point != 0xAAU && point != 0xB5U && point != 0xBAU) || point == 0xD7U || point == 0xF7U ||
         (point >= 0x2000U && point < 0x2C00U) || (point >= 0x3000U && point < 0x3040U);
}

class Renderer {
 public:
  explicit Renderer(const ResolveLink& resolve) : resolve_(resolve) {}

  bool run(std::string_view markdown) {
    MD_PARSER parser{};
    parser.flags = MD_DIALECT_GITHUB;
    parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* self) { return of(self).enter(type, detail); };
    parser.leave_block = [](MD_BLOCKTYPE type, void* detail, void* self) { return of(self).leave(type, detail); };
    parser.enter_span = [](MD_SPANTYPE type, void* detail, void* self) { return of(self).enter_span(type, detail); };
    parser.leave_span = [](MD_SPANTYPE type, void*, void* self) { return of(self).leave_span(type); };
    parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* self) {
      return of(self).text(type, {text, size});
    };
    return md_parse(markdown.data(), static_cast<MD_SIZE>(markdown.size()), &parser, this) == 0;
  }

  Document take() { return std::move(document_); }

 private:
  static Renderer& of(void* self) { return *static_cast<Renderer*>(self); }

  void put(std::string_view html) { document_.html += html; }

  /// Words of different cells, items and paragraphs do not run together in the index.
  void separate() {
    std::string& text = in_heading_ ? heading_ : document_.sections.empty() ? nowhere_ : document_.sections.back().text;
    if (!text.empty() && text.back() != ' ') text += ' ';
  }

  void remember(std::string_view text) {
    std::string& into = in_heading_ ? heading_ : document_.sections.empty() ? nowhere_ : document_.sections.back().text;
    for (const char c : text)
      into += c == '\n' ? ' ' : c;
  }

  int enter(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_DOC:
      case MD_BLOCK_HTML:
        break;
      case MD_BLOCK_QUOTE:
        put("<blockquote>\n");
        break;
      case MD_BLOCK_UL:
        put("<ul>\n");
        break;
      case MD_BLOCK_OL: {
        const unsigned start = static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start;
        put(start == 1 ? "<ol>\n" : "<ol start=\"" + std::to_string(start) + "\">\n");
        break;
      }
      case MD_BLOCK_LI: {
        const auto* item = static_cast<MD_BLOCK_LI_DETAIL*>(detail);
        put("<li>");
        if (item->is_task != 0) put(item->task_mark == ' ' ? "☐ " : "☑ ");
        break;
      }
      case MD_BLOCK_HR:
        put("<hr>\n");
        break;
      case MD_BLOCK_H:
        in_heading_ = true;
        heading_.clear();
        heading_start_ = document_.html.size();
        break;
      case MD_BLOCK_CODE: {
        const std::string_view language = view(static_cast<MD_BLOCK_CODE_DETAIL*>(detail)->lang);
        put("<pre><code");
        if (!language.empty()) put(" class=\"language-" + escaped(language) + "\"");
        put(">");
        break;
      }
      case MD_BLOCK_P:
        put("<p>");
        break;
      case MD_BLOCK_TABLE:
        put("<div class=\"table\"><table>\n");
        break;
      case MD_BLOCK_THEAD:
        put("<thead>\n");
        break;
      case MD_BLOCK_TBODY:
        put("<tbody>\n");
        break;
      case MD_BLOCK_TR:
        put("<tr>");
        break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        put(type == MD_BLOCK_TH ? "<th" : "<td");
        put(alignment(static_cast<MD_BLOCK_TD_DETAIL*>(detail)->align));
        put(">");
        break;
    }
    return 0;
  }

  int leave(MD_BLOCKTYPE type, void* detail) {
    static const std::map<MD_BLOCKTYPE, std::string_view> kEnds{{MD_BLOCK_QUOTE, "</blockquote>\n"},
                                                                {MD_BLOCK_UL, "</ul>\n"},
                                                                {MD_BLOCK_OL, "</ol>\n"},
                                                                {MD_BLOCK_LI, "</li>\n"},
                                                                {MD_BLOCK_P, "</p>\n"},
                                                                {MD_BLOCK_CODE, "</code></pre>\n"},
                                                                {MD_BLOCK_THEAD, "</thead>\n"},
                                                                {MD_BLOCK_TBODY, "</tbody>\n"},
                                                                {MD_BLOCK_TR, "</tr>\n"},
                                                                {MD_BLOCK_TH, "</th>"},
                                                                {MD_BLOCK_TD, "</td>"},
                                                                {MD_BLOCK_TABLE, "</table></div>\n"}};
    if (type == MD_BLOCK_H) {
      end_heading(static_cast<int>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level));
    } else if (const auto end = kEnds.find(type); end != kEnds.end()) {
      put(end->second);
    }
    if (type == MD_BLOCK_HTML) in_comment_ = false;
    separate();
    return 0;
  }

  void end_heading(int level) {
    in_heading_ = false;
    while (heading_.ends_with(' '))
      heading_.pop_back();
    std::string anchor = anchor_of(heading_);
    if (const int before = anchors_[anchor]++; before > 0) anchor += "-" + std::to_string(before);
    const std::string tag = "h" + std::to_string(level);
    document_.html.insert(heading_start_, "<" + tag + " id=\"" + escaped(anchor) + "\">");
    put("</" + tag + ">\n");
    document_.sections.push_back({.level = level, .anchor = anchor, .heading = heading_, .text = {}});
  }

  int enter_span(MD_SPANTYPE type, void* detail) {
    if (type == MD_SPAN_EM) put("<em>");
    if (type == MD_SPAN_STRONG) put("<strong>");
    if (type == MD_SPAN_CODE) put("<code>");
    if (type == MD_SPAN_DEL) put("<del>");
    if (type == MD_SPAN_A) {
      const auto target = resolve_(view(static_cast<MD_SPAN_A_DETAIL*>(detail)->href));
      put(target ? "<a href=\"" + escaped(*target) + "\">" : "<span>");
      is_link_ = target.has_value();
    }
    return 0;
  }

  int leave_span(MD_SPANTYPE type) {
    if (type == MD_SPAN_EM) put("</em>");
    if (type == MD_SPAN_STRONG) put("</strong>");
    if (type == MD_SPAN_CODE) put("</code>");
    if (type == MD_SPAN_DEL) put("</del>");
    if (type == MD_SPAN_A) put(is_link_ ? "</a>" : "</span>");
    return 0;
  }

  int text(MD_TEXTTYPE type, std::string_view text) {
    switch (type) {
      case MD_TEXT_NULLCHAR:
        put("\xEF\xBF\xBD");
        break;
      case MD_TEXT_BR:
        put("<br>\n");
        separate();
        break;
      case MD_TEXT_SOFTBR:
        put("\n");
        separate();
        break;
      case MD_TEXT_ENTITY:
        put(text);
        remember(plain_entity(text));
        break;
      case MD_TEXT_HTML:
        raw_html(text);
        break;
      default:
        put(escaped(text));
        remember(text);
        break;
    }
    return 0;
  }

  void raw_html(std::string_view text) {
    if (text.starts_with("<!--")) in_comment_ = true;
    if (in_comment_) {
      if (text.contains("-->")) in_comment_ = false;
    } else if (text == "<br>" || text == "<br/>") {
      put("<br>");
    } else if (text != "\n") {
      put(escaped(text));
    }
  }

  const ResolveLink& resolve_;
  Document document_;
  std::string nowhere_;  ///< Text in front of the first heading.
  bool in_heading_ = false;
  bool in_comment_ = false;
  bool is_link_ = false;
  std::string heading_;
  std::size_t heading_start_ = 0;
  std::map<std::string, int> anchors_;
};

}  // namespace

std::optional<Document> render(std::string_view markdown, const ResolveLink& resolve) {
  Renderer renderer(resolve);
  if (!renderer.run(markdown)) return std::nullopt;
  return renderer.take();
}

std::string anchor_of(std::string_view heading) {
  std::string anchor;
  while (!heading.empty()) {
    const std::string_view before = heading;
    const std::uint32_t point = take_code_point(heading);
    const std::string_view bytes = before.substr(0, before.size() - heading.size());
    if (point >= 0x80U) {
      if (!is_sign(point)) anchor += bytes;
    } else if (point >= 'A' && point <= 'Z') {
      anchor += static_cast<char>(point - 'A' + 'a');
    } else if ((point >= 'a' && point <= 'z') || (point >= '0' && point <= '9') || point == '-' || point == '_') {
      anchor += static_cast<char>(point);
    } else if (point == ' ') {
      anchor += '-';
    }
  }
  return anchor;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

}  // namespace mito::guide
