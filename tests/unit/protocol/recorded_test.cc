// What the original answered (tests/recorded), compared with what this layer makes of the same requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/errors.h"
#include "protocol/query.h"
#include "protocol/routes.h"
#include "protocol/schema.h"
#include "recording.h"

namespace mito::protocol::test {
namespace {

bool begins(const std::string& text, std::string_view with) {
  return text.starts_with(with);
}

bool is_body_error(const RecordedStep& step) {
  return begins(step.answer, "Failed to parse the request body as JSON: ") ||
         begins(step.answer, "Failed to deserialize the JSON body into the target type: ");
}

/// The request line, looked up; targets in absolute form are the transport's.
Match match_step(const RecordedStep& step) {
  return match(step.method, step.path);
}

TEST(Recorded, PathsAndMethodsLeadWhereTheOriginalWent) {
  int unknown = 0;
  int wrong = 0;
  for (const RecordedStep& step : recording()) {
    if (!step.path.starts_with('/') || step.method == "OPTIONS" || !step.plain) continue;
    SCOPED_TRACE(step.title());
    const Match found = match_step(step);
    if (step.status == 404 && step.answer.empty() && step.method != "HEAD") {
      EXPECT_EQ(found.kind, Match::Kind::kUnknownPath);
      ++unknown;
    } else if (step.status == 405) {
      EXPECT_EQ(found.kind, Match::Kind::kWrongMethod);
      EXPECT_EQ(found.allow, step.allow);
      ++wrong;
    } else if (!step.allow.empty()) {
      EXPECT_EQ(found.kind, Match::Kind::kWrongMethod);
      EXPECT_EQ(found.allow, step.allow);
    } else if (step.status == 200) {
      EXPECT_EQ(found.kind, Match::Kind::kEndpoint);
    }
  }
  EXPECT_GT(unknown, 10);
  EXPECT_GT(wrong, 10);
}

TEST(Recorded, AllowIsOnOptionsOfKnownPaths) {
  int checked = 0;
  for (const RecordedStep& step : recording()) {
    if (step.method != "OPTIONS") continue;
    SCOPED_TRACE(step.title());
    EXPECT_EQ(match_step(step).allow, step.allow);
    ++checked;
  }
  EXPECT_GT(checked, 2);
}

TEST(Recorded, RefusedPaths) {
  int checked = 0;
  for (const RecordedStep& step : recording()) {
    const bool refused = begins(step.answer, "Invalid URL: ");
    const Match found = match_step(step);
    if (found.kind != Match::Kind::kEndpoint || (!refused && step.status != 200)) continue;
    SCOPED_TRACE(step.title());
    const auto arguments = parse_path(found);
    ASSERT_EQ(arguments.has_value(), !refused);
    if (!refused) continue;
    EXPECT_EQ(bad_path(arguments.error()).body, step.answer);
    EXPECT_EQ(bad_path(arguments.error()).status, step.status);
    ++checked;
  }
  EXPECT_GT(checked, 20);
}

TEST(Recorded, RefusedQueries) {
  int checked = 0;
  for (const RecordedStep& step : recording()) {
    if (!begins(step.answer, "Failed to deserialize query string: ")) continue;
    SCOPED_TRACE(step.title());
    ASSERT_EQ(route(match_step(step).endpoint).query, "WorkerShutdownQuery");
    const auto query = decode_query<WorkerShutdownQuery>(step.query);
    ASSERT_FALSE(query.has_value());
    EXPECT_EQ(bad_query(query.error()).body, step.answer);
    EXPECT_EQ(bad_query(query.error()).status, step.status);
    ++checked;
  }
  EXPECT_GT(checked, 3);
}

TEST(Recorded, RefusedBodies) {
  int checked = 0;
  for (const RecordedStep& step : recording()) {
    if (!is_body_error(step)) continue;
    SCOPED_TRACE(step.title() + "\n" + step.body);
    ASSERT_TRUE(step.body_is_whole);
    const MessageInfo* message = find_message(route(match_step(step).endpoint).request);
    ASSERT_NE(message, nullptr);
    const auto decoded = message->recode(step.body);
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(bad_body(decoded.error()).body, step.answer);
    EXPECT_EQ(bad_body(decoded.error()).status, step.status);
    ++checked;
  }
  EXPECT_GT(checked, 150);
}

TEST(Recorded, AcceptedBodiesDecodeAndSurviveEncoding) {
  int checked = 0;
  for (const RecordedStep& step : recording()) {
    const Match found = match_step(step);
    if (step.status != 200 || found.kind != Match::Kind::kEndpoint || !step.body_is_whole || !step.plain) continue;
    const std::string_view name = route(found.endpoint).request;
    if (name.empty()) continue;
    SCOPED_TRACE(step.title() + "\n" + step.body);
    const MessageInfo* message = find_message(name);
    ASSERT_NE(message, nullptr);
    const auto once = message->recode(step.body);
    ASSERT_TRUE(once.has_value()) << once.error().text();
    const auto twice = message->recode(*once);
    ASSERT_TRUE(twice.has_value()) << twice.error().text();
    EXPECT_EQ(*once, *twice);
    ++checked;
  }
  EXPECT_GT(checked, 500);
}

TEST(Recorded, AnswersComeOutByteForByte) {
  int checked = 0;
  for (const RecordedStep& step : recording()) {
    const Match found = match_step(step);
    if (step.status != 200 || step.method == "HEAD" || found.kind != Match::Kind::kEndpoint) continue;
    const std::string_view name = route(found.endpoint).response;
    if (name.empty()) {
      EXPECT_TRUE(step.answer.empty() || route(found.endpoint).answer == AnswerKind::kText) << step.title();
      continue;
    }
    SCOPED_TRACE(step.title());
    const MessageInfo* message = find_message(name);
    ASSERT_NE(message, nullptr);
    const auto recoded = message->recode(step.answer);
    ASSERT_TRUE(recoded.has_value()) << recoded.error().text() << "\n" << step.answer;
    EXPECT_EQ(*recoded, step.answer);
    ++checked;
  }
  EXPECT_GT(checked, 500);
}

/// The text an Error of that code must have carried for `message` to come out.
std::string strip(ErrorCode code, std::string message) {
  const auto cut = [&](std::string_view before, std::string_view after) {
    EXPECT_TRUE(message.starts_with(before) && message.ends_with(after)) << message;
    return message.substr(before.size(), message.size() - before.size() - after.size());
  };
  if (code == ErrorCode::kNotFound) return cut("", " not found");
  if (code == ErrorCode::kNameTaken) return cut("User or group with same name ", " already exists");
  if (code == ErrorCode::kInvalidRequest && message.starts_with("Process request error: "))
    return cut("Process request error: ", "");
  return message;
}

TEST(Recorded, ErrorBodiesComeOutByteForByte) {
  int checked = 0;
  for (const RecordedStep& step : recording()) {
    const auto body = decode<ErrorMsg>(step.answer);
    if (!body) continue;
    SCOPED_TRACE(step.title());
    const Error seen = error_of(step.status, step.answer);
    EXPECT_THAT(seen.text(), testing::EndsWith(", " + body->msg));
    const bool upload = step.status == 400 && !begins(body->msg, "Process request error: ");
    const ErrorCode code = upload ? ErrorCode::kUploadRefused : seen.code();
    const Failure sent = failure_of(Error(code, strip(code, body->msg)));
    EXPECT_EQ(sent.status, step.status);
    EXPECT_EQ(sent.body, step.answer);
    ++checked;
  }
  EXPECT_GT(checked, 400);
}

}  // namespace
}  // namespace mito::protocol::test
