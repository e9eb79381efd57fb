#include "cli/values.h"

#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace mito::cli {
namespace {

const std::string kUuid = "550e8400-e29b-41d4-a716-446655440000";

template <class T>
std::string refusal(const Result<T>& result) {
  EXPECT_FALSE(result);
  if (result) return {};
  EXPECT_EQ(result.error().code(), ErrorCode::kUsage);
  return result.error().text();
}

TEST(Environment, SplitsAtTheFirstEquals) {
  const auto environment = environment_value("--envs", {"A=1", "B=x=y", "C="});
  ASSERT_TRUE(environment);
  EXPECT_EQ(environment->at("B"), "x=y");
  EXPECT_EQ(environment->at("C"), "");
  EXPECT_EQ(refusal(environment_value("--envs", {"NOVALUE"})),
            "invalid value 'NOVALUE' for '--envs': invalid KEY=value: no `=` found in `NOVALUE`");
  refusal(environment_value("--envs", {"=x"}));
}

TEST(Resources, KnowsBothKinds) {
  const auto resources =
      resources_value("-r", {"artifact=" + kUuid + ":RESULT:prev.tgz", "attachment=dir//data.txt:in/d.txt"});
  ASSERT_TRUE(resources) << resources.error().text();
  EXPECT_EQ(std::get<ArtifactReference>(resources->at(0).remote_file).content_type, ArtifactContentType::kResult);
  EXPECT_EQ(resources->at(0).local_path, "prev.tgz");
  EXPECT_EQ(std::get<AttachmentReference>(resources->at(1).remote_file).key, "dir/data.txt");
}

TEST(Resources, SayWhatIsWrong) {
  const auto text = [](const std::string& value) { return refusal(resources_value("-r", {value})); };
  EXPECT_NE(text("file=x").find("must start with 'artifact=' or 'attachment='"), std::string::npos);
  EXPECT_NE(text("attachment=x").find("exactly 2 parts separated by ':' (key:local_path), got 1 parts in 'x'"),
            std::string::npos);
  EXPECT_NE(text("artifact=" + kUuid + ":result").find("exactly 3 parts"), std::string::npos);
  EXPECT_NE(text("artifact=" + kUuid + ":logs:x").find("expected one of: result, exec-log, std-log"),
            std::string::npos);
  EXPECT_NE(text("artifact=nope:result:x").find("invalid character"), std::string::npos);
}

TEST(Watch, TakesOnlyStatesThatExist) {
  EXPECT_EQ(watch_value("--watch", kUuid + ",ExecSpawned")->state, TaskExecState::kExecSpawned);
  EXPECT_NE(refusal(watch_value("--watch", "nocomma")).find("no `,` found in `nocomma`"), std::string::npos);
  EXPECT_NE(refusal(watch_value("--watch", kUuid + ",ExecFinishd")).find("did you mean 'ExecFinished'?"),
            std::string::npos);
  refusal(watch_value("--watch", kUuid + ",Unknown"));
}

TEST(Roles, AreCaseTolerantInTheOriginalsForms) {
  const auto roles = roles_value("ROLES", {"bob:read", "eve:ADMIN"}, "UserGroupRole");
  ASSERT_TRUE(roles);
  EXPECT_EQ(roles->at("eve"), Role::kAdmin);
  EXPECT_NE(refusal(roles_value("ROLES", {"bob"}, "UserGroupRole")).find("no `:` found in `bob`"), std::string::npos);
  EXPECT_NE(refusal(roles_value("ROLES", {"bob:boss"}, "UserGroupRole")).find("Invalid UserGroupRole: boss"),
            std::string::npos);
}

TEST(Numbers, StayInTheirRange) {
  EXPECT_EQ(number_value("-p", "-5"), -5);
  EXPECT_EQ(number_value("-p", "+5"), 5);
  for (const char* text : {"99999999999", "", "x", "1x", " 1", "1.5"})
    refusal(number_value("-p", text));
  EXPECT_EQ(count_value("--limit", "0"), 0U);
  refusal(count_value("--concurrent", "0", 1));
  refusal(count_value("--limit", "-1"));
}

TEST(ExitStatus, BecomesARawStatus) {
  struct Case {
    std::string given;
    std::string sent;
  };
  for (const auto& [given, sent] :
       {Case{"1", "=256"}, Case{"=0", "=0"}, Case{"!=0", "!=0"}, Case{"<2", "<512"}, Case{"<=2", "<768"},
        Case{">0", ">=256"}, Case{">=1", ">=256"}, Case{"256", "256"}, Case{"raw:9", "9"}, Case{"raw:!=9", "!=9"}})
    EXPECT_EQ(exit_status_value("-e", given), sent) << given;
  EXPECT_NE(refusal(exit_status_value("-e", "~1")).find("Failed to parse number from ~1"), std::string::npos);
}

TEST(Uuids, MayBeSeparatedByCommas) {
  EXPECT_EQ(task_uuids("UUIDS", {kUuid + "," + kUuid, kUuid})->size(), 3U);
  EXPECT_NE(refusal(task_uuid("<UUID>", "nope")).find("found `n` at 1"), std::string::npos);
}

TEST(States, AreNamedInLowerCase) {
  EXPECT_EQ(task_states({"cancelled", "ready"}), (std::vector{TaskState::kReady, TaskState::kCancelled}));
}

TEST(Durations, NeedAUnit) {
  EXPECT_EQ(duration_value("--timeout", "1h 5s")->seconds, 3605U);
  refusal(duration_value("--timeout", "10"));
  refusal(duration_value("--timeout", "soon"));
}

}  // namespace
}  // namespace mito::cli
