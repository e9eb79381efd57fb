#include "redis/address.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mito::redis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Good {
  const char* url;
  Address is;
  const char* again;  ///< What url() makes of it.
};

TEST(RedisAddress, IsTakenApartAndWritten) {
  const std::vector<Good> table{
      {"redis://host", {.host = "host"}, "redis://host:6379/?protocol=resp3"},
      {"redis://host:7000/3", {.host = "host", .port = 7000, .database = 3}, "redis://host:7000/3?protocol=resp3"},
      {"redis://:secret@host/", {.host = "host", .password = "secret"}, "redis://:secret@host:6379/?protocol=resp3"},
      {"redis://ann:s%40c@10.0.0.1:1/0?protocol=resp3",
       {.host = "10.0.0.1", .port = 1, .user = "ann", .password = "s@c"},
       "redis://ann:s%40c@10.0.0.1:1/?protocol=resp3"},
      {"redis://u:p/w?d@h",
       {.host = "h", .user = "u", .password = "p/w?d"},
       "redis://u:p%2Fw%3Fd@h:6379/?protocol=resp3"},
      {"redis://[::1]:6380", {.host = "::1", .port = 6380}, "redis://[::1]:6380/?protocol=resp3"},
      {"redis://[::1]", {.host = "::1"}, "redis://[::1]:6379/?protocol=resp3"},
      {"rediss://host", {.transport = Address::Transport::kTls, .host = "host"}, "rediss://host:6379/?protocol=resp3"},
      {"rediss://host:1/#insecure",
       {.transport = Address::Transport::kTls,
        .certificates = Address::Certificates::kIgnored,
        .host = "host",
        .port = 1},
       "rediss://host:1/?protocol=resp3#insecure"},
      {"unix:///run/redis.sock?db=2&user=a%20b&pass=c",
       {.transport = Address::Transport::kUnix,
        .path = "/run/redis.sock",
        .user = "a b",
        .password = "c",
        .database = 2},
       "redis+unix:///run/redis.sock?protocol=resp3&db=2&user=a%20b&pass=c"},
  };
  for (const auto& [url, is, again] : table) {
    const auto parsed = Address::parse(url);
    ASSERT_TRUE(parsed) << url << ": " << parsed.error().text();
    EXPECT_EQ(*parsed, is) << url;
    EXPECT_EQ(parsed->url(), again);
    EXPECT_EQ(Address::parse(parsed->url()).value(), *parsed) << again;
  }
}

TEST(RedisAddress, IsRefusedWithoutShowingThePassword) {
  for (const auto* url :
       {"", "host", "http://host", "redis://", "redis://:6379", "redis://host:0", "redis://host:70000",
        "redis://host:port", "redis://host/zero", "redis://[::1", "redis://[::1]6379", "unix://here",
        "unix:///s?db=x&pass=hush", "redis://ann:hush@host:port", "rediss://:hush@:1"}) {
    const auto parsed = Address::parse(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kUsage);
    EXPECT_THAT(parsed.error().text(), HasSubstr("use redis://"));
    EXPECT_THAT(parsed.error().text(), Not(HasSubstr("hush")));
  }
}

TEST(RedisAddress, IsShownWithoutNameAndPassword) {
  EXPECT_EQ(Address::parse("redis://ann:hush@host/2")->describe(), "redis://host:6379/2");
  EXPECT_EQ(Address::parse("rediss://ann:hush@[fe80::1]:1")->describe(), "rediss://[fe80::1]:1");
  EXPECT_EQ(Address::parse("unix:///s?pass=hush")->describe(), "unix:///s");
}

TEST(RedisAddress, CanBeThatOfAnotherUser) {
  const Address worker = Address::parse("redis://admin:root@redis.example:6380/1")->as("mitosis_worker", "pw");
  EXPECT_EQ(worker.url(), "redis://mitosis_worker:pw@redis.example:6380/1?protocol=resp3");
}

TEST(RedisAddress, TellsWhetherOthersReachIt) {
  for (const auto* url : {"redis://localhost", "redis://127.0.0.1", "redis://127.3.2.1", "redis://[::1]", "unix:///s"})
    EXPECT_TRUE(Address::parse(url)->is_loopback()) << url;
  for (const auto* url : {"redis://redis", "redis://10.0.0.1", "redis://[fe80::1]", "redis://localhost.example"})
    EXPECT_FALSE(Address::parse(url)->is_loopback()) << url;
}

}  // namespace
}  // namespace mito::redis
