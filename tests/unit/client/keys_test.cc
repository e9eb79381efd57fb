#include <string>

#include <gtest/gtest.h>

#include "client/client.h"

namespace mito::client {
namespace {

TEST(CleanKey, ResolvesWithoutTouchingFiles) {
  struct Case {
    std::string key;
    std::string clean;
  };
  for (const auto& [key, clean] :
       {Case{"a/b.bin", "a/b.bin"}, Case{"dir//a/../b.bin", "dir/b.bin"}, Case{"./a/./b", "a/b"}, Case{"a/b/", "a/b"},
        Case{"..", ".."}, Case{"../x", "../x"}, Case{"a/../..", ".."}, Case{"a/..", "."}, Case{"", "."},
        Case{"/abs//x", "/abs/x"}, Case{"/..", "/"}}) {
    EXPECT_EQ(clean_key(key), clean) << key;
  }
}

TEST(AttachmentKey, TakesTheFileNameWhereTheKeyHasNone) {
  EXPECT_EQ(attachment_key("", "/tmp/data.txt"), "data.txt");
  EXPECT_EQ(attachment_key("dir/", "x/data.txt"), "dir/data.txt");
  EXPECT_EQ(attachment_key("k1", "data.txt"), "k1");
  for (const char* file : {"/", "..", "dir/.."}) {
    const auto key = attachment_key("", file);
    ASSERT_FALSE(key) << file;
    EXPECT_EQ(key.error().code(), ErrorCode::kUsage);
  }
}

}  // namespace
}  // namespace mito::client
