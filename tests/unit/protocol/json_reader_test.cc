#include "protocol/json_reader.h"

#include <gtest/gtest.h>

#include "protocol/codec.h"
#include "protocol/messages.h"

namespace mito::protocol {
namespace {

using Kind = DecodeError::Kind;

struct BadText {
  std::string_view name;
  std::string_view json;
  Kind kind;
  std::string_view error;
};

std::ostream& operator<<(std::ostream& out, const BadText& text) {
  return out << text.name;
}

/// Each is the body of POST /groups: one string, `group_name`.
class BadTexts : public testing::TestWithParam<BadText> {};

TEST_P(BadTexts, SayWhatAndWhere) {
  const auto decoded = decode<CreateGroupReq>(GetParam().json);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().kind, GetParam().kind);
  EXPECT_EQ(decoded.error().text(), GetParam().error);
}

const BadText kBadTexts[] = {
    {"empty", "", Kind::kSyntax, "EOF while parsing a value at line 1 column 0"},
    {"blank", " \n ", Kind::kSyntax, "EOF while parsing a value at line 2 column 1"},
    {"word", "nope", Kind::kSyntax, "expected ident at line 1 column 2"},
    {"cut_word", "nul", Kind::kSyntax, "EOF while parsing a value at line 1 column 3"},
    {"open", "{", Kind::kSyntax, "EOF while parsing an object at line 1 column 1"},
    {"cut_key", "{\"a", Kind::kSyntax, "EOF while parsing a string at line 1 column 3"},
    {"no_colon", "{\"a\"}", Kind::kSyntax, "expected `:` at line 1 column 5"},
    {"no_value", "{\"a\":}", Kind::kSyntax, "a: expected value at line 1 column 6"},
    {"no_comma", "{\"a\":1 \"b\":2}", Kind::kSyntax, "expected `,` or `}` at line 1 column 8"},
    {"no_comma_inside", "{\"a\":[1 2]}", Kind::kSyntax, "a: expected `,` or `]` at line 1 column 9"},
    {"number_as_key", "{1:2}", Kind::kSyntax, "key must be a string at line 1 column 2"},
    {"trailing_comma", "{\"a\":1,}", Kind::kSyntax, "trailing comma at line 1 column 8"},
    {"behind", "{\"group_name\":\"a\"} {}", Kind::kSyntax, "trailing characters at line 1 column 20"},
    {"leading_zero", "{\"a\":01}", Kind::kSyntax, "a: invalid number at line 1 column 7"},
    {"bare_point", "{\"a\":1.}", Kind::kSyntax, "a: invalid number at line 1 column 8"},
    {"lone_minus", "{\"a\":-}", Kind::kSyntax, "a: invalid number at line 1 column 7"},
    {"control_character", "{\"group_name\":\"a\tb\"}", Kind::kSyntax,
     "group_name: control character (\\u0000-\\u001F) found while parsing a string at line 1 column 17"},
    {"bad_escape", "{\"group_name\":\"\\q\"}", Kind::kSyntax, "group_name: invalid escape at line 1 column 17"},
    {"bad_hex", "{\"group_name\":\"\\u12g4\"}", Kind::kSyntax, "group_name: invalid escape at line 1 column 21"},
    {"cut_hex", "{\"group_name\":\"\\u12", Kind::kSyntax, "group_name: EOF while parsing a string at line 1 column 19"},
    {"second_surrogate", "{\"group_name\":\"\\udc00\"}", Kind::kSyntax,
     "group_name: lone leading surrogate in hex escape at line 1 column 21"},
    {"first_surrogate_alone", "{\"group_name\":\"\\ud800x\"}", Kind::kSyntax,
     "group_name: unexpected end of hex escape at line 1 column 22"},
    {"bad_utf8", "{\"group_name\":\"\xC3\"}", Kind::kSyntax,
     "group_name: invalid unicode code point at line 1 column 17"},
    {"overlong_utf8", "{\"group_name\":\"\xC0\x80\"}", Kind::kSyntax,
     "group_name: invalid unicode code point at line 1 column 18"},
    {"float_too_large", "{\"group_name\":1e400}", Kind::kSyntax, "group_name: number out of range at line 1 column 19"},
    {"null", "null", Kind::kShape, "invalid type: null, expected struct CreateGroupReq at line 1 column 4"},
    {"true", "true", Kind::kShape, "invalid type: boolean `true`, expected struct CreateGroupReq at line 1 column 4"},
    {"false", "{\"group_name\":false}", Kind::kShape,
     "group_name: invalid type: boolean `false`, expected a string at line 1 column 19"},
    {"negative", "{\"group_name\":-5}", Kind::kShape,
     "group_name: invalid type: integer `-5`, expected a string at line 1 column 16"},
    {"negative_zero", "{\"group_name\":-0}", Kind::kShape,
     "group_name: invalid type: floating point `-0.0`, expected a string at line 1 column 16"},
    {"huge", "{\"group_name\":18446744073709551616}", Kind::kShape,
     "group_name: invalid type: floating point `1.8446744073709552e+19`, expected a string at line 1 column 34"},
    {"list", "{\"group_name\":[1]}", Kind::kShape,
     "group_name: invalid type: sequence, expected a string at line 1 column 14"},
    {"second_line", "{\n\"group_name\":\n  5}", Kind::kShape,
     "group_name: invalid type: integer `5`, expected a string at line 3 column 3"},
    {"missing", "{ }", Kind::kShape, "missing field `group_name` at line 1 column 3"},
    {"twice", "{\"group_name\":\"a\",\"group_name\":\"b\"}", Kind::kShape,
     "duplicate field `group_name` at line 1 column 30"},
    {"empty_array", "[]", Kind::kShape,
     "invalid length 0, expected struct CreateGroupReq with 1 element at line 1 column 2"},
    {"long_array", "[\"a\",1]", Kind::kSyntax, "trailing characters at line 1 column 6"},
};

INSTANTIATE_TEST_SUITE_P(Json, BadTexts, testing::ValuesIn(kBadTexts),
                         [](const auto& tested) { return std::string(tested.param.name); });

std::string group_name(std::string_view json) {
  const auto decoded = decode<CreateGroupReq>(json);
  return decoded ? decoded->group_name : "error: " + decoded.error().text();
}

TEST(Json, StringsAreUnescaped) {
  EXPECT_EQ(group_name(R"({"group_name":"\"\\\/\b\f\n\r\t"})"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(group_name(R"({"group_name":"\u0041\u00e4\u20ac\ud83d\ude00"})"), "A\u00e4\u20ac\U0001F600");
  EXPECT_EQ(group_name(R"({"group_name":"\u0000"})"), std::string(1, '\0'));
  EXPECT_EQ(group_name("{\"group_name\":\"\xF0\x9F\x98\x80 and much plain text behind it\"}"),
            "\U0001F600 and much plain text behind it");
}

TEST(Json, KeysAreUnescapedToo) {
  EXPECT_EQ(group_name(R"({"group\u005fname":"a"})"), "a");
}

TEST(Json, WhiteSpaceMayStandBetweenTokens) {
  EXPECT_EQ(group_name(" \t\r\n{ \"group_name\" : \"a\" } \n"), "a");
}

TEST(Json, UnknownMembersAreSkippedHoweverDeepAndHoweverOften) {
  EXPECT_EQ(group_name(R"({"x":{"y":[1,-2.5e3,{"z":null}],"w":"\ud800"},"x":[],"group_name":"a","x":true})"), "a");
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(group_name("{\"x\":" + deep + ",\"group_name\":\"a\"}"), "a");
}

TEST(Json, TheArrayFormNamesElements) {
  const auto decoded = decode<UserLoginReq>(R"(["ann",[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,256]])");
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().text(), "[1][15]: invalid value: integer `256`, expected u8 at line 1 column 46");
}

TEST(Json, DefaultsAtTheEndOfTheArrayFormMayBeLeftOut) {
  const auto decoded = decode<UserLoginReq>(R"(["ann",[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]])");
  ASSERT_TRUE(decoded.has_value());
  EXPECT_FALSE(decoded->retain);
}

TEST(Json, AnErrorAtAMemberWithoutNameHasAnEmptyPath) {
  const auto decoded = decode<CreateGroupReq>(R"({"":x})");
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().text(), ": expected value at line 1 column 5");
}

TEST(Json, EveryPrefixOfABodyIsRefused) {
  const std::string whole =
      R"({"id":1,"op":{"Submit":{"group_name":"g","tags":["a"],"labels":[],"timeout":"1h","priority":-1,"task_spec":)"
      R"({"args":["a"],"envs":{"A":"\u00e4"},"resources":[{"remote_file":{"Attachment":{"key":"k"}},"local_path":"x"}],)"
      R"("terminal_output":true,"watch":["550e8400-e29b-41d4-a716-446655440000","ExecFinished"]}}}})";
  ASSERT_TRUE(decode<ReportTaskReq>(whole).has_value());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto decoded = decode<ReportTaskReq>(std::string_view(whole).substr(0, length));
    ASSERT_FALSE(decoded.has_value()) << length;
    EXPECT_EQ(decoded.error().kind, Kind::kSyntax) << length;
    EXPECT_EQ(decoded.error().column, length);
  }
}

}  // namespace
}  // namespace mito::protocol
