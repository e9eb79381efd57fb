#include "storage/database/json_text.h"

#include <gtest/gtest.h>

namespace mito::storage {
namespace {

using List = std::vector<std::string>;

TEST(JsonText, ListsComeBackAsTheyWere) {
  const List lists[] = {
      {},
      {""},
      {"a"},
      {"a", "b"},
      {"\"", "\\", "/", "\n\t\x01", "ü", "日本", "🙂", "],["},
      List(1'000, "many"),
      {std::string("nul\0byte", 8)},
      {std::string(100'000, 'x')},
  };
  for (const List& list : lists) {
    const std::string text = encode_list(list);
    const auto back = decode_list(text);
    ASSERT_TRUE(back.has_value()) << text.substr(0, 100);
    EXPECT_EQ(*back, list);
  }
  EXPECT_EQ(encode_list({}), "[]");
  EXPECT_EQ(encode_list({"a", "b\"c"}), R"(["a","b\"c"])");
}

TEST(JsonText, WhatIsNoListOfTextsIsAnError) {
  for (const char* text : {"", "x", "null", "{}", "\"a\"", "[1]", "[\"a\",null]", "[\"a\"", "[[]]", "[\"a\"] x"}) {
    const auto list = decode_list(text);
    ASSERT_FALSE(list.has_value()) << text;
    EXPECT_EQ(list.error().code(), ErrorCode::kInternal) << text;
  }
}

TEST(JsonText, ExitStatusOfAResult) {
  EXPECT_EQ(exit_status_of(R"({"exit_status":256,"msg":null})"), 256);
  EXPECT_EQ(exit_status_of(R"({"msg":"ExecTimeout","exit_status":-1})"), -1);
  for (const char* text :
       {"", "{}", "[]", "null", R"({"exit_status":null})", R"({"exit_status":"1"})", "{\"exit_status\":"})
    EXPECT_EQ(exit_status_of(text), std::nullopt) << text;
}

TEST(JsonText, WatchOfASpec) {
  const auto watch = watch_of(R"({"args":[],"watch":["550e8400-e29b-41d4-a716-446655440000","ExecFinished"]})");
  ASSERT_TRUE(watch.has_value() && watch->has_value());
  EXPECT_EQ((*watch)->task.to_string(), "550e8400-e29b-41d4-a716-446655440000");
  EXPECT_EQ((*watch)->state, TaskExecState::kExecFinished);
  for (const char* text : {"{}", R"({"watch":null})"}) {
    const auto none = watch_of(text);
    ASSERT_TRUE(none.has_value()) << text;
    EXPECT_FALSE(none->has_value()) << text;
  }
  for (const char* text : {"", "[]", R"({"watch":[]})", R"({"watch":["x","ExecFinished"]})", R"({"watch":{}})",
                           R"({"watch":["550e8400-e29b-41d4-a716-446655440000","Sometime"]})",
                           R"({"watch":["550e8400-e29b-41d4-a716-446655440000",1]})"})
    EXPECT_FALSE(watch_of(text).has_value()) << text;
}

TEST(JsonText, ASpecThatIsLargerThanTheStackBufferIsRead) {
  const std::string spec =
      R"({"args":[")" + std::string(100'000, 'x') + R"("],"watch":["550e8400-e29b-41d4-a716-446655440000","Watch"]})";
  EXPECT_TRUE(watch_of(spec).value().has_value());
}

}  // namespace
}  // namespace mito::storage
