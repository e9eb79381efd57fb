#include "client/address.h"

#include <string>

#include <gtest/gtest.h>

namespace mito::client {
namespace {

TEST(Address, KeepsSchemeHostPortAndPrefix) {
  struct Case {
    std::string text;
    std::string base;
  };
  for (const auto& [text, base] :
       {Case{"http://127.0.0.1:5000", "http://127.0.0.1:5000"}, Case{"http://127.0.0.1:5000/", "http://127.0.0.1:5000"},
        Case{"HTTPS://mito.example", "https://mito.example"},
        Case{"https://mito.example/lab/mito//", "https://mito.example/lab/mito"},
        Case{"127.0.0.1:5000", "http://127.0.0.1:5000"}, Case{"localhost", "http://localhost"},
        Case{"http://[::1]:5000", "http://[::1]:5000"}, Case{"[fe80::1]", "http://[fe80::1]"}}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text << ": " << address.error().text();
    EXPECT_EQ(address->text(), base);
  }
}

TEST(Address, AppendsPaths) {
  EXPECT_EQ(Address::parse("https://h/prefix/")->url("/tasks?limit=1"), "https://h/prefix/tasks?limit=1");
}

TEST(Address, RefusesWhatIsNone) {
  for (const std::string text : {"", "http://", "ftp://127.0.0.1:5000", "http://h:0", "http://h:65536", "http://h:x",
                                 "http://h:", "http://:5000", "http://u:p@h", "http://h/?q", "http://h#f", "http://a b",
                                 "http://::1:5000", "http://[::1", "http://h:999999999999"}) {
    const auto address = Address::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code(), ErrorCode::kUsage);
    EXPECT_NE(address.error().text().find("http://127.0.0.1:5000"), std::string::npos) << address.error().text();
  }
}

}  // namespace
}  // namespace mito::client
