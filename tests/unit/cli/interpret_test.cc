#include "cli/interpret.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cli/commands.h"

namespace mito::cli {
namespace {

using Words = std::vector<std::string>;
using Wish = Invocation::Wish;

Result<Invocation> interpreted(const Words& words) {
  static const CommonOptions kOptions(CommonOptions::Scope::kProgram);
  return interpret(client_tree(), words, kOptions);
}

TEST(Interpret, FindsCommandsAndTheirArguments) {
  const auto task = interpreted({"-u", "alice", "tasks", "submit", "-p", "5", "--user", "bob", "--", "echo"});
  ASSERT_TRUE(task) << task.error().text();
  EXPECT_EQ(task->node.path, "mito client tasks submit");
  EXPECT_EQ(task->arguments.value("priority"), "5");
  EXPECT_FALSE(task->arguments.has("user"));
  EXPECT_EQ(task->common.value("user"), "bob");
}

TEST(Interpret, KeepsTheOptionsOfACommandFromThoseOfTheClient) {
  const auto created = interpreted({"-u", "root", "-p", "secret", "create", "user", "-u", "new", "-p", "pw"});
  ASSERT_TRUE(created) << created.error().text();
  EXPECT_EQ(created->common.value("user"), "root");
  EXPECT_EQ(created->common.value("password"), "secret");
  EXPECT_EQ(created->arguments.value("username"), "new");
  EXPECT_EQ(created->arguments.value("password"), "pw");
}

TEST(Interpret, UnderstandsHelpEverywhere) {
  for (const Words& words : {Words{"help", "tasks", "get"}, Words{"tasks", "help", "get"}, Words{"tasks", "get", "-h"},
                             Words{"tasks", "get", "--help"}, Words{"-h", "tasks", "get"}}) {
    const auto help = interpreted(words);
    ASSERT_TRUE(help);
    EXPECT_EQ(help->wish, Wish::kHelp);
    EXPECT_EQ(help->node.path, "mito client tasks get");
  }
  EXPECT_EQ(interpreted({"tasks"})->wish, Wish::kUsageHelp);
  EXPECT_EQ(interpreted({})->wish, Wish::kRun);
  EXPECT_EQ(interpreted({"-V"})->wish, Wish::kVersion);
}

TEST(Interpret, TakesTheVerbOfTheOldTreeBehindTheThing) {
  for (const Words& words : {Words{"manage", "worker", "u-1", "update-tags", "a", "b"},
                             Words{"manage", "worker", "update-tags", "u-1", "a", "b"}}) {
    const auto change = interpreted(words);
    ASSERT_TRUE(change) << change.error().text();
    EXPECT_EQ(change->node.path, "mito client manage worker update-tags");
    EXPECT_EQ(change->arguments.value("UUID"), "u-1");
    EXPECT_EQ(change->arguments.list("TAGS"), (Words{"a", "b"}));
    EXPECT_TRUE(is_old(*change->node.command));
  }
}

TEST(Interpret, SaysWhatWasProbablyMeant) {
  EXPECT_EQ(interpreted({"taks"}).error().text(),
            "unrecognized subcommand 'taks' (did you mean 'tasks'?); mito client --help lists them");
  EXPECT_EQ(interpreted({"tasks", "sumbit"}).error().text(),
            "unrecognized subcommand 'sumbit' (did you mean 'submit'?); mito client tasks --help lists them");
  EXPECT_EQ(interpreted({"uplod"}).error().text().find("did you mean 'upload'"), std::string::npos);
}

TEST(Interpret, KnowsWhereSecretsStand) {
  const CommonOptions options(CommonOptions::Scope::kProgram);
  for (const Words& words :
       {Words{"login", "bob", "pw"}, Words{"auth", "bob", "pw"}, Words{"admin", "shutdown", "s"},
        Words{"create", "user", "-u", "x", "-p", "y"}, Words{"auth", "--password", "x"},
        Words{"admin", "users", "change-password", "bob", "pw"}, Words{"users", "change-password", "a"}})
    EXPECT_TRUE(has_secret(*interpreted(words), options)) << words.front();
  for (const Words& words : {Words{"login", "bob"}, Words{"tasks", "query", "-p", "5"}, Words{"auth"}})
    EXPECT_FALSE(has_secret(*interpreted(words), options)) << words.front();
}

}  // namespace
}  // namespace mito::cli
