#include "client/event_lines.h"

#include <utility>

namespace mito::client {

namespace {

constexpr std::size_t kLongestLine = 1 << 20;

}  // namespace

std::vector<std::string> EventLines::take(std::string_view piece) {
  std::vector<std::string> complete;
  for (auto end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
    line_ += piece.substr(0, end);
    if (line_.ends_with('\r')) line_.pop_back();
    take_line(line_, complete);
    line_.clear();
    piece.remove_prefix(end + 1);
  }
  if (line_.size() < kLongestLine) line_ += piece;
  return complete;
}

void EventLines::take_line(std::string_view line, std::vector<std::string>& complete) {
  constexpr std::string_view kData = "data:";
  if (line.empty()) {
    if (!data_.empty()) complete.push_back(std::exchange(data_, {}));
  } else if (line.starts_with(kData)) {
    line.remove_prefix(kData.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (!data_.empty()) data_ += '\n';
    data_ += line;
  }
}

}  // namespace mito::client
