#include "coordinator/token_cache.h"

#include <string>

#include <gtest/gtest.h>

namespace mito::coordinator {
namespace {

class TokenCacheTest : public testing::Test {
 protected:
  static const security::TokenKeys& keys() {
    static const security::TokenKeys kKeys = std::move(*security::TokenKeys::generate());
    return kKeys;
  }
  static std::string token(const std::string& sub, std::int64_t exp) {
    return keys().sign({.sub = sub, .exp = exp, .sign = 7});
  }
};

TEST_F(TokenCacheTest, AnswersTheClaimsAgain) {
  TokenCache cache(keys(), 100);
  const std::string bearer = token("ann", 2000);
  for (int i = 0; i < 3; ++i) {
    const auto claims = cache.verify(bearer, 1000);
    ASSERT_TRUE(claims);
    EXPECT_EQ(claims->sub, "ann");
    EXPECT_EQ(claims->exp, 2000);
    EXPECT_EQ(claims->sign, 7);
  }
}

TEST_F(TokenCacheTest, RememberedTokensExpireToo) {
  TokenCache cache(keys(), 100);
  const std::string bearer = token("ann", 2000);
  ASSERT_TRUE(cache.verify(bearer, 1000));
  EXPECT_TRUE(cache.verify(bearer, 2060)) << "60 s of leeway";
  const auto expired = cache.verify(bearer, 2061);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code(), ErrorCode::kInvalidToken);
}

TEST_F(TokenCacheTest, RefusesOtherTokens) {
  TokenCache cache(keys(), 100);
  std::string bearer = token("ann", 2000);
  ASSERT_TRUE(cache.verify(bearer, 1000));
  bearer[bearer.size() / 2] = bearer[bearer.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(cache.verify(bearer, 1000));
  EXPECT_FALSE(cache.verify("", 1000));
  const auto others = security::TokenKeys::generate();
  ASSERT_TRUE(others);
  EXPECT_FALSE(cache.verify(others->sign({.sub = "ann", .exp = 2000, .sign = 7}), 1000));
}

TEST_F(TokenCacheTest, ForgetsTheOldestBeyondItsCapacity) {
  TokenCache cache(keys(), 16);
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(cache.verify(token("user" + std::to_string(i), 2000), 1000));
  EXPECT_TRUE(cache.verify(token("user0", 2000), 1000)) << "forgotten tokens are verified anew";
}

}  // namespace
}  // namespace mito::coordinator
