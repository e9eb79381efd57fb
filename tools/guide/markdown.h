#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mito::guide {

/// A heading and what stands under it up to the next one, without markup.
struct Section {
  int level = 1;
  std::string anchor;
  std::string heading;
  std::string text;
};

/// A page of GitHub-flavoured Markdown as HTML. The first section is that of the title.
struct Document {
  std::string html;
  std::vector<Section> sections;
};

/// Where a link of the page leads in the guide; nothing: its text stands there without a link.
using ResolveLink = std::function<std::optional<std::string>(std::string_view target)>;

/// Renders a page. Headings get the anchors that GitHub gives them. Comments are left out, other HTML is shown as text,
/// and so are images. Nothing when the parser gives up, which it does for want of memory only.
std::optional<Document> render(std::string_view markdown, const ResolveLink& resolve);

/// The anchor that GitHub makes of a heading: `Start & stop` becomes `start--stop`.
std::string anchor_of(std::string_view heading);

/// Text for HTML, also within quotes.
std::string escaped(std::string_view text);

}  // namespace mito::guide
