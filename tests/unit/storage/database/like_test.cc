#include "storage/database/like.h"

#include <string>

#include <gtest/gtest.h>

namespace mito::storage {
namespace {

TEST(Like, MatchesAsSqlDoes) {
  struct Case {
    const char* text;
    const char* pattern;
    bool matches;
  };
  const Case cases[] = {
      {"", "", true},
      {"", "%", true},
      {"", "_", false},
      {"a", "", false},
      {"a", "a", true},
      {"a", "A", false},
      {"abc", "a%", true},
      {"abc", "%c", true},
      {"abc", "%b%", true},
      {"abc", "a%c%", true},
      {"abc", "%d%", false},
      {"abc", "___", true},
      {"abc", "____", false},
      {"abc", "_%_", true},
      {"ab", "a_b", false},
      {"aab", "%ab", true},
      {"aXbXc", "a%X%c", true},
      {"aXbXd", "a%X%c", false},
      {"ü", "_", true},
      {"üx", "_x", true},
      {"日本", "_本", true},
      {"日本", "___", false},
      {"a%c", "a\\%c", true},
      {"abc", "a\\%c", false},
      {"a_c", "a\\_c", true},
      {"abc", "a\\_c", false},
      {"a\\c", "a\\\\c", true},
      {"abc", "a\\bc", true},
      {"a\\", "a\\", true},
      {"abab", "%ab", true},
      {"mississippi", "%is%ip%", true},
      {"mississippi", "%is%ipx%", false},
  };
  for (const Case& c : cases)
    EXPECT_EQ(like(c.text, c.pattern), c.matches) << c.text << " LIKE " << c.pattern;
}

TEST(Like, HardPatternsEndSoon) {
  const std::string text(2'000, 'a');
  std::string pattern;
  for (int i = 0; i < 500; ++i)
    pattern += "%a";
  EXPECT_FALSE(like(text, pattern + "%b"));
  EXPECT_TRUE(like(text, pattern + "%"));
  EXPECT_TRUE(like(text, std::string(1'000'000, '%')));
}

TEST(Like, BytesThatAreNoUtf8AreMatchedAsTheyAre) {
  EXPECT_TRUE(like("\xFF\x80\x80", "%\xFF%"));
  EXPECT_TRUE(like("\x80", "_"));
}

}  // namespace
}  // namespace mito::storage
