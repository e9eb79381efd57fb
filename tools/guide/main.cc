// guide_embed ROOT OUTPUT.cc FOLDER: makes the guide of the source tree ROOT into a source file that holds it, for the
// coordinator to serve, and into files in FOLDER, to be installed and read without one.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "guide/site.h"

namespace {

namespace fs = std::filesystem;

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

bool write_source(const mito::guide::Site& site, const fs::path& output) {
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
  return file.good();
}

/// The document of the API that a coordinator serves is installed beside the folder.
std::string without_coordinator(std::string body) {
  constexpr std::string_view kServed = "href=\"../../openapi.json\"";
  for (auto at = body.find(kServed); at != std::string::npos; at = body.find(kServed, at))
    body.replace(at, kServed.size(), "href=\"../openapi.yaml\"");
  return body;
}

bool write_files(const mito::guide::Site& site, const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& page : site.files) {
    std::ofstream file(folder / page.name, std::ios::binary);
    file << without_coordinator(page.body);
    file.close();
    if (!file) return false;
  }
  return true;
}

int run(const fs::path& root, const fs::path& output, const fs::path& folder) {
  const mito::guide::Site site = mito::guide::make_site(root, root / "tools" / "guide" / "assets");
  for (const std::string& complaint : site.complaints)
    std::fprintf(stderr, "guide: %s\n", complaint.c_str());
  if (write_files(site, folder) && write_source(site, output)) return 0;
  std::fprintf(stderr, "guide: %s or a file in %s cannot be written\n", output.c_str(), folder.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 4) return run(argv[1], argv[2], argv[3]);
    std::fputs("usage: guide_embed ROOT OUTPUT.cc FOLDER\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "guide: %s\n", error.what());
  }
  return 1;
}
