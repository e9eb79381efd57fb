#include "base/duration.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace mito {
namespace {

constexpr std::uint64_t kMostSeconds = std::numeric_limits<std::uint64_t>::max();

struct Accepted {
  const char* name;
  const char* text;
  Duration expected;
};

class DurationAccepted : public testing::TestWithParam<Accepted> {};

TEST_P(DurationAccepted, IsRead) {
  const auto parsed = Duration::parse(GetParam().text);
  ASSERT_TRUE(parsed.has_value()) << GetParam().text << ": " << parsed.error().text();
  EXPECT_EQ(parsed->seconds, GetParam().expected.seconds) << GetParam().text;
  EXPECT_EQ(parsed->nanoseconds, GetParam().expected.nanoseconds) << GetParam().text;
}

// Up to "micro_sign": what the recorded answers of the original accept.
INSTANTIATE_TEST_SUITE_P(
    Texts, DurationAccepted,
    testing::Values(
        Accepted{"zero", "0", {0}}, Accepted{"zero_seconds", "0s", {0}}, Accepted{"second", "1s", {1}},
        Accepted{"ninety", "90s", {90}}, Accepted{"blank_between", "1m 30s", {90}},
        Accepted{"nothing_between", "1m30s", {90}}, Accepted{"hour", "1h", {3600}},
        Accepted{"seconds_of_an_hour", "3600s", {3600}}, Accepted{"hours_of_a_day", "24h", {86'400}},
        Accepted{"day", "1day", {86'400}}, Accepted{"days_short", "7d", {604'800}},
        Accepted{"week", "1week", {604'800}}, Accepted{"blank_before_unit", "2 weeks", {1'209'600}},
        Accepted{"month", "1month", {2'630'016}}, Accepted{"month_short", "1M", {2'630'016}},
        Accepted{"year", "1year", {31'557'600}},
        Accepted{"several", "1y 2months 3days", {31'557'600 + 2 * 2'630'016 + 3 * 86'400}},
        Accepted{"milliseconds", "1500ms", {1, 500'000'000}}, Accepted{"below_a_second", "999ms", {0, 999'000'000}},
        Accepted{"microsecond", "1us", {0, 1'000}}, Accepted{"nanosecond", "1ns", {0, 1}},
        Accepted{"fraction_of_an_hour", "1.5h", {5'400}}, Accepted{"half_second", "0.5s", {0, 500'000'000}},
        Accepted{"second_and_a_half", "1.5s", {1, 500'000'000}}, Accepted{"blanks_everywhere", "1 h 1 m", {3'660}},
        Accepted{"blanks_around", " 1h ", {3'600}}, Accepted{"unit_twice", "1h1h", {7'200}},
        Accepted{"min", "5min", {300}}, Accepted{"mins", "5mins", {300}}, Accepted{"hr", "2hr", {7'200}},
        Accepted{"hrs", "2hrs", {7'200}}, Accepted{"sec", "3sec", {3}}, Accepted{"secs", "3secs", {3}},
        Accepted{"wk", "1wk", {604'800}}, Accepted{"wks", "1wks", {604'800}}, Accepted{"yr", "1yr", {31'557'600}},
        Accepted{"yrs", "1yrs", {31'557'600}}, Accepted{"hundred_years", "100years", {3'155'760'000}},
        Accepted{"usec", "1usec", {0, 1'000}}, Accepted{"nsec", "1nsec", {0, 1}},
        Accepted{"msec", "1msec", {0, 1'000'000}}, Accepted{"nanos", "1nanos", {0, 1}},
        Accepted{"millis", "1millis", {0, 1'000'000}}, Accepted{"blank_inside_a_number", "1 2s", {12}},
        Accepted{"micro_sign", "1\u00b5s", {0, 1'000}}, Accepted{"long_units", "1hour 2minutes 3seconds", {3'723}},
        Accepted{"all_of_the_others",
                 "1days1w1months1years1hours1minute1m1second",
                 {86'400 + 604'800 + 2'630'016 + 31'557'600 + 3600 + 60 + 60 + 1}},
        Accepted{"exact_nanoseconds", "1.000000001s", {1, 1}},
        Accepted{"trailing_zeros", "1.500000000000000s", {1, 500'000'000}}, Accepted{"tabs", "\t1h\n", {3'600}},
        Accepted{"most_seconds", "18446744073709551615s", {kMostSeconds}},
        Accepted{"most_of_all", "18446744073709551615s 999999999ns", {kMostSeconds, 999'999'999}}),
    [](const auto& test) { return test.param.name; });

struct Text {
  const char* name;
  const char* text;
};

class DurationRefused : public testing::TestWithParam<Text> {};

TEST_P(DurationRefused, SaysWhatIsAllowed) {
  const auto parsed = Duration::parse(GetParam().text);
  ASSERT_FALSE(parsed.has_value()) << GetParam().text;
  EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidRequest);
  EXPECT_EQ(parsed.error().text(),
            "\"" + std::string(GetParam().text) + "\" is not a duration; write for instance 30s, 10m, 1h 30m, 7d");
}

INSTANTIATE_TEST_SUITE_P(
    Texts, DurationRefused,
    testing::Values(Text{"empty", ""}, Text{"blank", " "}, Text{"no_unit", "5"}, Text{"no_number", "s"},
                    Text{"unknown_unit", "1x"}, Text{"minus", "-1s"}, Text{"plus", "+1s"}, Text{"comma", "1,5s"},
                    Text{"point_at_the_end", "1.s"}, Text{"point_at_the_start", ".5s"},
                    Text{"part_of_a_nanosecond", "0.1ns"}, Text{"hour_upper", "1H"}, Text{"second_upper", "1S"},
                    Text{"day_upper", "1D"}, Text{"second_group_without_unit", "1hour2"},
                    Text{"number_too_large", "99999999999999999999s"}, Text{"last_without_unit", "1 s 5"},
                    Text{"exponent", "1e3s"}, Text{"two_points", "1..5s"}, Text{"zero_with_blanks", " 0 "},
                    Text{"two_zeros", "00"}, Text{"blank_inside_a_unit", "1 mi n"},
                    Text{"sum_too_large", "18446744073709551615s 1s"}, Text{"too_many_years", "584542046091years"},
                    Text{"not_exact", "1.0000000001s"}, Text{"words", "soon"}, Text{"point_after_blank", "1 . s"}),
    [](const auto& test) { return test.param.name; });

struct Written {
  const char* name;
  Duration duration;
  const char* text;
};

class DurationWritten : public testing::TestWithParam<Written> {};

TEST_P(DurationWritten, IsWrittenAndReadBack) {
  EXPECT_EQ(GetParam().duration.to_string(), GetParam().text);
  const auto back = Duration::parse(GetParam().text);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, GetParam().duration);
}

INSTANTIATE_TEST_SUITE_P(
    Values, DurationWritten,
    testing::Values(
        Written{"zero", {0}, "0s"}, Written{"s59", {59}, "59s"}, Written{"s60", {60}, "1m"},
        Written{"s90", {90}, "1m 30s"}, Written{"s3599", {3'599}, "59m 59s"}, Written{"s3600", {3'600}, "1h"},
        Written{"s3661", {3'661}, "1h 1m 1s"}, Written{"s86399", {86'399}, "23h 59m 59s"},
        Written{"day", {86'400}, "1day"}, Written{"two_days", {172'800}, "2days"}, Written{"week", {604'800}, "7days"},
        Written{"thirty_days", {2'592'000}, "30days"}, Written{"almost_a_month", {2'630'015}, "30days 10h 33m 35s"},
        Written{"month", {2'630'016}, "1month"}, Written{"thirty_one_days", {2'678'400}, "1month 13h 26m 24s"},
        Written{"two_months_and_a_day_less", {5'260'032}, "2months"},
        Written{"almost_a_year", {31'557'599}, "11months 30days 9h 50m 23s"}, Written{"year", {31'557'600}, "1year"},
        Written{"two_years", {63'115'200}, "2years"}, Written{"hundred_years", {3'155'760'000}, "100years"},
        Written{"ms", {1, 500'000'000}, "1s 500ms"}, Written{"parts_of_a_second", {0, 1'002'003}, "1ms 2us 3ns"},
        Written{"two_to_the_63", {9'223'372'036'854'775'808ULL}, "292271023045years 3months 23days 1h 49m 20s"}),
    [](const auto& test) { return test.param.name; });

TEST(Duration, ConvertsToChronoAndBack) {
  using namespace std::chrono_literals;
  EXPECT_EQ((Duration{90, 5}.to_chrono()), 90s + 5ns);
  EXPECT_EQ(Duration::from(1500ms), (Duration{1, 500'000'000}));
  EXPECT_EQ(Duration::from(-1ns), Duration{});
  EXPECT_EQ(Duration{kMostSeconds}.to_chrono(), std::chrono::nanoseconds::max());
}

TEST(Duration, IsOrderedByLength) {
  EXPECT_LT((Duration{1, 999'999'999}), Duration{2});
  EXPECT_LT(Duration{2}, (Duration{2, 1}));
}

}  // namespace
}  // namespace mito
