#include "protocol/routes.h"

#include <set>

#include <gtest/gtest.h>

#include "protocol/schema.h"

namespace mito::protocol {
namespace {

constexpr std::string_view kUuidText = "550e8400-e29b-41d4-a716-446655440000";

/// The name of the route, `404`, or `405 <allow>`.
std::string lead(std::string_view method, std::string_view path) {
  const Match found = match(method, path);
  switch (found.kind) {
    case Match::Kind::kUnknownPath:
      return "404";
    case Match::Kind::kWrongMethod:
      return "405 " + std::string(found.allow);
    default:
      return std::string(name_of(found.endpoint));
  }
}

std::vector<std::string> parameters(std::string_view method, std::string_view path) {
  const Match found = match(method, path);
  return {found.parameters.begin(), found.parameters.begin() + static_cast<std::ptrdiff_t>(found.parameter_count)};
}

TEST(RouteTable, NamesMessagesThatExist) {
  for (const Route& route : routes()) {
    EXPECT_TRUE(route.request.empty() || find_message(route.request) != nullptr) << route.name;
    EXPECT_TRUE(route.response.empty() || find_message(route.response) != nullptr) << route.name;
    const bool has_answer = route.answer == AnswerKind::kJson || route.answer == AnswerKind::kNull;
    EXPECT_TRUE(route.answer == AnswerKind::kStream || has_answer != route.response.empty()) << route.name;
  }
}

TEST(RouteTable, NamesAndOperationsAreUnique) {
  std::set<std::string_view> names;
  std::set<std::pair<std::string_view, std::string_view>> operations;
  for (const Route& route : routes()) {
    EXPECT_TRUE(names.insert(route.name).second) << route.name;
    EXPECT_TRUE(operations.emplace(route.method, route.path).second) << route.path;
  }
}

TEST(RouteTable, HasTheOriginals64OperationsAndOurs) {
  EXPECT_EQ(static_cast<std::size_t>(Endpoint::kOpenApi), 64U);
  EXPECT_EQ(routes().size(), kEndpointCount);
}

TEST(RouteTable, EveryPathLeadsToItsRoute) {
  for (const Route& route : routes()) {
    const std::string_view values[] = {kUuidText, "result"};
    const std::string path = make_path(route.endpoint, values);
    const Match found = match(route.method, path);
    EXPECT_EQ(found.kind, Match::Kind::kEndpoint) << path;
    EXPECT_EQ(found.endpoint, route.endpoint) << path;
    EXPECT_EQ(found.auth, route.auth) << path;
    EXPECT_TRUE(parse_path(found).has_value()) << path;
  }
}

TEST(Matching, PathsAreExact) {
  for (const std::string_view path :
       {"", "/", "health", "/health/", "//health", "/Health", "/groups/", "/tasks/x/", "/users/groups/x",
        "/tasks/x/download/artifacts/", "/groups/g/attachments/", "/objects/b/", "/objects/b", "/%68ealth"})
    EXPECT_EQ(lead("GET", path), "404") << path;
}

TEST(Matching, FixedSegmentsWin) {
  EXPECT_EQ(lead("GET", "/users/groups"), "user_groups");
  EXPECT_EQ(lead("POST", "/workers/query"), "query_workers");
  EXPECT_EQ(lead("GET", "/workers/query"), "405 POST");
  EXPECT_EQ(lead("GET", "/workers/heartbeat"), "405 POST");
  EXPECT_EQ(lead("GET", "/groups/g/attachments/query"), "405 POST");
  EXPECT_EQ(lead("DELETE", "/groups/g/attachments/query"), "405 POST");
  EXPECT_EQ(lead("GET", "/groups/g/download/attachments/list"), "405 POST");
  EXPECT_EQ(lead("GET", "/groups/g/attachments/%71uery"), "get_attachment");
}

TEST(Matching, WhatFixedSegmentsDoNotFinishFallsToParameters) {
  EXPECT_EQ(lead("GET", "/groups/g/attachments/query/x"), "get_attachment");
  EXPECT_EQ(lead("GET", "/groups/g/attachments/queryx"), "get_attachment");
  EXPECT_EQ(lead("PUT", "/workers/tasks/tags"), "405 GET,HEAD");
  EXPECT_EQ(lead("PUT", "/workers/query/tags"), "replace_worker_tags");
  EXPECT_EQ(lead("POST", "/users/groups/password"), "change_password");
}

TEST(Matching, RestsKeepTheirSlashes) {
  EXPECT_EQ(parameters("GET", "/groups/g/attachments/a/b%2Fc//d/../e/"),
            (std::vector<std::string>{"g", "a/b%2Fc//d/../e/"}));
  EXPECT_EQ(parameters("GET", "/objects/bucket//a"), (std::vector<std::string>{"bucket", "/a"}));
}

TEST(Matching, AParameterInFrontOfOthersMayBeEmpty) {
  EXPECT_EQ(parameters("GET", "/groups//attachments/a"), (std::vector<std::string>{"", "a"}));
  EXPECT_EQ(lead("PUT", "/tasks//labels"), "update_task_labels");
}

TEST(Matching, MethodsAreCaseSensitiveAndHeadIsGet) {
  EXPECT_EQ(lead("HEAD", "/workers/tasks"), "fetch_task");
  EXPECT_EQ(lead("HEAD", "/login"), "405 POST");
  EXPECT_EQ(lead("get", "/health"), "405 GET,HEAD");
  EXPECT_EQ(lead("OPTIONS", "/tasks/x"), "405 GET,HEAD,PUT,DELETE");
}

TEST(Matching, AWrongMethodIsBehindThePathsCheck) {
  EXPECT_EQ(match("PUT", "/workers").auth, Auth::kUser);
  EXPECT_EQ(match("PUT", "/workers").allow, "DELETE,POST");
  EXPECT_EQ(match("DELETE", "/workers").auth, Auth::kWorker);
  EXPECT_EQ(match("PUT", "/workers/tasks").auth, Auth::kWorker);
  EXPECT_EQ(match("GET", "/admin/users").auth, Auth::kAdmin);
  EXPECT_EQ(match("PATCH", "/health").auth, Auth::kNone);
}

TEST(PathArguments, AreDecoded) {
  EXPECT_EQ(parse_path(match("GET", "/groups/a%2Fb+c%2"))->group_name, "a/b+c%2");
  EXPECT_EQ(parse_path(match("GET", "/groups/g/attachments/a%20b/c%zz"))->key, "a b/c%zz");
  const std::string upper = "/tasks/%7B550E8400-E29B-41D4-A716-446655440000%7D/download/artifacts/TERMINAL";
  const auto arguments = parse_path(match("GET", upper));
  ASSERT_TRUE(arguments.has_value());
  EXPECT_EQ(arguments->task().to_string(), kUuidText);
  EXPECT_EQ(arguments->content_type, ArtifactContentType::kStdLog);
}

TEST(PathArguments, BadUtf8ComesFirst) {
  EXPECT_EQ(parse_path(match("GET", "/tasks/x/download/artifacts/%ff")).error(), "Invalid UTF-8 in `content_type`");
  EXPECT_EQ(
      parse_path(match("GET", "/tasks/x/download/artifacts/y")).error(),
      "Cannot parse `uuid` with value `x`: UUID parsing failed: invalid character: expected an optional prefix of "
      "`urn:uuid:` followed by [0-9a-fA-F-], found `x` at 1");
}

TEST(MakePath, EncodesWhatAPathCannotHold) {
  const std::string_view attachment[] = {"a/b", "dir/a b+&.txt"};
  EXPECT_EQ(make_path(Endpoint::kGetAttachment, attachment), "/groups/a%2Fb/attachments/dir/a%20b%2B%26.txt");
  EXPECT_EQ(make_path(Endpoint::kHealth, {}), "/health");
}

}  // namespace
}  // namespace mito::protocol
