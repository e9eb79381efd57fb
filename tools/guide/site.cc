#include "guide/site.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>

#include "guide/markdown.h"

namespace mito::guide {

namespace {

namespace fs = std::filesystem;

struct Page {
  fs::path source;   ///< Relative to the root: `docs/guide/worker.md`.
  std::string name;  ///< `worker`; empty for the index.
  std::string markdown;
  Document document;

  [[nodiscard]] std::string title() const {
    return document.sections.empty() ? name : document.sections.front().heading;
  }
  [[nodiscard]] std::string address() const { return (name.empty() ? "index" : name) + ".html"; }
};

std::optional<std::string> read(const fs::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return std::nullopt;
  return std::move(text).str();
}

bool is_index(const fs::path& source) {
  return source == "docs/guide/README.md" || source == "docs/guide/index.md";
}

std::vector<fs::path> markdown_in(const fs::path& root, const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(root / folder))
    if (entry.path().extension() == ".md") found.push_back(folder / entry.path().filename());
  std::ranges::sort(found);
  return found;
}

std::string script_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20U)
      out += ' ';
    else if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  return out + '"';
}

class Builder {
 public:
  Builder(const fs::path& root, const fs::path& assets) : root_(root), assets_(assets) {}

  Site build() {
    read_pages();
    for (Page& page : pages_)
      render_page(page);
    put_in_order();
    for (const Page& page : pages_)
      site_.files.push_back({page.address(), "text/html; charset=utf-8", html_of(page)});
    add_asset("style.css", "text/css; charset=utf-8");
    add_asset("search.js", "text/javascript; charset=utf-8");
    site_.files.push_back({"search-index.js", "text/javascript; charset=utf-8", search_index()});
    return std::move(site_);
  }

 private:
  void complain(std::string text) { site_.complaints.push_back(std::move(text)); }

  void read_pages() {
    std::vector<fs::path> sources = markdown_in(root_, "docs/guide");
    std::ranges::copy(markdown_in(root_, "docs"), std::back_inserter(sources));
    for (const fs::path& source : sources) {
      auto markdown = read(root_ / source);
      if (!markdown) {
        complain(source.string() + " cannot be read");
        continue;
      }
      std::string name = is_index(source) ? "" : source.stem().string();
      if (std::ranges::find(pages_, name, &Page::name) != pages_.end()) name += "-reference";
      pages_.push_back({source, std::move(name), std::move(*markdown), {}});
    }
    if (std::ranges::find(pages_, "", &Page::name) == pages_.end()) complain("docs/guide has no README.md or index.md");
  }

  void render_page(Page& page) {
    auto document = render(page.markdown, [&](std::string_view target) { return resolve(page, target); });
    if (document)
      page.document = std::move(*document);
    else
      complain(page.source.string() + " cannot be parsed");
  }

  /// Pages of the guide lead to each other by name; files of the source tree are not here, so that their names stand
  /// without a link.
  std::optional<std::string> resolve(const Page& page, std::string_view target) {
    if (target.starts_with('#') || target.contains("://") || target.starts_with("mailto:")) return std::string(target);
    const auto hash = target.find('#');
    const fs::path path = (page.source.parent_path() / target.substr(0, hash)).lexically_normal();
    const std::string anchor(hash == std::string_view::npos ? "" : target.substr(hash));
    if (const auto found = std::ranges::find(pages_, path, &Page::source); found != pages_.end()) {
      if (page.name.empty() && std::ranges::find(order_, found->name) == order_.end()) order_.push_back(found->name);
      return found->address() + anchor;
    }
    if (path == "openapi.yaml") return "../../openapi.json";
    if (!fs::exists(root_ / path))
      complain(page.source.string() + ": the link to " + std::string(target) + " leads nowhere");
    return std::nullopt;
  }

  void put_in_order() {
    const auto place = [&](const Page& page) {
      return page.name.empty() ? -1 : std::ranges::find(order_, page.name) - order_.begin();
    };
    std::ranges::stable_sort(pages_, {}, place);
  }

  void add_asset(const std::string& name, const std::string& content_type) {
    auto text = read(assets_ / name);
    if (!text) complain((assets_ / name).string() + " cannot be read");
    site_.files.push_back({name, content_type, text.value_or("")});
  }

  [[nodiscard]] std::string navigation(const Page& current) const {
    std::string html = "<ul>\n";
    for (const Page& page : pages_) {
      const bool here = &page == &current;
      html += "<li><a href=\"" + escaped(page.address()) + "\"" + (here ? " aria-current=\"page\"" : "") + ">" +
              escaped(page.title()) + "</a>";
      if (here) html += contents(page);
      html += "</li>\n";
    }
    return html + "</ul>\n";
  }

  static std::string contents(const Page& page) {
    std::string items;
    for (const Section& section : page.document.sections)
      if (section.level == 2)
        items += "<li><a href=\"" + escaped(page.address() + "#" + section.anchor) + "\">" + escaped(section.heading) +
                 "</a></li>\n";
    return items.empty() ? "" : "\n<ul>\n" + items + "</ul>\n";
  }

  [[nodiscard]] std::string neighbours(const Page& page) const {
    std::string html = "<footer>";
    const auto place = static_cast<std::size_t>(&page - pages_.data());
    if (place > 0)
      html += "<a rel=\"prev\" href=\"" + escaped(pages_[place - 1].address()) + "\">← " +
              escaped(pages_[place - 1].title()) + "</a>";
    if (place + 1 < pages_.size())
      html += "<a rel=\"next\" href=\"" + escaped(pages_[place + 1].address()) + "\">" +
              escaped(pages_[place + 1].title()) + " →</a>";
    return html + "</footer>\n";
  }

  [[nodiscard]] std::string html_of(const Page& page) const {
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>" +
           escaped(page.title()) +
           " - Mitosis</title><link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"style.css\">"
           "<script src=\"search-index.js\" defer></script><script src=\"search.js\" defer></script></head>\n"
           "<body><nav><a class=\"home\" href=\"index.html\">Mitosis</a>"
           "<input id=\"search\" type=\"search\" placeholder=\"Search\" aria-label=\"Search the guide\">"
           "<div id=\"found\" role=\"status\"></div>\n" +
           navigation(page) + "</nav>\n<main>\n" + page.document.html + neighbours(page) + "</main></body></html>\n";
  }

  /// A script that hands the index to search.js: one line for each section, [address, page, heading, text].
  [[nodiscard]] std::string search_index() const {
    std::string script = "globalThis.guideIndex = [\n";
    for (const Page& page : pages_)
      for (const Section& section : page.document.sections)
        script += "[" + script_text(page.address() + "#" + section.anchor) + "," + script_text(page.title()) + "," +
                  script_text(section.heading) + "," + script_text(section.text) + "],\n";
    return script + "];\n";
  }

  const fs::path& root_;
  const fs::path& assets_;
  std::vector<Page> pages_;
  std::vector<std::string> order_;  ///< Names of pages as the index links to them.
  Site site_;
};

}  // namespace

Site make_site(const fs::path& root, const fs::path& assets) {
  return Builder(root, assets).build();
}

}  // namespace mito::guide
