#include "base/time.h"

#include <gtest/gtest.h>

namespace mito {
namespace {

using std::chrono::microseconds;

Timestamp at(std::int64_t micros) {
  return Timestamp(microseconds(micros));
}

struct Case {
  const char* name;
  std::int64_t micros;
  const char* text;
};

class TimestampText : public testing::TestWithParam<Case> {};

TEST_P(TimestampText, IsWrittenAndReadBack) {
  EXPECT_EQ(format_timestamp(at(GetParam().micros)), GetParam().text);
  const auto back = parse_timestamp(GetParam().text);
  ASSERT_TRUE(back.has_value()) << GetParam().text;
  EXPECT_EQ(back->time_since_epoch().count(), GetParam().micros);
}

INSTANTIATE_TEST_SUITE_P(
    Values, TimestampText,
    testing::Values(Case{"epoch", 0, "1970-01-01 00:00:00.0 +00:00:00"},
                    Case{"micros", 1'763'767'440'123'456, "2025-11-21 23:24:00.123456 +00:00:00"},
                    Case{"whole_second", 1'763'767'440'000'000, "2025-11-21 23:24:00.0 +00:00:00"},
                    Case{"zeros_cut", 1'763'767'445'500'000, "2025-11-21 23:24:05.5 +00:00:00"},
                    Case{"leading_zeros_stay", 1'763'767'440'000'120, "2025-11-21 23:24:00.00012 +00:00:00"},
                    Case{"leap_day", 1'709'208'000'000'000, "2024-02-29 12:00:00.0 +00:00:00"},
                    Case{"before_the_epoch", -1, "1969-12-31 23:59:59.999999 +00:00:00"},
                    Case{"first_year", -62'135'596'800'000'000, "0001-01-01 00:00:00.0 +00:00:00"},
                    Case{"last_of_four_digits", 253'402'300'799'999'999, "9999-12-31 23:59:59.999999 +00:00:00"}),
    [](const auto& test) { return test.param.name; });

class TimestampRead : public testing::TestWithParam<Case> {};

TEST_P(TimestampRead, AcceptsOtherForms) {
  const auto time = parse_timestamp(GetParam().text);
  ASSERT_TRUE(time.has_value()) << GetParam().text;
  EXPECT_EQ(time->time_since_epoch().count(), GetParam().micros);
}

INSTANTIATE_TEST_SUITE_P(Values, TimestampRead,
                         testing::Values(Case{"offset_of_hours", 0, "1970-01-01 00:00:00.0 +00"},
                                         Case{"offset_without_seconds", 0, "1970-01-01 00:00:00.0 +00:00"},
                                         Case{"east", 0, "1970-01-01 01:30:00.0 +01:30:00"},
                                         Case{"west", 0, "1969-12-31 22:59:55.0 -01:00:05"},
                                         Case{"nine_digits_are_cut", 123'456,
                                              "1970-01-01 00:00:00.123456789 +00:00:00"}),
                         [](const auto& test) { return test.param.name; });

struct Text {
  const char* name;
  const char* text;
};

class TimestampRefused : public testing::TestWithParam<Text> {};

TEST_P(TimestampRefused, NamesTheText) {
  const auto time = parse_timestamp(GetParam().text);
  ASSERT_FALSE(time.has_value());
  EXPECT_EQ(time.error().code(), ErrorCode::kInvalidRequest);
  EXPECT_NE(time.error().text().find(GetParam().text), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Texts, TimestampRefused,
                         testing::Values(Text{"empty", ""}, Text{"date_only", "2025-11-21"},
                                         Text{"no_fraction", "2025-11-21 23:24:00 +00:00:00"},
                                         Text{"empty_fraction", "2025-11-21 23:24:00. +00:00:00"},
                                         Text{"no_offset", "2025-11-21 23:24:00.0"},
                                         Text{"rfc3339", "2025-11-21T23:24:00.0Z"},
                                         Text{"month_13", "2025-13-21 23:24:00.0 +00:00:00"},
                                         Text{"no_leap_year", "2025-02-29 00:00:00.0 +00:00:00"},
                                         Text{"hour_24", "2025-11-21 24:00:00.0 +00:00:00"},
                                         Text{"minute_60", "2025-11-21 23:60:00.0 +00:00:00"},
                                         Text{"ten_digits", "2025-11-21 23:24:00.1234567890 +00:00:00"},
                                         Text{"more_behind", "2025-11-21 23:24:00.0 +00:00:00x"},
                                         Text{"offset_without_sign", "2025-11-21 23:24:00.0 00:00:00"}),
                         [](const auto& test) { return test.param.name; });

TEST(Rfc3339, HasSixDecimals) {
  EXPECT_EQ(format_rfc3339(at(1'767'323'045'678'901)), "2026-01-02T03:04:05.678901Z");
  EXPECT_EQ(format_rfc3339(at(0)), "1970-01-01T00:00:00.000000Z");
}

TEST(Clock, SystemClockMoves) {
  const Clock& clock = Clock::system();
  const auto wall = clock.now();
  const auto before = clock.monotonic();
  EXPECT_GE(clock.monotonic(), before);
  EXPECT_GT(wall, at(1'600'000'000'000'000));
}

}  // namespace
}  // namespace mito
