#include "cli/yaml.h"

#include <gtest/gtest.h>

namespace mito::cli {
namespace {

struct Case {
  const char* name;
  const char* json;
  const char* yaml;
};

class Yaml : public testing::TestWithParam<Case> {};

TEST_P(Yaml, IsWrittenInBlocks) {
  EXPECT_EQ(yaml_of(GetParam().json), GetParam().yaml);
}

INSTANTIATE_TEST_SUITE_P(
    All, Yaml,
    testing::Values(
        Case{"object", R"({"a":1,"b":"two words","c":null,"d":true})", "a: 1\nb: two words\nc: null\nd: true\n"},
        Case{"nested", R"({"a":{"b":{"c":1}}})", "a:\n  b:\n    c: 1\n"},
        Case{"list", R"([1,"x",{"a":1,"b":[2,3]}])", "- 1\n- x\n- a: 1\n  b:\n    - 2\n    - 3\n"},
        Case{"list_of_lists", R"([[1,2],[]])", "- - 1\n  - 2\n- []\n"},
        Case{"empty", R"({"a":[],"b":{}})", "a: []\nb: {}\n"}, Case{"nothing", "[]", "[]\n"},
        Case{"keywords", R"(["yes","No","null","on","y"])", "- \"yes\"\n- \"No\"\n- \"null\"\n- \"on\"\n- \"y\"\n"},
        Case{"numbers_and_dates", R"(["12","1e3","2026-01-02","-5",""])",
             "- \"12\"\n- \"1e3\"\n- \"2026-01-02\"\n- \"-5\"\n- \"\"\n"},
        Case{"special", R"(["a: b","a #b","line\nbreak","x ","{x}","é"])",
             "- \"a: b\"\n- \"a #b\"\n- \"line\\nbreak\"\n- \"x \"\n- \"{x}\"\n- \"é\"\n"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace mito::cli
