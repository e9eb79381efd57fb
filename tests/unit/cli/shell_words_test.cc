#include "cli/shell_words.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mito::cli {
namespace {

using Words = std::vector<std::string>;

TEST(ShellWords, SplitsAsAShellDoes) {
  EXPECT_EQ(*split_line("  tasks  query\t-v "), (Words{"tasks", "query", "-v"}));
  EXPECT_EQ(*split_line("-l 'two words' -- echo \"a b\" c\\ d"),
            (Words{"-l", "two words", "--", "echo", "a b", "c d"}));
  EXPECT_EQ(*split_line(R"('a\b' "a\"b\c" x'y'"z" '')"), (Words{"a\\b", "a\"b\\c", "xyz", ""}));
  EXPECT_EQ(*split_line(""), Words{});
}

TEST(ShellWords, RefusesWhatIsNotClosed) {
  for (const char* line : {"echo 'x", "echo \"x", "echo x\\"}) {
    const auto words = split_line(line);
    ASSERT_FALSE(words) << line;
    EXPECT_NE(words.error().text().find("not lexically valid"), std::string::npos);
  }
}

TEST(ShellWords, KnowsWhatGoesOnInTheNextLine) {
  for (const char* line : {"echo 'x", "echo \"x", "echo x\\", "\\", "'a\nb", "\"a\\\"", "echo \\\n\\"})
    EXPECT_TRUE(goes_on(line)) << line;
  for (const char* line : {"", "echo", "echo 'x'", "echo \\'", "echo x\\\\", "echo \\\nx", "'a\nb'"})
    EXPECT_FALSE(goes_on(line)) << line;
}

TEST(ShellWords, JoinsLinesAtABackslash) {
  EXPECT_EQ(*split_line("tasks \\\n  query \\\n"), (Words{"tasks", "query"}));
  EXPECT_EQ(*split_line("ta\\\nsks \"a\\\nb\" 'c\\\nd'"), (Words{"tasks", "ab", "c\\\nd"}));
  EXPECT_EQ(*split_line("echo 'two\nlines'"), (Words{"echo", "two\nlines"}));
}

TEST(ShellWords, KnowsTheWordThatIsBeingWritten) {
  auto line = split_unfinished("tasks ge");
  EXPECT_EQ(line.words, Words{"tasks"});
  EXPECT_EQ(line.begun, "ge");
  EXPECT_EQ(line.begun_at, 6U);
  line = split_unfinished("tasks get ");
  EXPECT_EQ(line.words, (Words{"tasks", "get"}));
  EXPECT_EQ(line.begun, "");
  EXPECT_EQ(line.begun_at, 10U);
  line = split_unfinished("upload 'my fi");
  EXPECT_EQ(line.begun, "my fi");
  EXPECT_EQ(line.begun_at, 7U);
}

TEST(ShellWords, QuotesSoThatSplittingGivesTheSame) {
  for (const std::string word : {"plain", "two words", "a'b\"c\\d", "$x;y", "é", "dir/"})
    EXPECT_EQ(*split_line(quote_word(word)), Words{word});
}

}  // namespace
}  // namespace mito::cli
