#include "protocol/errors.h"

#include <gtest/gtest.h>

#include "protocol/authorization.h"

namespace mito::protocol {
namespace {

struct Case {
  ErrorCode code;
  std::string_view text;
  unsigned status;
  std::string_view body;
};

const Case kCases[] = {
    {ErrorCode::kInvalidToken, "", 401, R"({"msg":"Authentication error: Invalid token"})"},
    {ErrorCode::kWrongCredentials, "ignored", 401, R"({"msg":"Authentication error: Wrong credentials"})"},
    {ErrorCode::kPermissionDenied, "", 403, R"({"msg":"Authentication error: Permission denied"})"},
    {ErrorCode::kQuotaExceeded, "", 403, R"({"msg":"Resource quota exceeded"})"},
    {ErrorCode::kInvalidRequest, "Empty tags", 400, R"({"msg":"Process request error: Empty tags"})"},
    {ErrorCode::kNotFound, "Worker 1 not found", 404, R"({"msg":"Worker 1 not found not found"})"},
    {ErrorCode::kNameTaken, "bob", 409, R"({"msg":"User or group with same name bob already exists"})"},
    {ErrorCode::kUploadRefused, "Invalid content length -1", 400, R"({"msg":"Invalid content length -1"})"},
    {ErrorCode::kInternal, "secret", 500, R"({"msg":"Internal server error"})"},
    {ErrorCode::kFenced, "secret", 500, R"({"msg":"Internal server error"})"},
    {ErrorCode::kIo, "secret", 500, R"({"msg":"Internal server error"})"},
    {ErrorCode::kUnavailable, "", 503, R"({"msg":"Service unavailable, try again later"})"},
    {ErrorCode::kTooManyRequests, "Too many logins", 429, R"({"msg":"Too many logins"})"},
    {ErrorCode::kPayloadTooLarge, "", 413, R"({"msg":"The request is too large"})"},
    {ErrorCode::kStorageFull, "", 507, R"({"msg":"No space left on the server"})"},
};

TEST(Failures, HaveTheOriginalsStatusAndBody) {
  for (const auto& [code, text, status, body] : kCases) {
    const Failure failure = failure_of(Error(code, std::string(text), "for the log only"));
    EXPECT_EQ(failure.status, status) << body;
    EXPECT_EQ(failure.body, body);
    EXPECT_EQ(failure.content_type, "application/json");
  }
}

TEST(Failures, SurviveTheWay) {
  for (const auto& [code, text, status, body] : kCases) {
    ErrorCode expected = status == 500 ? ErrorCode::kInternal : code;
    if (code == ErrorCode::kUploadRefused) expected = ErrorCode::kInvalidRequest;  // They look alike.
    EXPECT_EQ(error_of(status, body).code(), expected) << body;
  }
}

TEST(PeerErrors, AreShownAsTheOriginalsClientDoes) {
  EXPECT_EQ(error_of(404, R"({"msg":"Task with uuid x not found"})").text(),
            "Request error: 404 Not Found, Task with uuid x not found");
  EXPECT_EQ(error_of(401, R"({"msg":"Authentication error: Wrong credentials"})").text(),
            "Request error: 401 Unauthorized, Authentication error: Wrong credentials");
  EXPECT_EQ(error_of(422, "Failed to deserialize\n").text(),
            "Request error: 422 Unprocessable Entity, Failed to deserialize");
  EXPECT_EQ(error_of(502, "").text(), "Request error: 502 Bad Gateway");
  EXPECT_EQ(error_of(599, "").text(), "Request error: 599");
  EXPECT_EQ(error_of(599, "").code(), ErrorCode::kProtocol);
}

TEST(PeerErrors, LongAndBrokenTextsAreCut) {
  EXPECT_EQ(peer_message(std::string(2000, 'x')).size(), 500U);
  EXPECT_EQ(peer_message("a\xFF"), "a\xEF\xBF\xBD");
}

TEST(ContentTypes, AnnounceJson) {
  for (const std::string_view value : {"application/json", "Application/JSON", "application/json; charset=utf-8",
                                       "application/json;x", "application/problem+json", "application/a.b+JSON;q=1"})
    EXPECT_TRUE(is_json_content_type(value)) << value;
  for (const std::string_view value :
       {"", "text/json", "application/jsonx", "application/json ;x", "application/+json", "json",
        "application/x-www-form-urlencoded", " application/json", "application/"})
    EXPECT_FALSE(is_json_content_type(value)) << value;
}

TEST(BodyErrors, AreSyntaxOrShape) {
  DecodeError error{.kind = DecodeError::Kind::kSyntax,
                    .at_root = true,
                    .path = "",
                    .message = "expected value",
                    .line = 1,
                    .column = 2};
  EXPECT_EQ(bad_body(error).body, "Failed to parse the request body as JSON: expected value at line 1 column 2");
  EXPECT_EQ(bad_body(error).status, 400U);
  error.kind = DecodeError::Kind::kShape;
  error.at_root = false;
  error.path = "a.b";
  EXPECT_EQ(bad_body(error).body,
            "Failed to deserialize the JSON body into the target type: a.b: expected value at line 1 column 2");
  EXPECT_EQ(bad_body(error).status, 422U);
  EXPECT_EQ(bad_body(error).content_type, "text/plain; charset=utf-8");
}

TEST(Authorization, BearerInAnyCaseWithBlanksInFront) {
  EXPECT_EQ(bearer_of("Bearer abc"), "abc");
  EXPECT_EQ(bearer_of("bEARER   abc "), "abc");
  EXPECT_EQ(bearer_of("Bearer a b"), "a b");
  for (const std::string_view bad : {"", "Bearer", "Bearer ", "Bearer    ", "Bearer\tabc", "Basic abc", "Bearerabc",
                                     "Bearer \x01", "Bearer \x7f", "Bearer \xc3\xa4"})
    EXPECT_EQ(bearer_of(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace mito::protocol
