#include "cli/suggest.h"

#include <array>
#include <string_view>

#include <gtest/gtest.h>

namespace mito::cli {
namespace {

constexpr std::array<std::string_view, 4> kWords{"submit", "submit-many", "query", "cancel"};

TEST(Suggest, FindsTypingErrors) {
  EXPECT_EQ(nearest("sumbit", kWords), "submit");
  EXPECT_EQ(nearest("querry", kWords), "query");
  EXPECT_EQ(nearest("canc", kWords), "cancel");
}

TEST(Suggest, SaysNothingWhereNothingIsNear) {
  EXPECT_EQ(nearest("xyz", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(did_you_mean("nonsense", kWords), "");
}

TEST(Suggest, MakesASentence) {
  EXPECT_EQ(did_you_mean("quer", kWords), " (did you mean 'query'?)");
}

}  // namespace
}  // namespace mito::cli
