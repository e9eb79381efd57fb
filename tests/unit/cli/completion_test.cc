#include "cli/completion.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cli/commands.h"
#include "cli/interpret.h"

namespace mito::cli {
namespace {

using Words = std::vector<std::string>;

Words completed(const Words& before, const std::string& begun) {
  static const CommonOptions kOptions(CommonOptions::Scope::kProgram);
  const LiveValues live = [](Argument::Values values, const std::string&, const Arguments& given) {
    std::vector<Candidate> found;
    if (values == Argument::Values::kTask) found = {{"0198-aa", "ok"}, {"0198-bb", "running"}};
    if (values == Argument::Values::kGroup) found = {{"lab", ""}, {"legion", ""}};
    if (values == Argument::Values::kWorker) found = {{"w-of-" + given.value("group").value_or("own"), ""}};
    return found;
  };
  Words texts;
  for (const auto& candidate : complete_words(client_tree(), kOptions.all(), before, begun, live))
    texts.push_back(candidate.text);
  return texts;
}

TEST(Completion, FindsCommandsButNoOldOnes) {
  EXPECT_EQ(completed({}, "ta"), Words{"tasks"});
  EXPECT_EQ(completed({"tasks"}, "submit"), (Words{"submit", "submit-many"}));
  EXPECT_EQ(completed({"help", "groups", "attachments"}, "que"), Words{"query"});
  const auto all = completed({}, "");
  EXPECT_EQ(std::ranges::count(all, "manage"), 0);
  EXPECT_EQ(std::ranges::count(all, "workers"), 1);
  EXPECT_EQ(completed({"manage", "worker"}, "can"), Words{"cancel"});
  EXPECT_EQ(completed({"nonsense"}, ""), Words{});
}

TEST(Completion, FindsOptionsOfTheCommandAndThoseOfAll) {
  EXPECT_EQ(completed({"tasks", "submit"}, "--prio"), Words{"--priority"});
  EXPECT_EQ(completed({"tasks", "submit"}, "--form"), Words{"--format"});
  EXPECT_EQ(completed({}, "--coord"), Words{"--coordinator"});
}

TEST(Completion, FindsFixedValues) {
  EXPECT_EQ(completed({"tasks", "query", "-s"}, "ru"), Words{"running"});
  EXPECT_EQ(completed({"tasks", "query", "-s"}, "ready,ru"), Words{"ready,running"});
  EXPECT_EQ(completed({"tasks", "query"}, "--state=fi"), Words{"--state=finished"});
  EXPECT_EQ(completed({"--format"}, "j"), Words{"json"});
  EXPECT_EQ(completed({"tasks", "artifacts", "download", "0198"}, "std"), Words{"std-log"});
}

TEST(Completion, FindsLiveValues) {
  EXPECT_EQ(completed({"tasks", "get"}, "0198-a"), Words{"0198-aa"});
  EXPECT_EQ(completed({"tasks", "wait", "0198-aa"}, ""), (Words{"0198-aa", "0198-bb"}));
  EXPECT_EQ(completed({"tasks", "query", "-g"}, "l"), (Words{"lab", "legion"}));
  EXPECT_EQ(completed({"--format", "json", "groups", "get"}, "la"), Words{"lab"});
  EXPECT_EQ(completed({"tasks", "get", "0198-aa"}, ""), Words{});
  EXPECT_EQ(completed({"manage", "worker", "cancel"}, ""), Words{"w-of-own"});
}

TEST(Completion, KnowsTheCommonBeginning) {
  EXPECT_EQ(common_beginning({{"submit", ""}, {"submit-many", ""}}), "submit");
  EXPECT_EQ(common_beginning({{"a\xc3\xa9", ""}, {"a\xc3\xa8", ""}}), "a");
  EXPECT_EQ(common_beginning({}), "");
}

}  // namespace
}  // namespace mito::cli
