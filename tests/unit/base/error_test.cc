#include "base/error.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/result.h"

namespace mito {
namespace {

TEST(Error, NamesEveryCodeDifferently) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kProtocol); ++code)
    names.insert(to_string(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::kProtocol) + 1);
  EXPECT_EQ(names.count("unknown"), 0U);
  EXPECT_EQ(to_string(ErrorCode::kNotFound), "not_found");
}

TEST(Error, IsDescribedInOneLine) {
  EXPECT_EQ(describe(Error(ErrorCode::kPermissionDenied, "")), "permission_denied");
  EXPECT_EQ(describe(Error(ErrorCode::kNotFound, "Task x")), "not_found: Task x");
  EXPECT_EQ(describe(Error(ErrorCode::kInternal, "", "disk I/O error")), "internal (disk I/O error)");
}

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::kInvalidRequest, "odd");
  return number / 2;
}

Result<int> quarter(int number) {
  MITO_TRY(half(number));
  MITO_TRY_ASSIGN(const int once, half(number));
  return half(once);
}

TEST(Result, PassesValuesAndErrorsOn) {
  EXPECT_EQ(quarter(8), 2);
  EXPECT_EQ(quarter(3).error().text(), "odd");
  EXPECT_EQ(quarter(6).error().text(), "odd");
}

}  // namespace
}  // namespace mito
