// guide_embed ROOT OUTPUT.cc: makes the guide of the source tree ROOT into a source file that holds it, for the
// coordinator to serve.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "guide/site.h"

namespace {

/// A C++ string literal in lines of moderate length.
std::string literal(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      out += i + 1 < text.size() ? "\\n\"\n    \"" : "\\n";
    } else if (c == '"' || c == '\\' || c == '?') {
      out += {'\\', c};
    } else {
      out += c;
    }
  }
  return out + '"';
}

int run(const std::filesystem::path& root, const std::filesystem::path& output) {
  const mito::guide::Site site = mito::guide::make_site(root, root / "tools" / "guide" / "assets");
  for (const std::string& complaint : site.complaints)
    std::fprintf(stderr, "guide: %s\n", complaint.c_str());
  std::ofstream file(output, std::ios::binary);
  file << "// Made by guide_embed from docs/guide.\n#include \"coordinator/guide_content.h\"\n\n"
          "namespace mito::coordinator {\n\nnamespace {\n\nusing namespace std::string_view_literals;\n\n"
          "constexpr GuideFile kFiles[] = {\n";
  for (const auto& [name, content_type, body] : site.files)
    file << "    {" << literal(name) << "sv,\n     " << literal(content_type) << "sv,\n     " << literal(body)
         << "sv},\n";
  file << "};\n\n}  // namespace\n\nstd::span<const GuideFile> guide_files() {\n  return kFiles;\n}\n\n"
          "}  // namespace mito::coordinator\n";
  file.close();
  if (file) return 0;
  std::fprintf(stderr, "guide: %s cannot be written\n", output.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3) return run(argv[1], argv[2]);
    std::fputs("usage: guide_embed ROOT OUTPUT.cc\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "guide: %s\n", error.what());
  }
  return 1;
}
