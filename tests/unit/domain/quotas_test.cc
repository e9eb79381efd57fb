#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "domain/rules.h"

namespace mito {
namespace {

constexpr std::int32_t kMost32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

struct GroupCase {
  const char* name;
  std::int32_t current;
  const char* change;
  std::int32_t expected;
};

class GroupQuota : public testing::TestWithParam<GroupCase> {};

TEST_P(GroupQuota, IsChanged) {
  const auto changed = change_group_quota(GetParam().current, GetParam().change);
  ASSERT_TRUE(changed.has_value()) << changed.error().text();
  EXPECT_EQ(*changed, GetParam().expected);
}

// Up to "plus_nothing": as recorded from the original; then where it would wrap around.
INSTANTIATE_TEST_SUITE_P(Changes, GroupQuota,
                         testing::Values(GroupCase{"plus", 8, "+5", 13}, GroupCase{"minus", 13, "-3", 10},
                                         GroupCase{"set", 10, "=7", 7}, GroupCase{"bare", 7, "20", 20},
                                         GroupCase{"never_below_zero", 20, "-100", 0},
                                         GroupCase{"plus_minus", 0, "+-1", 0}, GroupCase{"set_plus", 0, "=+9", 9},
                                         GroupCase{"set_minus", 9, "=-9", 0}, GroupCase{"zero", 9, "0", 0},
                                         GroupCase{"most", 0, "2147483647", kMost32},
                                         GroupCase{"plus_nothing", 2, "+0", 2},
                                         GroupCase{"no_wrap_upwards", kMost32, "+2147483647", kMost32},
                                         GroupCase{"minus_minus", 5, "--3", 8},
                                         GroupCase{"no_wrap_downwards", kMost32, "--2147483648", kMost32}),
                         [](const auto& test) { return test.param.name; });

struct Text {
  const char* name;
  const char* text;
};

class GroupQuotaRefused : public testing::TestWithParam<Text> {};

TEST_P(GroupQuotaRefused, SaysWhatToWrite) {
  const auto changed = change_group_quota(8, GetParam().text);
  ASSERT_FALSE(changed.has_value());
  EXPECT_EQ(changed.error().code(), ErrorCode::kInvalidRequest);
  EXPECT_NE(changed.error().text().find("write a number"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Texts, GroupQuotaRefused,
                         testing::Values(Text{"empty", ""}, Text{"plus", "+"}, Text{"word", "five"},
                                         Text{"fraction", "1.5"}, Text{"blank", " 5"}, Text{"too_large", "2147483648"},
                                         Text{"signs", "--"}, Text{"equals", "="}, Text{"unit", "1k"},
                                         Text{"minus_too_large", "-2147483648"}),
                         [](const auto& test) { return test.param.name; });

struct StorageCase {
  const char* name;
  std::int64_t current;
  const char* change;
  std::int64_t expected;
};

class StorageQuota : public testing::TestWithParam<StorageCase> {};

TEST_P(StorageQuota, IsChanged) {
  const auto changed = change_storage_quota(GetParam().current, GetParam().change);
  ASSERT_TRUE(changed.has_value()) << changed.error().text();
  EXPECT_EQ(*changed, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Changes, StorageQuota,
    testing::Values(StorageCase{"bare", 5, "1000", 1000}, StorageCase{"plus", 1000, "+1GB", 1'000'001'000},
                    StorageCase{"minus", 1'000'001'000, "-1kB", 1'000'000'000},
                    StorageCase{"set", 1, "=16GB", 16'000'000'000}, StorageCase{"below_zero", 0, "-10", -10},
                    StorageCase{"up_from_below_zero", -10, "+4", -6}, StorageCase{"blank_behind_sign", 1, "+ 5", 6},
                    StorageCase{"minus_nothing", 7, "-0", 7}, StorageCase{"saturates_upwards", kMost, "+1", kMost},
                    StorageCase{"saturates_downwards", kLeast, "-1", kLeast},
                    StorageCase{"beyond_int64", 0, "9.3EB", kMost},
                    StorageCase{"plus_beyond_int64", 5, "+15EiB", kMost},
                    StorageCase{"minus_beyond_int64", 0, "-15EiB", -kMost}),
    [](const auto& test) { return test.param.name; });

class StorageQuotaRefused : public testing::TestWithParam<Text> {};

TEST_P(StorageQuotaRefused, SaysWhatToWrite) {
  const auto changed = change_storage_quota(8, GetParam().text);
  ASSERT_FALSE(changed.has_value());
  EXPECT_EQ(changed.error().code(), ErrorCode::kInvalidRequest);
  EXPECT_NE(changed.error().text().find("write a size"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Texts, StorageQuotaRefused,
                         testing::Values(Text{"empty", ""}, Text{"plus", "+"}, Text{"unit", "GB"},
                                         Text{"two_signs", "--5"}, Text{"plus_minus", "+-5"},
                                         Text{"blank_before_sign", " +5"}, Text{"word", "twelve"},
                                         Text{"two_to_the_64", "18446744073709551616"}),
                         [](const auto& test) { return test.param.name; });

struct UploadCase {
  const char* name;
  std::int64_t used;
  std::int64_t quota;
  std::optional<std::int64_t> old_size;
  std::int64_t length;
  std::optional<StorageChange> expected;
};

class Upload : public testing::TestWithParam<UploadCase> {};

TEST_P(Upload, IsBookedOrRefused) {
  const auto& c = GetParam();
  const auto change = book_upload(c.used, c.quota, c.old_size, c.length);
  ASSERT_EQ(change.has_value(), c.expected.has_value());
  if (!change) return;
  EXPECT_EQ(change->used, c.expected->used);
  EXPECT_EQ(change->size, c.expected->size);
}

INSTANTIATE_TEST_SUITE_P(
    Uploads, Upload,
    testing::Values(UploadCase{"new", 100, 1000, std::nullopt, 50, StorageChange{150, 50}},
                    UploadCase{"empty", 100, 100, std::nullopt, 0, StorageChange{100, 0}},
                    UploadCase{"fills_the_quota", 100, 150, std::nullopt, 50, StorageChange{150, 50}},
                    UploadCase{"one_byte_too_much", 100, 149, std::nullopt, 50, std::nullopt},
                    UploadCase{"larger_again", 100, 1000, 20, 50, StorageChange{130, 50}},
                    UploadCase{"smaller_keeps_its_size", 100, 1000, 50, 20, StorageChange{100, 50}},
                    UploadCase{"smaller_but_over_quota", 100, 99, 50, 20, std::nullopt},
                    UploadCase{"negative", 0, 1000, std::nullopt, -1, std::nullopt},
                    UploadCase{"sum_overflows", 1, kMost, std::nullopt, kMost, std::nullopt},
                    UploadCase{"sum_overflows_with_an_old_one", kMost, kMost, 0, 1, std::nullopt},
                    UploadCase{"difference_overflows", 0, kMost, kLeast, kMost, std::nullopt},
                    UploadCase{"negative_use", -5, 10, std::nullopt, 10, StorageChange{5, 10}},
                    UploadCase{"negative_quota", 0, -1, std::nullopt, 0, std::nullopt}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace mito
