#include "domain/rules.h"

#include <string>

#include <gtest/gtest.h>

namespace mito {
namespace {

using Tags = std::vector<std::string>;

TEST(Name, AllowsLettersDigitsDashAndUnderscore) {
  for (const char* name : {"a", "A-Z_09", "-", "_", "42"})
    EXPECT_TRUE(is_valid_name(name)) << name;
  for (const char* name : {"", " ", "a b", "a.b", "a/b", "\u00e9", "a\n", "a+"})
    EXPECT_FALSE(is_valid_name(name)) << name;
  EXPECT_FALSE(is_valid_name(std::string_view("a\0b", 3)));
}

TEST(Name, HasAtMost255Bytes) {
  EXPECT_TRUE(is_valid_name(std::string(255, 'a')));
  EXPECT_FALSE(is_valid_name(std::string(256, 'a')));
}

struct KeyCase {
  const char* name;
  const char* key;
  bool valid;
};

class AttachmentKey : public testing::TestWithParam<KeyCase> {};

TEST_P(AttachmentKey, IsJudgedWithItsGroup) {
  EXPECT_EQ(is_valid_attachment_key("group", GetParam().key), GetParam().valid) << GetParam().key;
}

INSTANTIATE_TEST_SUITE_P(Keys, AttachmentKey,
                         testing::Values(KeyCase{"plain", "a", true}, KeyCase{"nested", "dir/a b+&.txt", true},
                                         KeyCase{"empty", "", true}, KeyCase{"dot_at_the_end", "a/.", true},
                                         KeyCase{"parent_at_the_end", "a/..", true},
                                         KeyCase{"slash_at_the_end", "a/", true}, KeyCase{"dot_inside", "a/./b", false},
                                         KeyCase{"parent_inside", "a/../b", false}, KeyCase{"dot_first", "./a", false},
                                         KeyCase{"parent_first", "../a", false}, KeyCase{"empty_part", "a//b", false},
                                         KeyCase{"slash_first", "/a", false},
                                         KeyCase{"dots_in_names", "..a/b.../c", true}),
                         [](const auto& test) { return test.param.name; });

TEST(AttachmentKey, IsUnder1024BytesWithItsGroup) {
  EXPECT_TRUE(is_valid_attachment_key("group", std::string(1023 - 6, 'k')));
  EXPECT_FALSE(is_valid_attachment_key("group", std::string(1024 - 6, 'k')));
}

struct TagCase {
  const char* name;
  Tags worker;
  Tags task;
  bool documented;
  bool strict;
  bool subset;
};

class TagRule : public testing::TestWithParam<TagCase> {};

TEST_P(TagRule, DecidesByItsKind) {
  const auto& c = GetParam();
  EXPECT_EQ(tags_match(TagMatching::kDocumented, c.worker, c.task), c.documented);
  EXPECT_EQ(tags_match(TagMatching::kStrict, c.worker, c.task), c.strict);
  EXPECT_EQ(tags_match(TagMatching::kSubset, c.worker, c.task), c.subset);
}

INSTANTIATE_TEST_SUITE_P(Sets, TagRule,
                         testing::Values(TagCase{"both_empty", {}, {}, true, true, true},
                                         TagCase{"worker_empty", {}, {"a"}, true, false, true},
                                         TagCase{"task_empty", {"a"}, {}, true, true, false},
                                         TagCase{"equal", {"a", "b"}, {"a", "b"}, true, true, true},
                                         TagCase{"worker_has_more", {"a", "b"}, {"a"}, true, true, false},
                                         TagCase{"task_has_more", {"a"}, {"a", "b"}, false, false, true},
                                         TagCase{"different", {"a"}, {"b"}, false, false, false},
                                         TagCase{"overlapping", {"a", "b"}, {"b", "c"}, false, false, false}),
                         [](const auto& test) { return test.param.name; });

TEST(NormaliseSet, SortsAndDropsDuplicates) {
  EXPECT_EQ(normalise_set({"b", "a", "b", "", "a"}), (Tags{"", "a", "b"}));
  EXPECT_EQ(normalise_set({}), Tags{});
}

using Operator = NumberFilter::Operator;

struct FilterCase {
  const char* name;
  const char* text;
  Operator op;
  std::int32_t value;
};

class NumberFilterRead : public testing::TestWithParam<FilterCase> {};

TEST_P(NumberFilterRead, HasOperatorAndValue) {
  const auto filter = NumberFilter::parse(GetParam().text);
  ASSERT_TRUE(filter.has_value()) << filter.error().text();
  EXPECT_EQ(filter->op, GetParam().op);
  EXPECT_EQ(filter->value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, NumberFilterRead,
    testing::Values(FilterCase{"bare", "50", Operator::kEqual, 50}, FilterCase{"equal", "=50", Operator::kEqual, 50},
                    FilterCase{"not_equal", "!=50", Operator::kNotEqual, 50},
                    FilterCase{"at_least", ">=40", Operator::kGreaterEqual, 40},
                    FilterCase{"at_most", "<=20", Operator::kLessEqual, 20},
                    FilterCase{"more", ">10", Operator::kGreater, 10}, FilterCase{"less", "<0", Operator::kLess, 0},
                    FilterCase{"plus", "+50", Operator::kEqual, 50}, FilterCase{"minus", "-10", Operator::kEqual, -10},
                    FilterCase{"equal_minus", "=-10", Operator::kEqual, -10},
                    FilterCase{"at_least_minus", ">=-10", Operator::kGreaterEqual, -10},
                    FilterCase{"most", "2147483647", Operator::kEqual, 2147483647},
                    FilterCase{"least", "-2147483648", Operator::kEqual, -2147483647 - 1},
                    FilterCase{"leading_zeros", "000000000000007", Operator::kEqual, 7}),
    [](const auto& test) { return test.param.name; });

struct BadFilter {
  const char* name;
  const char* text;
  const char* error;
};

class NumberFilterRefused : public testing::TestWithParam<BadFilter> {};

TEST_P(NumberFilterRefused, SpeaksAsTheOriginal) {
  const auto filter = NumberFilter::parse(GetParam().text);
  ASSERT_FALSE(filter.has_value());
  EXPECT_EQ(filter.error().code(), ErrorCode::kInvalidRequest);
  EXPECT_EQ(filter.error().text(), std::string("Failed to parse number from ") + GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, NumberFilterRefused,
    testing::Values(BadFilter{"word", "high", "high: invalid digit found in string"},
                    BadFilter{"word_behind_operator", ">=x", "x: invalid digit found in string"},
                    BadFilter{"empty", "", ": cannot parse integer from empty string"},
                    BadFilter{"operator_alone", ">", ": cannot parse integer from empty string"},
                    BadFilter{"two_equals", "==5", "=5: invalid digit found in string"},
                    BadFilter{"blank", "> 5", " 5: invalid digit found in string"},
                    BadFilter{"minus_alone", "-", "-: invalid digit found in string"},
                    BadFilter{"too_large", "2147483648", "2147483648: number too large to fit in target type"},
                    BadFilter{"too_small", "<-2147483649", "-2147483649: number too small to fit in target type"},
                    BadFilter{"far_too_large", "99999999999999999999999",
                              "99999999999999999999999: number too large to fit in target type"},
                    BadFilter{"fraction", "1.5", "1.5: invalid digit found in string"},
                    BadFilter{"unequal_sign", "<>5", ">5: invalid digit found in string"},
                    BadFilter{"two_signs", "+-5", "+-5: invalid digit found in string"}),
    [](const auto& test) { return test.param.name; });

TEST(NumberFilter, AcceptsByItsOperator) {
  const auto accepts = [](Operator op) {
    const NumberFilter filter{op, 5};
    return std::vector<bool>{filter.accepts(4), filter.accepts(5), filter.accepts(6)};
  };
  using Answers = std::vector<bool>;
  EXPECT_EQ(accepts(Operator::kEqual), (Answers{false, true, false}));
  EXPECT_EQ(accepts(Operator::kNotEqual), (Answers{true, false, true}));
  EXPECT_EQ(accepts(Operator::kLess), (Answers{true, false, false}));
  EXPECT_EQ(accepts(Operator::kLessEqual), (Answers{true, true, false}));
  EXPECT_EQ(accepts(Operator::kGreater), (Answers{false, false, true}));
  EXPECT_EQ(accepts(Operator::kGreaterEqual), (Answers{false, true, true}));
}

}  // namespace
}  // namespace mito
