#include "storage/database/like.h"

#include <cstddef>

namespace mito::storage {
namespace {

std::size_t character_length(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    ++end;
  return end - at;
}

/// How much of text and pattern one pattern element other than `%` takes; zero text: it does not fit.
struct Step {
  std::size_t text = 0;
  std::size_t pattern = 0;
};
Step match_one(std::string_view text, std::size_t t, std::string_view pattern, std::size_t p) {
  if (t >= text.size() || p >= pattern.size()) return {};
  if (pattern[p] == '_') return {character_length(text, t), 1};
  const std::size_t literal = pattern[p] == '\\' && p + 1 < pattern.size() ? p + 1 : p;
  if (text[t] != pattern[literal]) return {};
  return {1, literal + 1 - p};
}

}  // namespace

bool like(std::string_view text, std::string_view pattern) {
  // Greedy with one point of return: a later `%` makes every earlier one irrelevant.
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t after_star = std::string_view::npos;
  std::size_t star_text = 0;
  while (true) {
    if (p < pattern.size() && pattern[p] == '%') {
      after_star = ++p;
      star_text = t;
      continue;
    }
    if (p == pattern.size() && t == text.size()) return true;
    if (const Step step = match_one(text, t, pattern, p); step.text != 0) {
      t += step.text;
      p += step.pattern;
      continue;
    }
    if (after_star == std::string_view::npos || star_text >= text.size()) return false;
    star_text += character_length(text, star_text);
    t = star_text;
    p = after_star;
  }
}

}  // namespace mito::storage
