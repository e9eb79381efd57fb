#include "worker/registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  Session session_{WorkerUuid{}, "token", {}, start_};
};

TEST_F(ShouldReconnect, NotWhenSomebodyRemovedTheWorker) {
  EXPECT_FALSE(ask(seconds{5}));
}
TEST_F(ShouldReconnect, WhenTheCoordinatorHadBeenAway) {
  session_.last_failure = start_ + seconds{100};
  session_.last_contact = start_ + seconds{110};
  EXPECT_TRUE(ask(seconds{111}));
  session_.last_contact = start_ + seconds{300};
  EXPECT_FALSE(ask(seconds{301}));
}
TEST_F(ShouldReconnect, WhenNothingWasHeardForLongerThanTheLease) {
  EXPECT_TRUE(ask(seconds{31}));
}
TEST_F(ShouldReconnect, WhenTheLifetimeIsOver) {
  settings_.lifetime = Duration{10};
  EXPECT_TRUE(ask(seconds{10}));
  EXPECT_FALSE(ask(seconds{9}));
}
TEST_F(ShouldReconnect, AsTold) {
  settings_.reconnect = Reconnect::kAlways;
  EXPECT_TRUE(ask(seconds{1}));
  settings_.reconnect = Reconnect::kNever;
  EXPECT_FALSE(ask(seconds{1'000}));
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
