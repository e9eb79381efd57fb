#include "worker/registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "worker/backoff.h"

namespace mito::worker {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

TEST(CheckGroups, AcceptsNamesWithAndWithoutRoles) {
  EXPECT_TRUE(check_groups({"a", "b:read", "c-1:WRITE", "d_2:Admin"}));
}

TEST(CheckGroups, NamesWhatIsWrong) {
  for (const auto* bad : {"", "a b", ":read", "a:boss", "a:read:write", "a:"}) {
    const auto result = check_groups({"good", bad});
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code(), ErrorCode::kUsage);
    EXPECT_THAT(result.error().text(), HasSubstr(bad));
  }
}

class ShouldReconnect : public ::testing::Test {
 protected:
  [[nodiscard]] bool ask(seconds after) const { return should_reconnect(settings_, session_, start_ + after); }
  Timestamp start_{seconds{1'000'000}};
  Settings settings_;
  Session session_{WorkerUuid{}, "token", {.any = true}, start_};
};

TEST_F(ShouldReconnect, NotWhenSomebodyRemovedTheWorker) {
  EXPECT_FALSE(ask(seconds{5}));
}
TEST_F(ShouldReconnect, WhenTheCoordinatorHadBeenAway) {
  session_.last_failure = start_ + seconds{100};
  session_.last_heartbeat = start_ + seconds{110};
  EXPECT_TRUE(ask(seconds{111}));
  session_.last_heartbeat = start_ + seconds{300};
  EXPECT_FALSE(ask(seconds{301}));
}
TEST_F(ShouldReconnect, WhenNothingWasHeardForLongerThanTheLease) {
  EXPECT_FALSE(ask(seconds{30}));
  EXPECT_TRUE(ask(seconds{31}));
  session_.features.any = false;
  EXPECT_FALSE(ask(seconds{600})) << "an original knows no leases; heartbeats are five minutes apart there";
  EXPECT_TRUE(ask(seconds{601}));
}
TEST_F(ShouldReconnect, WhenTheTokenHasEnded) {
  session_.token_end = start_ + seconds{10};
  EXPECT_TRUE(ask(seconds{10}));
  EXPECT_FALSE(ask(seconds{9}));
}
TEST_F(ShouldReconnect, WhenAnOriginalTookALongPreparationForALoss) {
  session_.overdue = true;
  EXPECT_TRUE(ask(seconds{1}));
}
TEST_F(ShouldReconnect, AsTold) {
  settings_.reconnect = Reconnect::kAlways;
  EXPECT_TRUE(ask(seconds{1}));
  settings_.reconnect = Reconnect::kNever;
  EXPECT_FALSE(ask(seconds{1'000}));
}

TEST(EndOfService, IsHalfOfTheTokensLifeOrTheAskedForLifetime) {
  const Timestamp start{seconds{1'000'000}};
  Settings settings;
  Session session{WorkerUuid{}, "token", {}, start};
  EXPECT_EQ(end_of_service(settings, session), std::nullopt);
  session.token_end = start + seconds{100};
  EXPECT_EQ(end_of_service(settings, session), start + seconds{50});
  settings.lifetime = Duration{70};
  EXPECT_EQ(end_of_service(settings, session), start + seconds{70});
}

TEST(EndOfToken, IsReadFromTheClaims) {
  // {"typ":"JWT","alg":"EdDSA"} . {"sub":"x","exp":1700000000,"sign":0} . c2ln
  const auto token = base64_encode(base64url_encode(R"({"typ":"JWT","alg":"EdDSA"})") + "." +
                                   base64url_encode(R"({"sub":"x","exp":1700000000,"sign":0})") + ".c2ln");
  EXPECT_EQ(end_of_token(token), Timestamp{seconds{1'700'000'000}});
  for (const auto* claims : {"", "[]", "{", R"({"exp":"x"})", R"({"exp":-1})", R"({"exp":9223372036854775807})", "{}"})
    EXPECT_EQ(end_of_token(base64_encode("a." + base64url_encode(claims) + ".c")), std::nullopt) << claims;
  for (const auto* bad : {"", "!", "token", "YQ==", "YS5i"})
    EXPECT_EQ(end_of_token(bad), std::nullopt) << bad;
}

TEST(Backoff, DoublesUpToItsLongestWithinHalf) {
  Backoff backoff(seconds{1}, seconds{5});
  for (const auto whole : {seconds{1}, seconds{2}, seconds{4}, seconds{5}, seconds{5}}) {
    const auto wait = backoff.next();
    EXPECT_LE(wait, whole);
    EXPECT_GE(wait, std::chrono::milliseconds{whole} / 2);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), seconds{1});
}

}  // namespace
}  // namespace mito::worker
