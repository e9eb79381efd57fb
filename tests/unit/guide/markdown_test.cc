#include "guide/markdown.h"

#include <gtest/gtest.h>

namespace mito::guide {
namespace {

std::optional<std::string> to_itself(std::string_view target) {
  return std::string(target);
}

std::string html_of(std::string_view markdown) {
  return render(markdown, to_itself).value().html;
}

struct Case {
  const char* name;
  std::string_view markdown;
  std::string_view html;
};

class Rendering : public testing::TestWithParam<Case> {};

TEST_P(Rendering, GivesThisHtml) {
  EXPECT_EQ(html_of(GetParam().markdown), GetParam().html);
}

INSTANTIATE_TEST_SUITE_P(
    Markdown, Rendering,
    testing::Values(
        Case{"text", "a *b* **c** `<d>` ~~e~~ & f",
             "<p>a <em>b</em> <strong>c</strong> <code>&lt;d&gt;</code> <del>e</del> &amp; f</p>\n"},
        Case{"link", "[x](y.md#z)", "<p><a href=\"y.md#z\">x</a></p>\n"},
        Case{"code", "```sh\na < b\n```\n", "<pre><code class=\"language-sh\">a &lt; b\n</code></pre>\n"},
        Case{"list_behind_text", "a\n- b\n  - c\n", "<p>a</p>\n<ul>\n<li>b<ul>\n<li>c</li>\n</ul>\n</li>\n</ul>\n"},
        Case{"table", "| a | b |\n|---|--:|\n| 1 | 2 |\n",
             "<div class=\"table\"><table>\n<thead>\n<tr><th>a</th><th align=\"right\">b</th></tr>\n</thead>\n"
             "<tbody>\n<tr><td>1</td><td align=\"right\">2</td></tr>\n</tbody>\n</table></div>\n"},
        Case{"comment", "<!-- run -->\n```sh\nb\n```\n", "<pre><code class=\"language-sh\">b\n</code></pre>\n"},
        Case{"other_html", "a <script>b</script>", "<p>a &lt;script&gt;b&lt;/script&gt;</p>\n"},
        Case{"equal_headings", "# A\n## B\n## B\n",
             "<h1 id=\"a\">A</h1>\n<h2 id=\"b\">B</h2>\n<h2 id=\"b-1\">B</h2>\n"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(Render, LeavesOutLinksThatLeadOutside) {
  const auto nowhere = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
  EXPECT_EQ(render("[x](../src/y.cc)", nowhere).value().html, "<p><span>x</span></p>\n");
}

TEST(Render, TellsWhatStandsUnderEachHeading) {
  const auto sections =
      render("# One `a`\nx &amp; *y*\n\n| b |\n|---|\n| c |\n\n## Two\n`d`\n", to_itself).value().sections;
  ASSERT_EQ(sections.size(), 2U);
  EXPECT_EQ(sections[0].heading, "One a");
  EXPECT_EQ(sections[0].anchor, "one-a");
  EXPECT_EQ(sections[0].text, "x & y b c ");
  EXPECT_EQ(sections[1].level, 2);
  EXPECT_EQ(sections[1].text, "d ");
}

TEST(AnchorOf, IsThatOfGitHub) {
  EXPECT_EQ(anchor_of("Start & stop"), "start--stop");
  EXPECT_EQ(anchor_of("1. `mito dev`, explained"), "1-mito-dev-explained");
  EXPECT_EQ(anchor_of("A_b-c (d)"), "a_b-c-d");
  EXPECT_EQ(anchor_of("Größe – und »mehr« → weniger"), "größe--und-mehr--weniger");
}

}  // namespace
}  // namespace mito::guide
