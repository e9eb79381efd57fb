#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mito::guide {

/// A file of the guide. Pages link to each other by these names, so that the files serve as they are, too.
struct File {
  std::string name;  ///< `worker.html`, `style.css`
  std::string content_type;
  std::string body;
};

/// The guide, and what could not be understood of it: links that lead nowhere, pages that cannot be read.
struct Site {
  std::vector<File> files;
  std::vector<std::string> complaints;
};

/// Makes the site from `root`/docs/guide/*.md and `root`/docs/*.md, with style.css and search.js of `assets`. Pages
/// stand in the order in which the index, docs/guide/README.md or index.md, links to them, the others behind.
Site make_site(const std::filesystem::path& root, const std::filesystem::path& assets);

}  // namespace mito::guide
