#include "http/server.h"

#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/http/raw_peer.h"
#include "unit/http/server_under_test.h"

namespace mito::http::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nhost: a\r\n\r\n";
}

TEST(Server, AnswersAndKeepsTheConnection) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(peer.send(get("/hello")));
    auto response = peer.receive();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.header("content-type"), "text/plain");
    EXPECT_EQ(response.header("date").size(), std::string("Sun, 06 Nov 1994 08:49:37 GMT").size());
    EXPECT_EQ(response.header("connection"), "");
  }
  auto statistics = test.server().statistics();
  EXPECT_EQ(statistics.accepted, 1);
  EXPECT_EQ(statistics.connections, 1);
  EXPECT_EQ(statistics.requests, 3);
  EXPECT_EQ(statistics.refused, 0);
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send(get("/hello") + "POST /echo HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc" + get("/nothing") +
                        "POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n" +
                        get("/hello")));
  EXPECT_EQ(peer.receive().body, "hello");
  EXPECT_EQ(peer.receive().body, "abc");
  EXPECT_EQ(peer.receive().status, 404);
  EXPECT_EQ(peer.receive().body, "de");
  EXPECT_EQ(peer.receive().body, "hello");
}

TEST(Server, ReadsARequestThatComesByteByByte) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  for (char c : std::string("\r\nPOST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"))
    ASSERT_TRUE(peer.send(std::string(1, c)));
  EXPECT_EQ(peer.receive().body, "hi");
}

TEST(Server, PassesTheRequestOnUntouched) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send(
      "pUrGe /show/a%2Fb/../c%zz?x=%20&y#z HTTP/1.1\r\nX-Twice: 1\r\nx-twice:  2 \r\nX-Bytes: \xc3\xa4\xff\r\n\r\n" +
      std::string("GET /show?a=b HTTP/1.1\r\n\r\n")));
  EXPECT_EQ(peer.receive().body, "/show/a%2Fb/../c%zz");
  EXPECT_EQ(peer.receive().body, "GET /show [a=b]\n127.0.0.1");
  ASSERT_TRUE(peer.send("pUrGe /show HTTP/1.1\r\nX-Twice: 1\r\nx-twice:  2 \r\nX-Bytes: \xc3\xa4\xff\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, "pUrGe /show []\nX-Twice=1\nx-twice=2\nX-Bytes=\xc3\xa4\xff\n127.0.0.1");
}

TEST(Server, ReducesAbsoluteFormToPathAndHost) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send("GET http://other:81/show?q HTTP/1.1\r\nhost: a\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, "GET /show [q]\nhost=other:81\n127.0.0.1");
  ASSERT_TRUE(peer.send("GET HTTP://other HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, "/");
  ASSERT_TRUE(peer.send("OPTIONS * HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, "*");
}

TEST(Server, SendsTheLengthButNoBodyForHead) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send("HEAD /hello HTTP/1.1\r\n\r\nHEAD /source HTTP/1.1\r\n\r\nHEAD /chunks HTTP/1.1\r\n\r\n" +
                        get("/hello")));
  EXPECT_EQ(peer.receive("HEAD").header("content-length"), "5");
  EXPECT_EQ(peer.receive("HEAD").header("content-length"), "1048576");
  EXPECT_EQ(peer.receive("HEAD").header("transfer-encoding"), "chunked");
  EXPECT_EQ(peer.receive().body, "hello");
  EXPECT_EQ(test.sources_alive, 0);
}

TEST(Server, StreamsSources) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  const std::string whole(1 << 20, 'x');
  ASSERT_TRUE(peer.send(get("/source") + get("/chunks") + get("/empty")));
  auto known = peer.receive();
  EXPECT_EQ(known.header("content-length"), "1048576");
  EXPECT_EQ(known.body, whole);
  auto unknown = peer.receive();
  EXPECT_TRUE(unknown.whole);
  EXPECT_EQ(unknown.body, whole);
  auto empty = peer.receive();
  EXPECT_EQ(empty.status, 204);
  EXPECT_EQ(empty.header("content-length"), "");
  EXPECT_EQ(test.sources_alive, 0);
}

TEST(Server, BreaksOffWhenASourceFails) {
  ServerUnderTest test;
  for (const auto* path : {"/short", "/broken"}) {
    RawPeer peer(test.port());
    ASSERT_TRUE(peer.send(get(path)));
    auto response = peer.receive();
    EXPECT_FALSE(response.whole) << path;
    EXPECT_GE(response.body.size(), 1U << 19) << path;
  }
  EXPECT_EQ(test.sources_alive, 0);
}

TEST(Server, AnswersHttp10) {
  ServerUnderTest test;
  RawPeer once(test.port());
  ASSERT_TRUE(once.send("GET /chunks HTTP/1.0\r\n\r\n"));
  auto response = once.receive();
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_EQ(response.body.size(), 1U << 20);

  RawPeer kept(test.port());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(kept.send("GET /hello HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"));
    EXPECT_EQ(kept.receive().header("connection"), "keep-alive");
  }
}

TEST(Server, ClosesWhenEitherSideAsksForIt) {
  ServerUnderTest test;
  RawPeer asked(test.port());
  ASSERT_TRUE(asked.send("GET /hello HTTP/1.1\r\nConnection: Close\r\n\r\n" + get("/hello")));
  EXPECT_EQ(asked.receive().header("connection"), "close");
  EXPECT_TRUE(asked.is_closed());

  RawPeer told(test.port());
  ASSERT_TRUE(told.send(get("/close")));
  EXPECT_EQ(told.receive().header("connection"), "close");
  EXPECT_TRUE(told.is_closed());
}

TEST(Server, AnswersPanicsWith500AndGoesOn) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send(get("/throw") + get("/hello")));
  auto response = peer.receive();
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(response.body, "Service panicked");
  EXPECT_EQ(peer.receive().body, "hello");
}

TEST(Server, UnderstandsAPeerThatShutsDownItsSendingSide) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send(get("/hello")));
  peer.shut_down_sending();
  EXPECT_EQ(peer.receive().body, "hello");
  EXPECT_TRUE(peer.is_closed());
}

TEST(Server, ClosesIdleConnections) {
  ServerUnderTest test({.idle_timeout = milliseconds(60)});
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send(get("/hello")));
  EXPECT_EQ(peer.receive().body, "hello");
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(test.server().statistics().timeouts, 1);
}

TEST(Server, ClosesWhenAHeadDoesNotCome) {
  ServerUnderTest test({.head_timeout = milliseconds(60)});
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send("GET /hello HTTP/1.1\r\nx"));
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(test.server().statistics().timeouts, 1);
  EXPECT_EQ(test.server().statistics().requests, 0);
}

TEST(Server, ClosesWhenThePeerTakesNothing) {
  ServerUnderTest test({.write_stall_timeout = milliseconds(60)});
  RawPeer peer(test.port());
  std::string many;
  for (int i = 0; i < 40; ++i)
    many += get("/source");
  ASSERT_TRUE(peer.send(many));
  EXPECT_TRUE(eventually([&] { return test.server().statistics().timeouts == 1; }));
  EXPECT_TRUE(eventually([&] { return test.server().statistics().connections == 0; }));
  EXPECT_EQ(test.sources_alive, 0);
}

TEST(Server, TellsAHandlerThatItsPeerClosed) {
  ServerUnderTest test;
  RawPeer closing(test.port());
  RawPeer resetting(test.port());
  ASSERT_TRUE(closing.send(get("/until-closed")));
  ASSERT_TRUE(resetting.send(get("/until-closed")));
  ASSERT_TRUE(eventually([&] { return test.server().statistics().requests == 2; }));
  EXPECT_EQ(test.peers_gone, 0);
  closing.close();
  EXPECT_TRUE(eventually([&] { return test.peers_gone == 1; }));
  resetting.reset();
  EXPECT_TRUE(eventually([&] { return test.peers_gone == 2; }));
  EXPECT_TRUE(eventually([&] { return test.server().statistics().connections == 0; }));
}

TEST(Server, DoesNotTakeAPipelinedRequestForTheEnd) {
  ServerUnderTest test;
  RawPeer in_one_go(test.port());
  RawPeer later(test.port());
  ASSERT_TRUE(in_one_go.send(get("/first-of") + get("/hello")));
  ASSERT_TRUE(later.send(get("/first-of")));
  ASSERT_TRUE(test.gate.has_waiting(2));
  ASSERT_TRUE(later.send(get("/hello")));
  EXPECT_FALSE(later.hears_within(milliseconds(30)));
  test.gate.open();
  for (auto* peer : {&in_one_go, &later}) {
    EXPECT_EQ(peer->receive().body, "through");
    EXPECT_EQ(peer->receive().body, "hello");
  }
  EXPECT_EQ(test.peers_gone, 0);
}

TEST(Server, AcceptsNoMoreThanTheLimit) {
  ServerUnderTest test({.threads = 2, .max_connections = 2});
  RawPeer first(test.port());
  RawPeer second(test.port());
  ASSERT_TRUE(first.send(get("/hello")));
  EXPECT_EQ(first.receive().body, "hello");
  ASSERT_TRUE(second.send(get("/hello")));
  EXPECT_EQ(second.receive().body, "hello");
  RawPeer third(test.port());
  ASSERT_TRUE(third.send(get("/hello")));
  EXPECT_FALSE(third.hears_within(milliseconds(50)));
  EXPECT_EQ(test.server().statistics().accepted, 2);
  first.close();
  EXPECT_EQ(third.receive().body, "hello");
}

TEST(Server, SurvivesALackOfFileDescriptors) {
  ServerUnderTest test;
  RawPeer peer;
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit small = old;
  small.rlim_cur = 0;  // no new descriptor for anyone
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  const bool connected = peer.connect(test.port()) && peer.send(get("/hello"));
  const bool answered = connected && peer.hears_within(milliseconds(50));
  ::setrlimit(RLIMIT_NOFILE, &old);
  ASSERT_TRUE(connected);
  EXPECT_FALSE(answered);
  EXPECT_EQ(peer.receive().body, "hello");
}

TEST(Server, SaysWhyItCannotListen) {
  ServerUnderTest test;
  Server same({.port = test.port()}, {});
  auto started = same.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::kUsage);
  EXPECT_THAT(started.error().text(), ::testing::HasSubstr("the address is in use"));
  Server nowhere({.address = "192.0.2.1"}, {});
  started = nowhere.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().text(), ::testing::StartsWith("Cannot listen on 192.0.2.1:0: "));
}

}  // namespace
}  // namespace mito::http::testing
