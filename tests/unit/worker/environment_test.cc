#include "worker/environment.h"

#include <algorithm>
#include <cerrno>
#include <stdlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mito::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using std::string_view_literals::operator""sv;

struct WordCase {
  const char* name;
  std::vector<std::string> args;
  std::vector<std::string> candidates;
  std::vector<std::string> executed;
};

class MakeCommand : public ::testing::TestWithParam<WordCase> {};

TEST_P(MakeCommand, ChoosesBetweenTheWordItselfAndEnv) {
  const auto& test = GetParam();
  const auto command = make_command(test.args, {{"PATH", "/a:/b"}});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->candidates, test.candidates);
  EXPECT_EQ(command->args, test.executed);
}

INSTANTIATE_TEST_SUITE_P(
    Words, MakeCommand,
    ::testing::Values(WordCase{"plain", {"ls", "-l"}, {"/a/ls", "/b/ls"}, {"ls", "-l"}},
                      WordCase{"absolute", {"/bin/ls"}, {"/bin/ls"}, {"/bin/ls"}},
                      WordCase{"relative", {"./run"}, {"./run"}, {"./run"}},
                      WordCase{"assignment", {"A=1", "ls"}, {"/usr/bin/env"}, {"/usr/bin/env", "A=1", "ls"}},
                      WordCase{"option", {"-i", "ls"}, {"/usr/bin/env"}, {"/usr/bin/env", "-i", "ls"}},
                      WordCase{"split", {"-S", "sh -c x"}, {"/usr/bin/env"}, {"/usr/bin/env", "-S", "sh -c x"}},
                      WordCase{"empty_word", {""}, {"/usr/bin/env"}, {"/usr/bin/env", ""}},
                      WordCase{"nothing", {}, {"/usr/bin/env"}, {"/usr/bin/env"}},
                      WordCase{"later_assignment", {"ls", "A=1"}, {"/a/ls", "/b/ls"}, {"ls", "A=1"}}),
    [](const auto& test) { return test.param.name; });

struct PathCase {
  const char* name;
  Environment environment;
  std::vector<std::string> candidates;
};

class Search : public ::testing::TestWithParam<PathCase> {};

TEST_P(Search, FollowsThePathOfTheTask) {
  const auto command = make_command({"x"}, GetParam().environment);
  ASSERT_TRUE(command);
  EXPECT_EQ(command->candidates, GetParam().candidates);
}

INSTANTIATE_TEST_SUITE_P(Paths, Search,
                         ::testing::Values(PathCase{"unset", {}, {"/bin/x", "/usr/bin/x"}},
                                           PathCase{"empty", {{"PATH", ""}}, {"./x"}},
                                           PathCase{"empty_part", {{"PATH", "/a::/b"}}, {"/a/x", "./x", "/b/x"}},
                                           PathCase{"empty_end", {{"PATH", "/a:"}}, {"/a/x", "./x"}},
                                           PathCase{"repeated", {{"PATH", "/a:/b:/a::."}}, {"/a/x", "/b/x", "./x"}}),
                         [](const auto& test) { return test.param.name; });

TEST(MakeCommandErrors, RefusesNulCharacters) {
  const auto in_word = make_command({"echo", std::string("a\0b", 3)}, {});
  ASSERT_FALSE(in_word);
  EXPECT_THAT(in_word.error().reason, HasSubstr("command line"));
  const auto in_variable = make_command({"echo"}, {{"NAME", std::string("\0", 1)}});
  ASSERT_FALSE(in_variable);
  EXPECT_THAT(in_variable.error().reason, HasSubstr("NAME"));
  const auto in_name = make_command({"echo"}, {{"A", "1"}}, {{std::string("B\0C", 3), "2"}});
  ASSERT_FALSE(in_name);
  EXPECT_THAT(in_name.error().reason, HasSubstr("variable B holds"));
}

TEST(ExitCode, IsThatOfEnv) {
  EXPECT_EQ(exit_code_of({ENOENT, ""}), 127);
  EXPECT_EQ(exit_code_of({EACCES, ""}), 126);
  EXPECT_EQ(exit_code_of({E2BIG, ""}), 126);
  EXPECT_EQ(exit_code_of({0, ""}), 126);
}

TEST(TaskVariables, ThoseOfTheWorkerWinOverThoseOfTheTask) {
  TaskSpec spec;
  spec.envs = {{"A", "task"}, {"MITO_RESULT_DIR", "elsewhere"}};
  const TaskUuid task{Uuid::make_v4()};
  const TaskUuid upstream{Uuid::make_v4()};
  EXPECT_EQ(task_variables(spec, {"/r", "/e", "/i", "/n"}, task, upstream),
            (Environment{{"A", "task"},
                         {"MITO_RESULT_DIR", "/r"},
                         {"MITO_EXEC_DIR", "/e"},
                         {"MITO_RESOURCE_DIR", "/i"},
                         {"MITO_NEW_TASK", "/n"},
                         {"MITO_TASK_UUID", task.to_string()},
                         {"MITO_UPSTREAM_TASK_UUID", upstream.to_string()}}));
  EXPECT_FALSE(task_variables(spec, {}, task, std::nullopt).contains("MITO_UPSTREAM_TASK_UUID"));
}

TEST(CommandEnvironment, OwnVariablesWinOverInheritedOnes) {
  const auto command = make_command({"x"}, {{"A", "worker"}, {"C", "worker"}, {"PATH", "/a"}, {"Z", "worker"}},
                                    {{"B", "task"}, {"C", "task"}, {"PATH", "/b"}, {"ZZ", "task"}});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->environment.text, "A=worker\0B=task\0C=task\0PATH=/b\0Z=worker\0ZZ=task\0"sv);
  EXPECT_EQ(command->environment.count, 6);
  EXPECT_THAT(command->candidates, ElementsAre("/b/x"));
}

TEST(InheritedEnvironment, LacksTheCredentialsOfTheWorker) {
  for (const char* name :
       {"MITO_USER", "MITO_PASSWORD", "MITO_PASSWORD_FILE", "MITO_CREDENTIAL_PATH", "MITO_COORDINATOR_ADDR"})
    setenv(name, "x=y", 1);
  const auto result = inherited_environment();
  EXPECT_FALSE(result.contains("MITO_USER"));
  EXPECT_FALSE(result.contains("MITO_PASSWORD"));
  EXPECT_FALSE(result.contains("MITO_PASSWORD_FILE"));
  EXPECT_FALSE(result.contains("MITO_CREDENTIAL_PATH"));
  EXPECT_EQ(result.at("MITO_COORDINATOR_ADDR"), "x=y");
}

TEST(IsolatedEnvironment, KeepsTheDefinedOnesAndWhatIsPassed) {
  const Environment inherited{{"PATH", "/bin"}, {"HOME", "/h"},  {"LC_ALL", "C"},  {"LC", "x"},
                              {"TZ", "UTC"},    {"SECRET", "x"}, {"MY_A", "1"},    {"MY_B", "2"},
                              {"MYTH", "x"},    {"EXACT", "3"},  {"EXACTLY", "x"}, {"TMPDIR", "/t"}};
  const Environment expected{{"PATH", "/bin"}, {"HOME", "/h"}, {"LC_ALL", "C"}, {"TZ", "UTC"},
                             {"MY_A", "1"},    {"MY_B", "2"},  {"EXACT", "3"},  {"TMPDIR", "/t"}};
  EXPECT_EQ(isolated_environment(inherited, {"MY_*", "EXACT"}), expected);
}

}  // namespace
}  // namespace mito::worker
