#pragma once

#include <span>
#include <string_view>

namespace mito::coordinator {

/// A file below /docs/guide/.
struct GuideFile {
  std::string_view name;  ///< `worker.html`, `index.html`, `style.css`
  std::string_view content_type;
  std::string_view body;
};

/// The guide as it was when the program was built (tools/guide). Lives as long as the program.
std::span<const GuideFile> guide_files();

}  // namespace mito::coordinator
