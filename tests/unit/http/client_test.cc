#include "http/client.h"

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/http/raw_peer.h"
#include "unit/http/server_under_test.h"

namespace mito::http::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::string loopback(std::uint16_t port) {
  return fmt::format("http://127.0.0.1:{}", port);
}

TEST(Client, SendsMethodHeadersAndBody) {
  ServerUnderTest test;
  Client client({.user_agent = "unit/1"});
  ClientRequest request{.method = "REPORT", .url = test.url("/show/../show?x=%20&y")};
  request.url = test.url("/show?x=%20&y");
  request.headers.add("X-One", "1");
  request.headers.add("x-empty", "");
  auto response = client.send_and_wait(request);
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(
      response->body,
      fmt::format(
          "REPORT /show [x=%20&y]\nHost=127.0.0.1:{}\nUser-Agent=unit/1\nAccept=*/*\nX-One=1\nx-empty=\n127.0.0.1",
          test.port()));
  EXPECT_EQ(*response->headers.find("Content-Type"), "text/plain");
  EXPECT_EQ(response->bytes_received, response->body.size());

  const std::string body(100'000, 'b');
  for (const auto* method : {"POST", "PUT", "DELETE"}) {
    response = client.send_and_wait({.method = method, .url = test.url("/echo"), .body = body});
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, body) << method;
  }
  response = client.send_and_wait({.method = "POST", .url = test.url("/show")});
  EXPECT_THAT(response->body, HasSubstr("Content-Length=0"));
  EXPECT_THAT(response->body, ::testing::Not(HasSubstr("Content-Type")));
  response = client.send_and_wait({.method = "HEAD", .url = test.url("/source")});
  EXPECT_EQ(*response->headers.find("content-length"), "1048576");
}

TEST(Client, KeepsThePathAsItIs) {
  ServerUnderTest test;
  Client client({});
  auto response = client.send_and_wait({.url = test.url("/a%2Fb/../c//d/.")});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "/a%2Fb/../c//d/.");
}

TEST(Client, UsesConnectionsAgain) {
  ServerUnderTest test;
  Client client({});
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(client.send_and_wait({.url = test.url("/hello")}));
  EXPECT_EQ(test.server().statistics().accepted, 1);
}

TEST(Client, RepeatsARequestOnADeadKeptConnection) {
  auto first = std::make_unique<ServerUnderTest>();
  Client client({});
  ASSERT_TRUE(client.send_and_wait({.url = first->url("/hello")}));
  const auto port = first->port();
  first.reset();
  ServerUnderTest second({.port = port});
  auto response = client.send_and_wait({.method = "POST", .url = second.url("/echo"), .body = "again"});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "again");
}

TEST(Client, SendsManyAtOnceOverFewConnections) {
  ServerUnderTest test({.threads = 2});
  Client client({.connections_per_host = 8});
  constexpr int kRequests = 500;
  std::latch done(kRequests);
  std::atomic<int> right = 0;
  for (int i = 0; i < kRequests; ++i) {
    client.send({.method = "POST", .url = test.url("/echo"), .body = std::to_string(i)}, {},
                [&, i](Result<ClientResponse> response) {
                  if (response && response->body == std::to_string(i)) ++right;
                  done.count_down();
                });
  }
  done.wait();
  EXPECT_EQ(right, kRequests);
  EXPECT_LE(test.server().statistics().accepted, 8);
}

TEST(Client, WhatWaitsForAConnectionCanBeCancelledAndTimesOut) {
  ServerUnderTest test;
  Client client({.connections_per_host = 1});
  auto first = std::async(std::launch::async, [&] { return client.send_and_wait({.url = test.url("/gate")}); });
  ASSERT_TRUE(test.gate.has_waiting(1));
  auto late = client.send_and_wait({.url = test.url("/hello"), .total_timeout = milliseconds(30)});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::kTimeout);
  std::stop_source stop;
  auto second = std::async(std::launch::async,
                           [&] { return client.send_and_wait({.url = test.url("/hello")}, stop.get_token()); });
  auto third = std::async(std::launch::async, [&] {
    return client.send_and_wait(
        {.url = test.url("/hello"), .connect_timeout = milliseconds(20), .stall_timeout = milliseconds(20)});
  });
  EXPECT_EQ(third.wait_for(milliseconds(60)), std::future_status::timeout);
  stop.request_stop();
  EXPECT_EQ(second.get().error().code(), ErrorCode::kCancelled);
  test.gate.open();
  EXPECT_EQ(first.get()->body, "through");
  EXPECT_EQ(third.get()->body, "hello");
}

TEST(Client, ManyThreadsMaySend) {
  ServerUnderTest test({.threads = 2});
  Client client({});
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        auto response = client.send_and_wait({.url = test.url("/hello")});
        if (response && response->body == "hello") ++right;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(right, 400);
}

TEST(Client, CancelsPromptly) {
  ServerUnderTest test;
  Client client({});
  std::stop_source stop;
  auto answer = std::async(std::launch::async,
                           [&] { return client.send_and_wait({.url = test.url("/first-of")}, stop.get_token()); });
  ASSERT_TRUE(test.gate.has_waiting(1));
  stop.request_stop();
  auto response = answer.get();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kCancelled);
  EXPECT_TRUE(eventually([&] { return test.peers_gone == 1; }));

  response = client.send_and_wait({.url = test.url("/hello")}, stop.get_token());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kCancelled);
}

TEST(Client, ItsEndGivesUpWhatIsUnderWay) {
  ServerUnderTest test;
  std::promise<Result<ClientResponse>> promise;
  {
    Client client({});
    client.send({.url = test.url("/first-of")}, {},
                [&](Result<ClientResponse> response) { promise.set_value(std::move(response)); });
    ASSERT_TRUE(test.gate.has_waiting(1));
  }
  auto response = promise.get_future().get();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kCancelled);
}

TEST(Client, ItsEndGivesUpWhatOthersWaitFor) {
  ServerUnderTest test;
  auto client = std::make_unique<Client>(ClientSettings{});
  auto& shared = *client;
  std::vector<std::future<Result<ClientResponse>>> waiting;
  for (int i = 0; i < 2; ++i)
    waiting.push_back(std::async(std::launch::async, [&] { return shared.send_and_wait({.url = test.url("/gate")}); }));
  ASSERT_TRUE(test.gate.has_waiting(2));
  client.reset();
  for (auto& answer : waiting)
    EXPECT_EQ(answer.get().error().code(), ErrorCode::kCancelled);
  test.gate.open();
}

TEST(Client, MoreWaitThanThereAreConnections) {
  ServerUnderTest test({.threads = 2});
  Client client({.connections_per_host = 4});
  std::vector<std::future<Result<ClientResponse>>> waiting;
  for (int i = 0; i < 12; ++i)
    waiting.push_back(std::async(std::launch::async, [&] { return client.send_and_wait({.url = test.url("/gate")}); }));
  ASSERT_TRUE(test.gate.has_waiting(4));
  test.gate.open();
  for (auto& answer : waiting)
    EXPECT_EQ(answer.get()->body, "through");
  EXPECT_LE(test.server().statistics().accepted, 4);
}

TEST(Client, ACallbackMaySend) {
  ServerUnderTest test;
  Client client({});
  std::promise<std::string> body;
  client.send({.url = test.url("/hello")}, {}, [&](Result<ClientResponse> first) {
    client.send({.method = "POST", .url = test.url("/echo"), .body = first->body + "!"}, {},
                [&](Result<ClientResponse> second) { body.set_value(second->body); });
  });
  EXPECT_EQ(body.get_future().get(), "hello!");
}

TEST(Client, SaysThatNobodyListens) {
  std::uint16_t port = 0;
  {
    ServerUnderTest test;
    port = test.port();
  }
  Client client({});
  auto response = client.send_and_wait({.url = fmt::format("http://user:secret@127.0.0.1:{}/path?signature=1", port)});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kUnreachable);
  EXPECT_EQ(
      response.error().text(),
      fmt::format(
          "Cannot reach http://127.0.0.1:{}: Connection refused. Check the address, and that a server listens there",
          port));

  response = client.send_and_wait({.url = "http://name.invalid/"});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kUnreachable);
  EXPECT_THAT(response.error().text(), HasSubstr("name.invalid"));
}

TEST(Client, RefusesWhatIsNoRequest) {
  Client client({});
  for (const auto* url :
       {"", "127.0.0.1:1", "ftp://127.0.0.1/", "http://", "http://a b/", "http://127.0.0.1/\r\nx: 1"}) {
    auto response = client.send_and_wait({.url = url});
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().code(), ErrorCode::kUsage) << url << ": " << response.error().text();
  }
  ClientRequest request{.url = "http://127.0.0.1:1/"};
  request.headers.add("x", "1\r\ny: 2");
  auto response = client.send_and_wait(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kUsage);
}

TEST(Client, TimesOut) {
  ServerUnderTest test;
  Client client({});
  auto stalled = client.send_and_wait({.url = test.url("/first-of"), .stall_timeout = milliseconds(50)});
  ASSERT_FALSE(stalled);
  EXPECT_EQ(stalled.error().code(), ErrorCode::kTimeout);
  EXPECT_EQ(stalled.error().text(), fmt::format("{} sent and took nothing for 50 ms", loopback(test.port())));
  auto late = client.send_and_wait({.url = test.url("/first-of"), .total_timeout = milliseconds(50)});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::kTimeout);
  EXPECT_EQ(late.error().text(), fmt::format("{} did not answer within 50 ms", loopback(test.port())));
  EXPECT_TRUE(eventually([&] { return test.peers_gone == 2; }));
}

TEST(Client, StallsInTheMiddleOfABody) {
  RawServer server("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", RawServer::Then::kWait);
  Client client({});
  auto response = client.send_and_wait({.url = loopback(server.port()), .stall_timeout = milliseconds(50)});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kTimeout);
}

struct BrokenAnswer {
  const char* name;
  const char* bytes;
  RawServer::Then then;
};
void PrintTo(const BrokenAnswer& broken, std::ostream* out) {
  *out << broken.name;
}

class BrokenAnswers : public ::testing::TestWithParam<BrokenAnswer> {};

TEST_P(BrokenAnswers, AreProtocolErrorsThatNameTheAddress) {
  RawServer server(GetParam().bytes, GetParam().then);
  Client client({});
  auto response = client.send_and_wait({.url = loopback(server.port()) + "/x?secret", .stall_timeout = seconds(5)});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kProtocol) << response.error().text();
  EXPECT_THAT(response.error().text(), HasSubstr(loopback(server.port())));
  EXPECT_THAT(response.error().text(), ::testing::Not(HasSubstr("secret")));
}

using Then = RawServer::Then;
INSTANTIATE_TEST_SUITE_P(
    Client, BrokenAnswers,
    ::testing::Values(
        BrokenAnswer{"Nothing", "", Then::kClose}, BrokenAnswer{"Reset", "", Then::kReset},
        BrokenAnswer{"Garbage", "SSH-2.0-OpenSSH_9.2\r\n", Then::kClose},
        BrokenAnswer{"HalfAHead", "HTTP/1.1 200 OK\r\ncontent-le", Then::kClose},
        BrokenAnswer{"HalfABody", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", Then::kClose},
        BrokenAnswer{"ResetInABody", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", Then::kReset},
        BrokenAnswer{"NoLastChunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", Then::kClose},
        BrokenAnswer{"BadChunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", Then::kWait}),
    [](const auto& of) { return of.param.name; });

TEST(Client, SkipsInterimResponses) {
  RawServer server(
      "HTTP/1.1 103 Early Hints\r\nx-old: 1\r\n\r\nHTTP/1.1 200 OK\r\nx-new:\t 2 \r\ncontent-length: 2\r\n\r\nok",
      RawServer::Then::kClose);
  Client client({});
  auto response = client.send_and_wait({.url = loopback(server.port())});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.find("x-old"), nullptr);
  EXPECT_EQ(*response->headers.find("x-new"), "2");
  EXPECT_EQ(response->body, "ok");
}

TEST(Client, TakesNoMoreThanTheCallerAccepts) {
  ServerUnderTest test;
  Client client({});
  auto response = client.send_and_wait({.url = test.url("/source"), .max_response_bytes = 1 << 20});
  EXPECT_TRUE(response);
  response = client.send_and_wait({.url = test.url("/source"), .max_response_bytes = (1 << 20) - 1});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kProtocol);
  EXPECT_THAT(response.error().text(), HasSubstr("more than the 1048575 bytes"));
}

TEST(Client, HandsOverAnAnswerToAnUnreadBody) {
  ServerUnderTest test;
  Client client({});
  for (int i = 0; i < 5; ++i) {
    auto response =
        client.send_and_wait({.method = "POST", .url = test.url("/ignore"), .body = std::string(30 << 20, 'a')});
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->status, 401);
  }
}

}  // namespace
}  // namespace mito::http::testing
