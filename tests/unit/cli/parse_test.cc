#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cli/arguments.h"

namespace mito::cli {
namespace {

using Words = std::vector<std::string>;

constexpr std::array<std::string_view, 2> kStates{"ready", "running"};
constexpr std::array kDeclared{
    flag("terminal", 0, "help"),
    option("priority", 'p', "N", "help"),
    option("group", 'g', "GROUP_NAME", "help"),
    list("tags", 't', "TAG", "help"),
    list("state", 's', "STATE", "help").among(kStates),
    maybe_word("FIRST", "help"),
    words("REST", "help"),
};
constexpr std::array kWithCommand{list("tags", 't', "TAG", "help"), option("timeout", 0, "DURATION", "help"),
                                  command_line("COMMAND", "help")};
constexpr std::array kRequired{word("UUID", "help"), option("file", 'f', "PATH", "help").required()};

Arguments given(std::span<const Argument> declared, const Words& words) {
  auto parsed = parse(declared, words);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().text());
  return parsed ? parsed->arguments : Arguments();
}

std::string refusal(std::span<const Argument> declared, const Words& words) {
  const auto parsed = parse(declared, words);
  EXPECT_FALSE(parsed);
  if (parsed) return {};
  EXPECT_EQ(parsed.error().code(), ErrorCode::kUsage);
  return parsed.error().text();
}

TEST(Parse, TakesValuesInEveryForm) {
  for (const Words& words : {Words{"-p", "-5"}, Words{"-p-5"}, Words{"-p=-5"}, Words{"--priority", "-5"},
                             Words{"--priority=-5"}, Words{"-p", "3", "-p", "-5"}})
    EXPECT_EQ(given(kDeclared, words).value("priority"), "-5") << words.front();
}

TEST(Parse, KeepsEmptyValues) {
  EXPECT_EQ(given(kDeclared, {"--group=", "word"}).value("group"), "");
  EXPECT_EQ(given(kDeclared, {"-g", "", "word"}).value("FIRST"), "word");
}

TEST(Parse, SplitsListsAtCommasAndStopsAtTheNextOption) {
  const auto arguments = given(kDeclared, {"-t", "a,b", "c", "--group", "x", "w", "-t", "d"});
  EXPECT_EQ(arguments.list("tags"), (Words{"a", "b", "c", "d"}));
  EXPECT_EQ(arguments.value("FIRST"), "w");
}

TEST(Parse, TellsAnEmptyListFromNone) {
  EXPECT_FALSE(given(kDeclared, {}).maybe_list("tags"));
  EXPECT_EQ(given(kDeclared, {"-t"}).maybe_list("tags"), Words{});
  EXPECT_EQ(given(kDeclared, {"-t", ""}).maybe_list("tags"), Words{""});
}

TEST(Parse, LeavesPositionalWordsAsTheyAre) {
  const auto arguments = given(kDeclared, {"tasks", "[1,2]", "{x}", "-g", "g", "++", "-", "--", "-x", "--terminal"});
  EXPECT_EQ(arguments.value("FIRST"), "tasks");
  EXPECT_EQ(arguments.list("REST"), (Words{"[1,2]", "{x}", "++", "-", "-x", "--terminal"}));
  EXPECT_FALSE(arguments.has("terminal"));
}

TEST(Parse, LeavesTheCommandBehindDashesAsItIs) {
  const Words command{"sh", "-c", "[1,2]", "--", "-t", "--help", "", "--timeout=3"};
  Words words{"-t", "x", "--"};
  words.insert(words.end(), command.begin(), command.end());
  EXPECT_EQ(given(kWithCommand, words).list("COMMAND"), command);
}

TEST(Parse, NamesTheForgottenDashes) {
  EXPECT_NE(refusal(kWithCommand, {"echo", "hi"}).find("behind `--`"), std::string::npos);
}

TEST(Parse, RefusesWhatIsNotDeclared) {
  EXPECT_EQ(refusal(kDeclared, {"--prioritty", "3"}),
            "unexpected argument '--prioritty' found (did you mean '--priority'?)");
  EXPECT_EQ(refusal(kDeclared, {"-x"}), "unexpected argument '-x' found");
  EXPECT_EQ(refusal(kRequired, {"-f", "x", "a", "b"}), "unexpected argument 'b' found");
  EXPECT_EQ(refusal(kDeclared, {"--terminal=3"}),
            "unexpected value '3' for '--terminal': it is a switch and takes none");
}

TEST(Parse, SaysWhatIsMissing) {
  EXPECT_EQ(refusal(kDeclared, {"-p"}), "a value is required for '--priority <N>' but none was given");
  EXPECT_EQ(refusal(kDeclared, {"--group"}), "a value is required for '--group <GROUP_NAME>' but none was given");
  EXPECT_EQ(refusal(kRequired, {}), "required, but not given: <UUID>, --file <PATH>");
}

TEST(Parse, ChecksChoices) {
  EXPECT_EQ(given(kDeclared, {"-s", "ready", "running"}).list("state"), (Words{"ready", "running"}));
  EXPECT_EQ(
      refusal(kDeclared, {"-s", "ready,runing"}),
      "invalid value 'runing' for '--state [<STATE>...]' (did you mean 'running'?) [possible values: ready, running]");
}

TEST(Parse, HelpGoesBeforeEverythingElse) {
  const auto parsed = parse(kRequired, Words{"-h"});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->help);
}

TEST(Parse, StopsAtTheFirstWord) {
  const auto parsed = parse(std::span(kDeclared).first(3),
                            Words{"--priority", "3", "-gx", "tasks", "--group=y", "--", "-h"}, Stop::kAtFirstWord);
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(parsed->arguments.value("priority"), "3");
  EXPECT_EQ(parsed->arguments.value("group"), "x");
  EXPECT_EQ(parsed->rest, (Words{"tasks", "--group=y", "--", "-h"}));
  EXPECT_FALSE(parsed->help);
  EXPECT_FALSE(parse(std::span(kDeclared).first(3), Words{"--nope", "tasks"}, Stop::kAtFirstWord));
}

}  // namespace
}  // namespace mito::cli
