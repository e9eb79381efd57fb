#include "client/address.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/failover.h"

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

TEST(Address, MayBeSeveral) {
  const auto address = Address::parse("a:1,https://b/m/,a:12");
  ASSERT_TRUE(address) << address.error().text();
  const Address copy = *address;
  EXPECT_EQ(address->count(), 3U);
  EXPECT_EQ(address->text(), "http://a:1");
  EXPECT_EQ(address->url("/x"), "http://a:1/x");
  EXPECT_EQ(address->elsewhere("http://a:1/x"), "https://b/m/x");
  EXPECT_EQ(copy.url("/y"), "https://b/m/y") << "copies share which is in use";
  EXPECT_EQ(address->elsewhere("http://a:1/z"), "https://b/m/z");
  EXPECT_EQ(copy.url("/"), "https://b/m/") << "another was first: nothing is skipped";
  EXPECT_EQ(address->elsewhere("https://b/m/x"), "http://a:12/x");
  EXPECT_EQ(address->elsewhere("http://a:12/x"), "http://a:1/x");
  for (const std::string text : {"a:1,", ",a:1", "a:1,,b:1", "a:1, b:1", "a:1,ftp://b"})
    EXPECT_FALSE(Address::parse(text)) << text;
}

/// Answers as told for each URL and remembers who was asked.
struct Servers {
  std::map<std::string, ErrorCode> faults{};
  std::vector<std::string> asked{};

  Result<http::ClientResponse> operator()(const http::ClientRequest& request) {
    asked.push_back(request.url);
    const auto fault = faults.find(request.url);
    if (fault != faults.end()) return fail(fault->second, "no answer from " + request.url);
    return http::ClientResponse{.status = 200, .body = request.body};
  }
};

TEST(Failover, AsksTheOthersWhereNobodyAnswers) {
  const Address address = *Address::parse("a,b,c");
  Servers servers{.faults = {{"http://a/x", ErrorCode::kUnreachable}, {"http://b/x", ErrorCode::kUnreachable}}};
  const auto answer = send_to_any(address, {.url = address.url("/x"), .body = "hello"}, std::ref(servers));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "hello");
  EXPECT_EQ(servers.asked, (std::vector<std::string>{"http://a/x", "http://b/x", "http://c/x"}));
  EXPECT_EQ(address.url(""), "http://c") << "and stays there";
}

TEST(Failover, AsksEachOnceAndNamesTheReason) {
  const Address address = *Address::parse("a,b");
  Servers servers{.faults = {{"http://a/x", ErrorCode::kUnreachable}, {"http://b/x", ErrorCode::kUnreachable}}};
  const auto answer = send_to_any(address, {.url = address.url("/x")}, std::ref(servers));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kUnreachable);
  EXPECT_NE(answer.error().text().find("None of the 2 addresses answers"), std::string::npos) << answer.error().text();
  EXPECT_NE(answer.error().text().find("http://b/x"), std::string::npos) << answer.error().text();
  EXPECT_EQ(servers.asked.size(), 2U);
}

TEST(Failover, RepeatsNothingThatMayHaveArrived) {
  const Address address = *Address::parse("a,b");
  Servers servers{.faults = {{"http://a/x", ErrorCode::kTimeout}, {"http://b/x", ErrorCode::kProtocol}}};
  EXPECT_EQ(send_to_any(address, {.url = address.url("/x")}, std::ref(servers)).error().code(), ErrorCode::kTimeout);
  EXPECT_EQ(address.url(""), "http://b") << "a frozen one is left for the next request";
  EXPECT_EQ(send_to_any(address, {.url = address.url("/x")}, std::ref(servers)).error().code(), ErrorCode::kProtocol);
  EXPECT_EQ(address.url(""), "http://b");
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
