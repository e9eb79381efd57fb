#include <chrono>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "unit/http/raw_peer.h"
#include "unit/http/server_under_test.h"

namespace mito::http::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\n\r\n";
}

TEST(ServerStop, AnswersWhatIsInFlight) {
  ServerUnderTest test({.threads = 2});
  RawPeer idle(test.port());
  RawPeer busy(test.port());
  ASSERT_TRUE(idle.send(get("/hello")));
  EXPECT_EQ(idle.receive().body, "hello");
  ASSERT_TRUE(busy.send(get("/gate")));
  ASSERT_TRUE(test.gate.has_waiting(1));
  auto stopped = std::async(std::launch::async, [&] { test.server().stop(seconds(60)); });

  // While a request is in flight an idle connection may send one more, and is told that it is the last.
  std::string connection;
  EXPECT_TRUE(eventually([&] {
    idle.send(get("/hello"));
    connection = idle.receive().header("connection");
    return connection == "close";
  }));
  EXPECT_TRUE(idle.is_closed());
  idle.close();
  EXPECT_EQ(stopped.wait_for(milliseconds(0)), std::future_status::timeout);
  test.gate.open();
  auto response = busy.receive();
  EXPECT_EQ(response.body, "through");
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(busy.is_closed());
  busy.close();
  EXPECT_EQ(stopped.wait_for(seconds(10)), std::future_status::ready);
}

TEST(ServerStop, ClosesIdleConnectionsAtOnceWhenNothingIsInFlight) {
  ServerUnderTest test;
  RawPeer idle(test.port());
  ASSERT_TRUE(idle.send(get("/hello")));
  EXPECT_EQ(idle.receive().body, "hello");
  const auto began = std::chrono::steady_clock::now();
  test.server().stop(seconds(60));
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(10));
  EXPECT_TRUE(idle.is_closed());
  EXPECT_THROW(RawPeer{test.port()}, std::runtime_error);
}

TEST(ServerStop, CutsOffWhatIsInFlightAtTheEndOfTheGracePeriod) {
  ServerUnderTest test;
  RawPeer busy(test.port());
  ASSERT_TRUE(busy.send(get("/gate")));
  ASSERT_TRUE(test.gate.has_waiting(1));
  test.server().stop(milliseconds(30));
  EXPECT_TRUE(busy.is_closed());
}

TEST(ServerStop, AbortEndsAWaitingStop) {
  ServerUnderTest test({.threads = 2});
  RawPeer gate(test.port());
  RawPeer closed(test.port());
  RawPeer body(test.port());
  ASSERT_TRUE(gate.send(get("/first-of")));
  ASSERT_TRUE(closed.send(get("/until-closed")));
  ASSERT_TRUE(body.send("POST /echo HTTP/1.1\r\ncontent-length: 9\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return test.server().statistics().requests == 3; }));
  auto stopped = std::async(std::launch::async, [&] { test.server().stop(seconds(60)); });
  EXPECT_EQ(stopped.wait_for(milliseconds(30)), std::future_status::timeout);
  test.server().abort();
  EXPECT_EQ(stopped.wait_for(seconds(10)), std::future_status::ready);
  for (auto* peer : {&gate, &closed, &body})
    EXPECT_TRUE(peer->is_closed());
  EXPECT_EQ(test.server().statistics().connections, 0);
}

TEST(ServerStop, TheDestructorEndsEverything) {
  std::unique_ptr<RawPeer> peer;
  {
    ServerUnderTest test;
    peer = std::make_unique<RawPeer>(test.port());
    ASSERT_TRUE(peer->send(get("/until-closed")));
    ASSERT_TRUE(eventually([&] { return test.server().statistics().requests == 1; }));
  }
  EXPECT_TRUE(peer->is_closed());
}

TEST(ServerStop, StopsInTheMiddleOfTraffic) {
  ServerUnderTest test({.threads = 2});
  std::atomic<int> broken = 0;
  std::atomic<int> answered = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      RawPeer peer(test.port());
      for (;;) {
        if (!peer.send(get("/source"))) return;
        auto response = peer.receive();
        if (response.status == 0) return;  // closed before the answer began
        if (!response.whole) ++broken;
        ++answered;
        if (response.header("connection") == "close") return;
      }
    });
  }
  ASSERT_TRUE(eventually([&] { return answered > 8; }));
  test.server().stop(seconds(60));
  for (auto& client : clients)
    client.join();
  EXPECT_EQ(broken, 0);
}

}  // namespace
}  // namespace mito::http::testing
