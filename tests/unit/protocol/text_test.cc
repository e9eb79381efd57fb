#include "protocol/text.h"

#include <gtest/gtest.h>

namespace mito::protocol {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

TEST(BadUtf8, IsReplacedPieceByPiece) {
  const std::string one(kReplacement);
  EXPECT_EQ(replace_bad_utf8("plain \u00e4\u20ac\U0001F600"), "plain \u00e4\u20ac\U0001F600");
  EXPECT_EQ(replace_bad_utf8("a\xFF"), "a" + one);
  EXPECT_EQ(replace_bad_utf8("\xE2\x82z"), one + "z");  // A cut character is one piece.
  EXPECT_EQ(replace_bad_utf8("\xF0\x9F\x98"), one);
  EXPECT_EQ(replace_bad_utf8("\xC0\x80"), one + one);            // Overlong.
  EXPECT_EQ(replace_bad_utf8("\xED\xA0\x80"), one + one + one);  // A surrogate.
  EXPECT_EQ(replace_bad_utf8("\xF4\x90\x80\x80"), one + one + one + one);
}

TEST(Floats, AreShownShort) {
  EXPECT_EQ(show_float(1.0), "1.0");
  EXPECT_EQ(show_float(-0.0), "-0.0");
  EXPECT_EQ(show_float(1.5), "1.5");
  EXPECT_EQ(show_float(100.0), "100.0");
  EXPECT_EQ(show_float(1e15), "1000000000000000.0");
  EXPECT_EQ(show_float(1e16), "1e+16");
  EXPECT_EQ(show_float(18446744073709551616.0), "1.8446744073709552e+19");
  EXPECT_EQ(show_float(0.00001), "0.00001");
  EXPECT_EQ(show_float(0.000001), "1e-6");
  EXPECT_EQ(show_float(-1.25e-300), "-1.25e-300");
}

TEST(Strings, AreShownInQuotes) {
  EXPECT_EQ(show_string("a\u00e4"), "\"a\u00e4\"");
  EXPECT_EQ(show_string("\"\\\n\r\t'"), "\"\\\"\\\\\\n\\r\\t'\"");
  EXPECT_EQ(show_string(std::string_view("\0\x1b\x7f", 3)), "\"\\0\\u{1b}\\u{7f}\"");
  EXPECT_EQ(show_string("\u200b"), "\"\\u{200b}\"");
}

TEST(UnknownVariants, NameWhatIsAccepted) {
  const std::string_view names[] = {"a", "b", "c"};
  EXPECT_EQ(unknown_variant("x", std::span(names, 1)), "unknown variant `x`, expected `a`");
  EXPECT_EQ(unknown_variant("x", std::span(names, 2)), "unknown variant `x`, expected `a` or `b`");
  EXPECT_EQ(unknown_variant("x", names), "unknown variant `x`, expected one of `a`, `b`, `c`");
}

}  // namespace
}  // namespace mito::protocol
