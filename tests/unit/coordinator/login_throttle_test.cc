#include "coordinator/login_throttle.h"

#include <string>

#include <gtest/gtest.h>

namespace mito::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Throttle : public testing::Test {
 protected:
  void wrong(const std::string& user, const std::string& address, int times = 1) {
    for (int i = 0; i < times; ++i)
      throttle_.count_wrong(user, address, now_);
  }
  bool refused(const std::string& user, const std::string& address) {
    return throttle_.must_wait(user, address, now_).has_value();
  }

  Clock::Monotonic now_{seconds(1'000)};
  LoginThrottle throttle_{{.attempts = 5, .window = seconds(50), .max_entries = 100}};
};

TEST_F(Throttle, RefusesAUserFromAnAddressAfterTooManyWrongPasswords) {
  wrong("alice", "10.0.0.1", 4);
  EXPECT_FALSE(refused("alice", "10.0.0.1"));
  wrong("alice", "10.0.0.1");
  EXPECT_TRUE(refused("alice", "10.0.0.1"));
  EXPECT_FALSE(refused("bob", "10.0.0.1"));
  EXPECT_FALSE(refused("alice", "10.0.0.2")) << "nobody locks another out";
}

TEST_F(Throttle, ForgetsEvenlyOverTheWindow) {
  wrong("alice", "10.0.0.1", 5);
  EXPECT_EQ(throttle_.must_wait("alice", "10.0.0.1", now_), seconds(10));
  now_ += milliseconds(9'900);
  EXPECT_EQ(throttle_.must_wait("alice", "10.0.0.1", now_), seconds(1));
  now_ += milliseconds(200);
  EXPECT_FALSE(refused("alice", "10.0.0.1"));
  wrong("alice", "10.0.0.1");
  EXPECT_TRUE(refused("alice", "10.0.0.1"));
  now_ += seconds(50);
  wrong("alice", "10.0.0.1", 4);
  EXPECT_FALSE(refused("alice", "10.0.0.1"));
}

TEST_F(Throttle, MoreWrongOnesThanAllowedDoNotMakeTheWaitLonger) {
  wrong("alice", "10.0.0.1", 500);
  EXPECT_EQ(throttle_.must_wait("alice", "10.0.0.1", now_), seconds(10));
}

TEST_F(Throttle, RefusesAnAddressThatTriesManyUsers) {
  for (int i = 0; i < 50; ++i)
    wrong("user" + std::to_string(i), "10.0.0.1");
  EXPECT_TRUE(refused("somebody else", "10.0.0.1"));
  EXPECT_FALSE(refused("somebody else", "10.0.0.2"));
}

TEST_F(Throttle, AnIpv6NetworkIsOneAddress) {
  wrong("alice", "2001:db8::1", 3);
  wrong("alice", "2001:db8::2", 2);
  EXPECT_TRUE(refused("alice", "2001:db8::3"));
  EXPECT_FALSE(refused("alice", "2001:db8:0:1::1"));
}

TEST_F(Throttle, KeepsABoundedNumberAndForgetsTheOldest) {
  wrong("alice", "10.0.0.1", 5);
  for (int i = 0; i < 200; ++i)
    wrong("bob", "10.0.1." + std::to_string(i));
  EXPECT_EQ(throttle_.statistics().entries, 100U);
  EXPECT_FALSE(refused("alice", "10.0.0.1"));
  EXPECT_EQ(throttle_.statistics().wrong, 205U);
}

TEST_F(Throttle, CanBeSwitchedOff) {
  LoginThrottle off({.attempts = 0});
  for (int i = 0; i < 1'000; ++i)
    off.count_wrong("alice", "10.0.0.1", now_);
  EXPECT_FALSE(off.must_wait("alice", "10.0.0.1", now_).has_value());
  EXPECT_EQ(off.statistics().entries, 0U);
}

}  // namespace
}  // namespace mito::coordinator
