#include <string>

#include <gtest/gtest.h>

#include "client/client.h"

namespace mito::client {
namespace {

TEST(ErrorOfAnswer, MapsStatusAndText) {
  struct Case {
    unsigned status;
    std::string body;
    ErrorCode code;
    std::string text;
  };
  for (const auto& c : {
           Case{404, R"({"msg":"Group nope not found"})", ErrorCode::kNotFound, "Group nope not found"},
           Case{401, R"({"msg":"Authentication error: Wrong credentials"})", ErrorCode::kWrongCredentials,
                "Authentication error: Wrong credentials"},
           Case{401, R"({"msg":"Authentication error: Invalid token"})", ErrorCode::kInvalidToken,
                "Authentication error: Invalid token"},
           Case{403, R"({"msg":"Authentication error: Permission denied"})", ErrorCode::kPermissionDenied,
                "Authentication error: Permission denied"},
           Case{403, R"({"msg":"Resource quota exceeded"})", ErrorCode::kQuotaExceeded, "Resource quota exceeded"},
           Case{409, R"({"msg":"taken"})", ErrorCode::kNameTaken, "taken"},
           Case{422, "Failed to deserialize\n", ErrorCode::kInvalidRequest, "Failed to deserialize"},
           Case{403, "<?xml version=\"1.0\"?><Error><Message>Request has expired</Message></Error>",
                ErrorCode::kPermissionDenied, "S3 error: Request has expired"},
           Case{404, "", ErrorCode::kNotFound, "not found"},
           Case{502, "", ErrorCode::kUnavailable, "bad gateway"},
           Case{507, "", ErrorCode::kStorageFull, "no room left"},
           Case{599, "", ErrorCode::kUnavailable, "answered with status 599"},
           Case{302, "", ErrorCode::kProtocol, "answered with status 302"},
           Case{500, R"({"other":1})", ErrorCode::kInternal, "internal server error"},
       }) {
    const Error error = error_of_answer(c.status, c.body);
    EXPECT_EQ(error.code(), c.code) << c.status << " " << c.body;
    EXPECT_EQ(error.text(), c.text);
  }
}

}  // namespace
}  // namespace mito::client
