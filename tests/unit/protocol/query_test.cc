#include "protocol/query.h"

#include <gtest/gtest.h>

#include "protocol/routes.h"

namespace mito::protocol {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

TEST(QueryText, IsDecoded) {
  EXPECT_EQ(parse_query("a=1&b=x+y%2Bz&&c&=d&e=f=g"),
            (Parameters{{"a", "1"}, {"b", "x y+z"}, {"c", ""}, {"", "d"}, {"e", "f=g"}}));
  EXPECT_EQ(parse_query("a=%zz%2"), (Parameters{{"a", "%zz%2"}}));
  EXPECT_EQ(parse_query("a=x%ffy"), (Parameters{{"a", "x\xEF\xBF\xBDy"}}));
  EXPECT_TRUE(parse_query("").empty());
}

TEST(WorkerShutdown, TakesEverySpelling) {
  for (const std::string_view text : {"op=force", "op=Force", "op=%46orce", "x=1&op=force&y"})
    EXPECT_EQ(decode_query<WorkerShutdownQuery>(text)->op, ShutdownOp::kForce) << text;
  EXPECT_EQ(decode_query<WorkerShutdownQuery>("op=graceful")->op, ShutdownOp::kGraceful);
  EXPECT_EQ(decode_query<WorkerShutdownQuery>("")->op, std::nullopt);
  EXPECT_EQ(decode_query<WorkerShutdownQuery>("Op=force")->op, std::nullopt);
}

TEST(WorkerShutdown, RefusesOthers) {
  constexpr std::string_view kExpected = "expected one of `Graceful`, `graceful`, `Force`, `force`";
  EXPECT_EQ(decode_query<WorkerShutdownQuery>("op=now").error(),
            "op: unknown variant `now`, " + std::string(kExpected));
  EXPECT_EQ(decode_query<WorkerShutdownQuery>("op").error(), "op: unknown variant ``, " + std::string(kExpected));
  EXPECT_EQ(decode_query<WorkerShutdownQuery>("op=force&op=force").error(), "duplicate field `op`");
}

TEST(Removal, RepeatsItsParameter) {
  EXPECT_EQ(decode_query<RemoveUserGroupRoleReq>("users=b&users=a&op=force&users=b")->users,
            (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(decode_query<RemoveUserGroupRoleReq>("groups=a")->users.empty());
  EXPECT_EQ(decode_query<RemoveGroupWorkerRoleReq>("groups=a,b")->groups, (std::vector<std::string>{"a,b"}));
}

TEST(Waiting, IsADuration) {
  EXPECT_EQ(decode_query<WaitQuery>("wait=25s")->wait, (Duration{25, 0}));
  EXPECT_EQ(decode_query<WaitQuery>("wait=1m+5s")->wait, (Duration{65, 0}));
  EXPECT_EQ(decode_query<WaitQuery>("wait=5").error(), "wait: invalid value: string \"5\", expected a duration");
}

TEST(TaskParameters, NameAStateOfEitherKind) {
  const auto query = decode_query<TaskQuery>("wait=25s&after=Running&detail=true");
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->after, (std::variant<TaskState, TaskExecState>(TaskState::kRunning)));
  EXPECT_TRUE(query->detail);
  EXPECT_EQ(decode_query<TaskQuery>("after=ExecSpawned")->after,
            (std::variant<TaskState, TaskExecState>(TaskExecState::kExecSpawned)));
  EXPECT_TRUE(decode_query<TaskQuery>("after=Later").error().starts_with("after: unknown state `Later`, expected "));
  EXPECT_EQ(decode_query<TaskQuery>("detail=yes").error(),
            "detail: invalid value: string \"yes\", expected `true` or `false`");
}

TEST(Queries, SurviveEncoding) {
  EXPECT_EQ(encode_query(WorkerShutdownQuery{}), "");
  EXPECT_EQ(encode_query(WorkerShutdownQuery{ShutdownOp::kForce}), "op=Force");
  EXPECT_EQ(encode_query(WaitQuery{Duration{90, 0}}), "wait=1m%2030s");
  EXPECT_EQ(encode_query(TaskQuery{.wait = Duration{5, 0}, .after = TaskExecState::kExecFinished, .detail = true}),
            "wait=5s&after=ExecFinished&detail=true");
  const RemoveUserGroupRoleReq users{{"a b", "c&d=e", "\u00e4"}};
  EXPECT_EQ(encode_query(users), "users=a%20b&users=c%26d%3De&users=%C3%A4");
  EXPECT_EQ(decode_query<RemoveUserGroupRoleReq>(encode_query(users))->users, users.users);
}

TEST(Queries, OfTheRouteTableAreDescribed) {
  for (const Route& route : routes())
    EXPECT_EQ(query_parameters(route.query).empty(), route.query.empty()) << route.name;
  const auto parameters = query_parameters("TaskQuery");
  ASSERT_EQ(parameters.size(), 3U);
  EXPECT_EQ(parameters[0].name, "wait");
  EXPECT_EQ(parameters[0].type->kind, TypeInfo::Kind::kDuration);
  EXPECT_TRUE(query_parameters("RemoveUserGroupRoleReq").front().repeated);
}

}  // namespace
}  // namespace mito::protocol
