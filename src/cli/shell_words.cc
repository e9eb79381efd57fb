#include "cli/shell_words.h"

#include <algorithm>
#include <cctype>

namespace mito::cli {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Reads one word after the other.
class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line) {}

  /// The next word into `word`; false at the end of the line.
  bool next(std::string& word) {
    while (skip_blank()) {
    }
    begin_ = at_;
    if (at_ == line_.size()) return false;
    word.clear();
    while (at_ < line_.size() && !is_blank(line_[at_]))
      take_piece(word);
    return true;
  }
  [[nodiscard]] bool is_open() const { return open_; }
  /// Where the last word begins.
  [[nodiscard]] std::size_t begin() const { return begin_; }
  /// Whether nothing, not even a blank, follows the last word.
  [[nodiscard]] bool at_end() const { return at_ == line_.size(); }

 private:
  /// Blanks, and the end of a line that goes on in the next.
  bool skip_blank() {
    const std::size_t width = line_.substr(at_, 2) == "\\\n" ? 2 : at_ < line_.size() && is_blank(line_[at_]) ? 1 : 0;
    at_ += width;
    return width > 0;
  }

  void take_piece(std::string& word) {
    const char c = line_[at_++];
    if (c == '\'') {
      const auto end = std::min(line_.find('\'', at_), line_.size());
      word += line_.substr(at_, end - at_);
      open_ = end == line_.size();
      at_ = std::min(end + 1, line_.size());
    } else if (c == '"') {
      take_quoted(word);
    } else if (c == '\\') {
      if (at_ == line_.size()) {
        open_ = true;
      } else if (line_[at_++] != '\n') {
        word += line_[at_ - 1];
      }
    } else {
      word += c;
    }
  }

  void take_quoted(std::string& word) {
    while (at_ < line_.size() && line_[at_] != '"') {
      const std::string_view next = line_.substr(at_ + 1, 1);
      const bool escapes = line_[at_] == '\\' && (next == "\"" || next == "\\" || next == "\n");
      if (escapes) ++at_;
      if (!escapes || next != "\n") word += line_[at_];
      ++at_;
    }
    open_ = at_ == line_.size();
    at_ = std::min(at_ + 1, line_.size());
  }

  std::string_view line_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;
  bool open_ = false;
};

}  // namespace

bool goes_on(std::string_view line) {
  Splitter splitter(line);
  for (std::string word; splitter.next(word);) {
  }
  return splitter.is_open();
}

Result<std::vector<std::string>> split_line(std::string_view line) {
  std::vector<std::string> words;
  Splitter splitter(line);
  for (std::string word; splitter.next(word);)
    words.push_back(word);
  if (splitter.is_open())
    return fail(ErrorCode::kUsage, "Input was not lexically valid, for example it had odd number of \"");
  return words;
}

UnfinishedLine split_unfinished(std::string_view line) {
  UnfinishedLine result;
  Splitter splitter(line);
  for (std::string word; splitter.next(word);) {
    if (splitter.at_end() && (splitter.is_open() || !is_blank(line.back()))) {
      result.begun = word;
      result.begun_at = splitter.begin();
      return result;
    }
    result.words.push_back(word);
  }
  result.begun_at = line.size();
  return result;
}

std::string quote_word(std::string_view word) {
  constexpr std::string_view kPlain = "+-./:=@_%,^";
  std::string quoted;
  for (const char c : word) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || kPlain.contains(c) || static_cast<unsigned char>(c) >= 0x80;
    if (!plain) quoted += '\\';
    quoted += c;
  }
  return quoted;
}

}  // namespace mito::cli
