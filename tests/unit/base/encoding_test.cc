#include "base/encoding.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace mito {
namespace {

struct Case {
  const char* name;
  std::string bytes;
  std::string standard;
};

class Base64 : public testing::TestWithParam<Case> {};

TEST_P(Base64, GoesThereAndBack) {
  const auto& [name, bytes, standard] = GetParam();
  std::string unpadded = standard.substr(0, standard.find('='));
  EXPECT_EQ(base64_encode(bytes), standard);
  EXPECT_EQ(base64_decode(standard), bytes);
  EXPECT_EQ(base64_encode_unpadded(bytes), unpadded);
  EXPECT_EQ(base64_decode_unpadded(unpadded), bytes);
  for (char& c : unpadded)
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  EXPECT_EQ(base64url_encode(bytes), unpadded);
  EXPECT_EQ(base64url_decode(unpadded), bytes);
}

// RFC 4648 section 10, and bytes that need the last two letters.
INSTANTIATE_TEST_SUITE_P(Values, Base64,
                         testing::Values(Case{"none", "", ""}, Case{"f", "f", "Zg=="}, Case{"fo", "fo", "Zm8="},
                                         Case{"foo", "foo", "Zm9v"}, Case{"foob", "foob", "Zm9vYg=="},
                                         Case{"fooba", "fooba", "Zm9vYmE="}, Case{"foobar", "foobar", "Zm9vYmFy"},
                                         Case{"high", "\xfb\xff\xbf", "+/+/"},
                                         Case{"zeros", std::string(3, '\0'), "AAAA"}),
                         [](const auto& test) { return test.param.name; });

TEST(Base64, RefusesWhatIsNotStrict) {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Z", "====", "Zm9v=", "Zm9v Zm9v", "Zm9v\n", "Zh==", "Zm9=", "Zm-_", "=Zg=", "Z=g="}) {
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
  }
  for (const char* text : {"Zg==", "Z", "Zm+/", "Zh", "Zm9v=", "Zm9v Zg"}) {
    EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
  }
  for (const char* text : {"Zg==", "Zm-_", "Zh"})
    EXPECT_EQ(base64_decode_unpadded(text), std::nullopt) << text;
}

TEST(Hex, GoesThereAndBack) {
  EXPECT_EQ(hex_encode(std::string("\x00\x7f\xff", 3)), "007fff");
  EXPECT_EQ(hex_decode("007FfF"), std::string("\x00\x7f\xff", 3));
  EXPECT_EQ(hex_decode("0"), std::nullopt);
  EXPECT_EQ(hex_decode("0g"), std::nullopt);
}

TEST(Percent, EncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b+&/\xc3\xa9"), "a%20b%2B%26%2F%C3%A9");
  EXPECT_EQ(percent_encode("a/b?c", "/"), "a/b%3Fc");
}

TEST(Percent, DecodesWhatIsCompleteAndKeepsTheRest) {
  EXPECT_EQ(percent_decode("a%2Fb%c3%a9"), "a/b\xc3\xa9");
  EXPECT_EQ(percent_decode("%2"), "%2");
  EXPECT_EQ(percent_decode("%"), "%");
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
  EXPECT_EQ(percent_decode("%%41"), "%A");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
}

TEST(Utf8, TellsWellFormedTexts) {
  for (const char* text : {"", "abc", "\u00e9\u20ac", "\U0001F600", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const char* text :
       {"\x80", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2\x82", "\xe2\x28\xa1"}) {
    EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(text);
  }
}

TEST(Random, GivesAsManyBytesAsAskedAndNeverTheSame) {
  EXPECT_EQ(random_bytes(0).size(), 0U);
  EXPECT_EQ(random_bytes(1000).size(), 1000U);
  EXPECT_NE(random_bytes(32), random_bytes(32));
}

}  // namespace
}  // namespace mito
