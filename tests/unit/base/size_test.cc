#include "base/size.h"

#include <limits>

#include <gtest/gtest.h>

namespace mito {
namespace {

struct Accepted {
  const char* name;
  const char* text;
  std::uint64_t bytes;
};

class SizeAccepted : public testing::TestWithParam<Accepted> {};

TEST_P(SizeAccepted, IsRead) {
  const auto size = parse_size(GetParam().text);
  ASSERT_TRUE(size.has_value()) << GetParam().text;
  EXPECT_EQ(*size, GetParam().bytes) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Texts, SizeAccepted,
    testing::Values(Accepted{"plain", "1000", 1000}, Accepted{"GB", "1GB", 1'000'000'000}, Accepted{"kB", "1kB", 1000},
                    Accepted{"KiB", "1KiB", 1024}, Accepted{"ki", "1ki", 1024}, Accepted{"K", "2K", 2000},
                    Accepted{"fraction", "1.5M", 1'500'000}, Accepted{"binary_fraction", "1.5MiB", 1'572'864},
                    Accepted{"exponent", "1e3", 1000}, Accepted{"exponent_and_prefix", "1.5e3k", 1'500'000},
                    Accepted{"negative_exponent", "15e-1k", 1500}, Accepted{"plus_exponent", "1e+3", 1000},
                    Accepted{"blank_before_unit", "3 GB", 3'000'000'000}, Accepted{"blank_inside", "1 000", 1000},
                    Accepted{"underscore", "1_000", 1000}, Accepted{"T", "1T", 1'000'000'000'000},
                    Accepted{"TiB", "1TiB", 1ULL << 40}, Accepted{"P", "1P", 1'000'000'000'000'000},
                    Accepted{"pib", "1pib", 1ULL << 50}, Accepted{"E", "1E", 1'000'000'000'000'000'000},
                    Accepted{"e", "1e", 1'000'000'000'000'000'000}, Accepted{"i_alone", "1i", 1},
                    Accepted{"EiB", "7EiB", 7ULL << 60}, Accepted{"b", "12b", 12}, Accepted{"B", "12B", 12},
                    Accepted{"rounds_down", "0.4", 0}, Accepted{"half_rounds_up", "0.5", 1},
                    Accepted{"almost_half", "1.4999", 1}, Accepted{"zero", "0", 0}, Accepted{"blanks_around", " 7 ", 7},
                    Accepted{"point_at_the_end", "1.", 1}, Accepted{"tiny", "1e-30", 0},
                    Accepted{"very_tiny", "5e-999999999", 0}, Accepted{"zero_with_a_huge_exponent", "0e999999999", 0},
                    Accepted{"most", "18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
                    Accepted{"fifteen_EiB", "15EiB", 15ULL << 60},
                    Accepted{"most_with_fraction", "18446744073709551615.4", std::numeric_limits<std::uint64_t>::max()},
                    Accepted{"many_digits_of_EiB", "1.00000000000000000001EiB", 1ULL << 60},
                    Accepted{"many_digits", "1.00000000000000000000000000001k", 1000},
                    Accepted{"many_digits_and_negative_exponent", "10000000000000000000000e-19", 1000}),
    [](const auto& test) { return test.param.name; });

struct Text {
  const char* name;
  const char* text;
};

class SizeRefused : public testing::TestWithParam<Text> {};

TEST_P(SizeRefused, NamesTheText) {
  const auto size = parse_size(GetParam().text);
  ASSERT_FALSE(size.has_value()) << GetParam().text << " = " << *size;
  EXPECT_EQ(size.error().code(), ErrorCode::kInvalidRequest);
  EXPECT_NE(size.error().text().find('"' + std::string(GetParam().text) + '"'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, SizeRefused,
    testing::Values(Text{"empty", ""}, Text{"sign", "+"}, Text{"unit_alone", "GB"}, Text{"unknown_unit", "1X"},
                    Text{"two_units", "1KBB"}, Text{"two_points", "1.2.3"}, Text{"signs", "-5"},
                    Text{"digits_behind_unit", "1k5"}, Text{"hexadecimal", "0x10"}, Text{"blank_inside_unit", "3G B"},
                    Text{"word", "twelve"}, Text{"comma", "1,000"}, Text{"point_at_the_start", ".5"},
                    Text{"two_exponents", "1ee3"}, Text{"underscores", "__"}, Text{"exponent_without_digits", "1e-"},
                    Text{"tab", "1\t"}, Text{"two_to_the_64", "18446744073709551616"}, Text{"sixteen_EiB", "16EiB"},
                    Text{"huge", "1e99"}, Text{"huge_EiB", "99999999999999999999EiB"},
                    Text{"huge_EiB_exponent", "99999999999999999999e30EiB"},
                    Text{"huge_exponent", "1e99999999999999999999"}),
    [](const auto& test) { return test.param.name; });

TEST(SizeRefused, SaysWhichFault) {
  EXPECT_EQ(parse_size("lots").error().text(), "\"lots\" is not a size; write for instance 500, 10kB, 1.5GB or 2GiB");
  EXPECT_EQ(parse_size("1e30").error().text(), "the size \"1e30\" is too large; it must be below 16 EiB");
}

struct Shown {
  const char* name;
  std::uint64_t bytes;
  const char* text;
};

class SizeShown : public testing::TestWithParam<Shown> {};

TEST_P(SizeShown, HasDecimalUnits) {
  EXPECT_EQ(format_size(GetParam().bytes), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(Values, SizeShown,
                         testing::Values(Shown{"zero", 0, "0 B"}, Shown{"bytes", 999, "999 B"},
                                         Shown{"kilo", 1000, "1 kB"}, Shown{"two_decimals", 1'234'567, "1.23 MB"},
                                         Shown{"half", 1'500'000, "1.50 MB"}, Shown{"whole", 5'000'000'000, "5 GB"},
                                         Shown{"rounded_up", 1'239'999, "1.24 MB"},
                                         Shown{"nearly_the_next_unit", 999'999, "1.00 MB"},
                                         Shown{"just_below_rounding", 994'999, "995.00 kB"},
                                         Shown{"most", std::numeric_limits<std::uint64_t>::max(), "18.45 EB"}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace mito
