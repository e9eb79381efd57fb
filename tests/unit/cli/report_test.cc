#include "cli/report.h"

#include <gtest/gtest.h>

#include "cli/command.h"

namespace mito::cli {
namespace {

TEST(DescribeFailure, NamesTheThingAndTheNextStep) {
  EXPECT_EQ(describe_failure(Error(ErrorCode::kNotFound, "Worker x not found not found"),
                             "mito client workers query lists yours"),
            "error: Worker x not found\nhint: mito client workers query lists yours\n");
  EXPECT_EQ(describe_failure(Error(ErrorCode::kUsage, "wrong")), "error: wrong\n");
  EXPECT_EQ(describe_failure(Error(ErrorCode::kUsage, "wrong\nUsage: x")), "error: wrong\nUsage: x\n");
  EXPECT_EQ(describe_failure(Error(ErrorCode::kIo, "a\x1b[0m")), "error: a\\x1b[0m\n");
  EXPECT_EQ(describe_failure(Error(ErrorCode::kNotFound, "")), "error: not_found\n");
}

TEST(ExitCodes, AreThoseOfTheDocumentation) {
  EXPECT_EQ(static_cast<int>(exit_code(ErrorCode::kUsage)), 2);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorCode::kNotLoggedIn)), 3);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorCode::kWrongCredentials)), 3);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorCode::kNotFound)), 4);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorCode::kPermissionDenied)), 5);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorCode::kNameTaken)), 5);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorCode::kUnreachable)), 6);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorCode::kIo)), 1);
}

}  // namespace
}  // namespace mito::cli
