#include "security/password.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace mito::security {
namespace {

constexpr const char* kVector =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$lPyJVTfC7qPdDftyzOYvfXQ70ok6R3DyMzOvwqGj+1I";

std::string hex(const PasswordDigest& digest) {
  return hex_encode(std::string(digest.begin(), digest.end()));
}

TEST(PasswordDigest, IsMd5) {
  EXPECT_EQ(hex(digest_password("mitosis_admin")), "64f18ef72c13f7cb7fc6fb5dbd83e272");
  EXPECT_EQ(hex(digest_password("")), "d41d8cd98f00b204e9800998ecf8427e");
}

TEST(PasswordHash, ReproducesTheTestVector) {
  const auto hash = hash_password(digest_password("mitosis_admin"), "somesaltsomesalt");
  ASSERT_TRUE(hash.has_value());
  EXPECT_EQ(*hash, kVector);
}

TEST(PasswordHash, HasARandomSalt) {
  const auto digest = digest_password("secret");
  const auto one = hash_password(digest);
  const auto two = hash_password(digest);
  ASSERT_TRUE(one.has_value() && two.has_value());
  EXPECT_NE(*one, *two);
  EXPECT_EQ(verify_password(digest, *one), true);
  EXPECT_EQ(verify_password(digest, *two), true);
  EXPECT_EQ(verify_password(digest_password("Secret"), *one), false);
}

TEST(PasswordHash, NeedsASaltOfEightBytes) {
  const auto hash = hash_password(digest_password("x"), "short");
  ASSERT_FALSE(hash.has_value());
  EXPECT_EQ(hash.error().code(), ErrorCode::kInternal);
}

TEST(PasswordVerify, AcceptsTheVector) {
  EXPECT_EQ(verify_password(digest_password("mitosis_admin"), kVector), true);
  EXPECT_EQ(verify_password(digest_password("mitosis_admim"), kVector), false);
}

TEST(PasswordVerify, TakesTypeVersionAndParametersFromTheHash) {
  // Made with argon2_hash of the reference library; the second one is of version 16, which has no version field.
  const auto digest = digest_password("mitosis_admin");
  EXPECT_EQ(
      verify_password(digest, "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$i+pGX5VUJu1ff2qgbFumlsgWvFOlIwmg"),
      true);
  EXPECT_EQ(verify_password(digest, "$argon2d$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$znkaxlD9T0xSy0CkH0HzfuNcpRmxVt45"),
            true);
}

struct Text {
  const char* name;
  const char* phc;
};

class PasswordVerifyBad : public testing::TestWithParam<Text> {};

TEST_P(PasswordVerifyBad, IsAnInternalError) {
  const auto verified = verify_password(digest_password("x"), GetParam().phc);
  ASSERT_FALSE(verified.has_value());
  EXPECT_EQ(verified.error().code(), ErrorCode::kInternal);
  EXPECT_FALSE(verified.error().internal().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Hashes, PasswordVerifyBad,
    testing::Values(Text{"empty", ""}, Text{"word", "plain"}, Text{"other_scheme", "$2b$12$abcdefghijklmnopqrstuv"},
                    Text{"other_type", "$argon2x$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"},
                    Text{"other_version", "$argon2id$v=18$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"},
                    Text{"no_hash", "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ"},
                    Text{"padded", "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ=$AAAAAAAAAAAAAAAAAAAAAA"},
                    Text{"parameter_unknown", "$argon2id$v=19$m=64,t=2,x=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"},
                    Text{"parameter_no_number", "$argon2id$v=19$m=,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"},
                    Text{"asks_for_all_memory",
                         "$argon2id$v=19$m=999999999,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"},
                    Text{"too_little_memory", "$argon2id$v=19$m=1,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"},
                    Text{"salt_too_short", "$argon2id$v=19$m=64,t=2,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA"},
                    Text{"hash_too_short", "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAA"},
                    Text{"one_part_more", "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA$"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace mito::security
