#include "base/uuid.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace mito {
namespace {

constexpr const char* kCanonical = "550e8400-e29b-41d4-a716-446655440000";

struct Text {
  const char* name;
  std::string text;
};

class UuidAccepted : public testing::TestWithParam<Text> {};

TEST_P(UuidAccepted, IsReadAndWrittenCanonically) {
  const auto uuid = Uuid::parse(GetParam().text);
  ASSERT_TRUE(uuid.has_value()) << uuid.error();
  EXPECT_EQ(uuid->to_string(), kCanonical);
}

INSTANTIATE_TEST_SUITE_P(Forms, UuidAccepted,
                         testing::Values(Text{"hyphenated", kCanonical},
                                         Text{"upper", "550E8400-E29B-41D4-A716-446655440000"},
                                         Text{"simple", "550e8400e29b41d4a716446655440000"},
                                         Text{"braced", "{550e8400-e29b-41d4-a716-446655440000}"},
                                         Text{"urn", "urn:uuid:550e8400-e29b-41d4-a716-446655440000"}),
                         [](const auto& test) { return test.param.name; });

struct Refused {
  const char* name;
  std::string text;
  std::string reason;
};

class UuidRefused : public testing::TestWithParam<Refused> {};

TEST_P(UuidRefused, GivesTheReason) {
  const auto uuid = Uuid::parse(GetParam().text);
  ASSERT_FALSE(uuid.has_value());
  EXPECT_EQ(uuid.error(), GetParam().reason);
}

std::string bad_character(const std::string& what, int at) {
  return "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `" + what +
         "` at " + std::to_string(at);
}

// Up to "one_digit": as recorded from the original.
INSTANTIATE_TEST_SUITE_P(
    Texts, UuidRefused,
    testing::Values(
        Refused{"empty", "", "invalid length: expected length 32 for simple format, found 0"},
        Refused{"last_group_short", "550e8400-e29b-41d4-a716-44665544000",
                "invalid group length in group 4: expected 12, found 11"},
        Refused{"last_group_long", "550e8400-e29b-41d4-a716-4466554400000",
                "invalid group length in group 4: expected 12, found 13"},
        Refused{"underscores", "550e8400_e29b_41d4_a716_446655440000", bad_character("_", 9)},
        Refused{"open_brace", "{550e8400-e29b-41d4-a716-446655440000", bad_character("{", 1)},
        Refused{"z", "zzze8400-e29b-41d4-a716-446655440000", bad_character("z", 1)},
        Refused{"four_groups", "550e8400e29b-41d4-a716-446655440000", "invalid group count: expected 5, found 4"},
        Refused{"word", "not-a-uuid", bad_character("n", 1)}, Refused{"w", "w", bad_character("w", 1)},
        Refused{"last_character", "550e8400-e29b-41d4-a716-44665544000x", bad_character("x", 36)},
        Refused{"hex_word", "abc", "invalid length: expected length 32 for simple format, found 3"},
        Refused{"one_digit", "7", "invalid length: expected length 32 for simple format, found 1"},
        Refused{"bad_character_in_simple", "550e8400e29b41d4a71644665544000g", bad_character("g", 32)},
        Refused{"bad_character_in_braces", "{550e8400-e29b-41d4-a716-44665544000g}", bad_character("g", 37)},
        Refused{"bad_character_in_urn", "urn:uuid:g50e8400-e29b-41d4-a716-446655440000", bad_character("g", 10)},
        Refused{"simple_in_braces", "{550e8400e29b41d4a716446655440000}", "invalid group count: expected 5, found 1"},
        Refused{"second_group", "550e8400-e29b1-41d4-a716-446655440000",
                "invalid group length in group 1: expected 4, found 5"},
        Refused{"first_group", "550e840-e29b-41d4-a716-446655440000",
                "invalid group length in group 0: expected 8, found 7"},
        Refused{"six_groups", "550e8400-e29b-41d4-a716-4466-55440000", "invalid group count: expected 5, found 6"},
        Refused{"character_of_two_bytes", "55\u00e9", bad_character("\u00e9", 3)},
        Refused{"not_utf8", "\xff", "non-UTF8 input"}, Refused{"lone_brace", "{", bad_character("{", 1)},
        Refused{"empty_braces", "{}", "invalid group count: expected 5, found 1"},
        Refused{"embedded_zero", std::string("55\0", 3), bad_character(std::string(1, '\0'), 3)}),
    [](const auto& test) { return test.param.name; });

unsigned version(const Uuid& uuid) {
  return uuid.bytes[6] >> 4U;
}
unsigned variant(const Uuid& uuid) {
  return uuid.bytes[8] >> 6U;
}

TEST(UuidV4, IsRandomWithVersionAndVariant) {
  const Uuid one = Uuid::make_v4();
  const Uuid two = Uuid::make_v4();
  EXPECT_NE(one, two);
  EXPECT_EQ(version(one), 4U);
  EXPECT_EQ(variant(one), 2U);
}

TEST(OrderedUuid, CarriesTheMillisecond) {
  // Beyond anything that the other tests ask for, since the process only counts upwards.
  const Timestamp time(std::chrono::milliseconds(0x0fff'0123'4567));
  const Uuid uuid = Uuid::make_ordered(time);
  EXPECT_EQ(version(uuid), 4U);
  EXPECT_EQ(variant(uuid), 2U);
  EXPECT_EQ(uuid.to_string().substr(0, 13), "0fff0123-4567");
}

TEST(OrderedUuid, OnlyGrowsWhateverTheClockDoes) {
  const Timestamp time(std::chrono::milliseconds(1'700'000'000'000));
  Uuid last = Uuid::make_ordered(time);
  for (int i = 0; i < 10'000; ++i) {
    const Uuid next = Uuid::make_ordered(time - std::chrono::microseconds(i % 7 * 1000));
    ASSERT_LT(last, next);
    last = next;
  }
  EXPECT_LT(last, Uuid::make_ordered(Timestamp(std::chrono::microseconds(-5))));
}

TEST(OrderedUuid, IsUniqueAndGrowsInEveryThread) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 5'000;
  std::vector<std::vector<Uuid>> made(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : made) {
      threads.emplace_back([&mine] {
        for (std::size_t i = 0; i < kEach; ++i)
          mine.push_back(Uuid::make_ordered(Clock::system().now()));
      });
    }
  }
  std::unordered_set<Uuid> all;
  std::set<std::string> heads;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(mine.begin(), mine.end());
    for (const Uuid& uuid : mine)
      heads.insert(uuid.to_string().substr(0, 18));
  }
  EXPECT_EQ(all.size(), kThreads * kEach);
  EXPECT_EQ(heads.size(), kThreads * kEach) << "two UUIDs share their time and count";
}

}  // namespace
}  // namespace mito
