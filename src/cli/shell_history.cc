#include <cstdlib>
#include <filesystem>

#include "cli/line_editor.h"
#include "client/credential_lines.h"

namespace mito::cli {

namespace {

constexpr std::size_t kMostLines = 1000;
constexpr std::string_view kNewline = "<\\n>";

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

ShellHistory::ShellHistory() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path directory;
  if (cache != nullptr && cache[0] == '/') {
    directory = cache;
  } else if (home != nullptr && home[0] == '/') {
    directory = std::filesystem::path(home) / ".cache";
  } else {
    return;
  }
  path_ = directory / "mitosis" / "client-history";
}

std::vector<std::string> ShellHistory::load() const {
  std::vector<std::string> lines;
  if (path_.empty()) return lines;
  if (const auto stored = client::read_lines(path_)) lines = *stored;
  for (auto& line : lines)
    line = replace_all(std::move(line), kNewline, "\n");
  return lines;
}

void ShellHistory::add(const std::string& line) {
  added_.push_back(replace_all(line, "\n", kNewline));
}

Result<void> ShellHistory::save() {
  if (path_.empty() || added_.empty()) return {};
  return client::change_lines(path_, [this](std::vector<std::string>& lines) {
    for (auto& line : added_)
      if (lines.empty() || lines.back() != line) lines.push_back(std::move(line));
    added_.clear();
    if (lines.size() > kMostLines) lines.erase(lines.begin(), lines.end() - kMostLines);
  });
}

}  // namespace mito::cli
