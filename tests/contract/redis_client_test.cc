#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sync.h"
#include "redis/client.h"
#include "redis/task_states.h"
#include "support/redis_server.h"

// The client on a real server.
namespace mito::redis {
namespace {

using mito::testing::RedisServer;
using mito::testing::wait_for;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ClientSettings quick(const std::string& url) {
  ClientSettings out;
  out.address = Address::parse(url).value();
  out.first_retry = milliseconds(10);
  out.longest_retry = milliseconds(50);
  return out;
}

class RedisClient : public ::testing::Test {
 protected:
  void SetUp() override { MITO_NEED_PROGRAM("redis-server"); }

  static std::string value(Client& client, const std::string& key) {
    auto reply = client.ask({"GET", key}, seconds(10));
    return reply ? reply->text : reply.error().text();
  }
};

/// What a listener heard.
struct Heard {
  Sync<std::vector<std::string>> messages;
  std::atomic<int> joined = 0;
  std::atomic<int> lost = 0;

  Client::Callbacks callbacks() {
    return {.message =
                [this](std::string_view channel, std::string_view payload) {
                  messages.lock()->push_back(std::string(channel) + "=" + std::string(payload));
                },
            .joined = [this] { ++joined; },
            .lost = [this] { ++lost; }};
  }
  std::vector<std::string> all() { return *messages.lock(); }
  bool wait_until(std::size_t count) {
    return wait_for([&] { return messages.lock()->size() >= count; });
  }
};

TEST_F(RedisClient, SendsCommandsInOrder) {
  RedisServer server;
  Client client(quick(server.url()));
  for (int i = 0; i < 2'000; ++i)
    client.send({"APPEND", "log", i % 2 == 0 ? "a" : "b"});
  const std::string log = value(client, "log");
  EXPECT_EQ(log.size(), 2'000U);
  EXPECT_EQ(log.substr(0, 6), "ababab");
  EXPECT_EQ(client.statistics().sent, 2'001U);
  EXPECT_EQ(client.statistics().connections, 1U);
}

TEST_F(RedisClient, AnswersEveryKindOfReply) {
  RedisServer server;
  Client client(quick(server.url()));
  const auto ask = [&](Command command) { return client.ask(std::move(command), seconds(10)).value(); };
  EXPECT_EQ(ask({"SET", "k", std::string("a\0\r\n", 4)}).kind, Reply::Kind::kStatus);
  EXPECT_EQ(ask({"GET", "k"}).text, std::string("a\0\r\n", 4));
  EXPECT_EQ(ask({"GET", "none"}).kind, Reply::Kind::kNothing);
  EXPECT_EQ(ask({"STRLEN", "k"}).integer, 4);
  EXPECT_EQ(ask({"MGET", "k", "none"}).list.size(), 2U);
  EXPECT_TRUE(ask({"NOSUCHCOMMAND"}).is_error());
  EXPECT_EQ(ask({"GET", "k"}).kind, Reply::Kind::kText) << "an error does not end the connection";
}

TEST_F(RedisClient, HearsChannelsAndPatterns) {
  RedisServer server;
  Client client(quick(server.url()));
  Heard one;
  Heard all;
  auto first = client.listen({Topic::Kind::kChannel, "task:1"}, one.callbacks()).value();
  auto second = client.listen({Topic::Kind::kPattern, "task:*"}, all.callbacks()).value();
  ASSERT_TRUE(wait_for([&] { return one.joined == 1 && all.joined == 1; }));
  client.send(
      std::vector<Command>{{"PUBLISH", "task:1", "10"}, {"PUBLISH", "task:2", "11"}, {"PUBLISH", "other", "x"}});
  ASSERT_TRUE(all.wait_until(2));
  EXPECT_THAT(all.all(), ElementsAre("task:1=10", "task:2=11"));
  ASSERT_TRUE(one.wait_until(1));
  EXPECT_THAT(one.all(), ElementsAre("task:1=10"));
  first = Listening();
  client.send({"PUBLISH", "task:1", "12"});
  ASSERT_TRUE(all.wait_until(3));
  EXPECT_EQ(one.all().size(), 1U);

  Heard late;
  auto third = client.listen({Topic::Kind::kPattern, "task:*"}, late.callbacks()).value();
  EXPECT_TRUE(wait_for([&] { return late.joined == 1; })) << "a second listener of a topic is told as well";
}

TEST_F(RedisClient, ComesBackAfterTheServer) {
  RedisServer server;
  auto settings = quick(server.url());
  settings.setup = user_rules("wpw", "cpw");
  Client client(settings);
  Heard heard;
  auto listening = client.listen({Topic::Kind::kPattern, "task:*"}, heard.callbacks()).value();
  ASSERT_TRUE(wait_for([&] { return heard.joined == 1; }));
  auto as_worker = quick(server.url());
  as_worker.address = as_worker.address.as("mitosis_worker", "wpw");
  Client worker(as_worker);
  ASSERT_TRUE(worker.wait_until_connected(seconds(10)));

  server.kill();
  ASSERT_TRUE(wait_for([&] { return heard.lost == 1 && !client.statistics().connected; }));
  EXPECT_EQ(client.ask({"GET", "task:1"}, milliseconds(10)).error().code(), ErrorCode::kUnreachable);
  client.send({"SET", "task:kept", "while away"});
  server.start();  // It has forgotten everything, users included.
  ASSERT_TRUE(wait_for([&] { return heard.joined == 2; }));
  EXPECT_EQ(value(client, "task:kept"), "while away");
  worker.send({"PUBLISH", "task:1", "11"});
  EXPECT_TRUE(heard.wait_until(1)) << "the users were made again";
  EXPECT_EQ(client.statistics().connections, 2U);
  EXPECT_EQ(client.statistics().problem, std::nullopt);
}

TEST_F(RedisClient, NoticesAServerThatFallsSilent) {
  RedisServer server;
  auto settings = quick(server.url());
  settings.ping_interval = milliseconds(20);
  settings.answer_timeout = milliseconds(100);
  settings.connect_timeout = milliseconds(100);
  Client client(settings);
  Heard heard;
  auto listening = client.listen({Topic::Kind::kPattern, "task:*"}, heard.callbacks()).value();
  ASSERT_TRUE(wait_for([&] { return heard.joined == 1; }));
  server.signal(SIGSTOP);
  EXPECT_TRUE(wait_for([&] { return heard.lost == 1 && !client.statistics().connected; }));
  EXPECT_THAT(client.statistics().problem->text(), HasSubstr("no answer within"));
  server.signal(SIGCONT);
  EXPECT_TRUE(wait_for([&] { return heard.joined == 2 && client.statistics().connected; }));
}

TEST_F(RedisClient, DropsTheOldestOfTooManyCommands) {
  RedisServer server;
  auto settings = quick(server.url());
  settings.max_queued = 3;
  server.kill();
  Client client(settings);
  ASSERT_TRUE(wait_for([&] { return client.statistics().problem.has_value(); }));
  for (int i = 0; i < 5; ++i)
    client.send({"RPUSH", "list", std::to_string(i)});
  EXPECT_EQ(client.statistics().dropped, 2U);
  EXPECT_EQ(client.statistics().queued, 3U);
  Sync<std::optional<Error>> refused;
  client.ask({"GET", "x"}, [&](Result<Reply> reply) { *refused.lock() = reply.error(); });
  for (int i = 5; i < 8; ++i)
    client.send({"RPUSH", "list", std::to_string(i)});
  ASSERT_TRUE(wait_for([&] { return refused.lock()->has_value(); }));
  EXPECT_EQ((*refused.lock())->code(), ErrorCode::kUnavailable);
  server.start();
  ASSERT_TRUE(client.wait_until_connected(seconds(10)));
  ASSERT_TRUE(wait_for([&] { return client.statistics().sent >= 3; }));
  const auto list = client.ask({"LRANGE", "list", "0", "-1"}, seconds(10)).value().list;
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].text, "5");
  EXPECT_EQ(client.statistics().dropped, 6U);
}

TEST_F(RedisClient, SaysWhyTheServerRefuses) {
  RedisServer server({"--requirepass", "right"});
  for (const auto& [url, words] : std::vector<std::pair<std::string, std::string>>{
           {"redis://127.0.0.1", "refuses us: NOAUTH"},
           {"redis://:wrong@127.0.0.1", "refuses us: WRONGPASS"},
           {"redis://ann:wrong@127.0.0.1", "refuses the user ann: WRONGPASS"},
           {"redis://:right@127.0.0.1", ""}}) {
    Client client(quick(url + ":" + std::to_string(server.port())));
    const auto connected = client.wait_until_connected(seconds(10));
    if (words.empty()) {
      EXPECT_TRUE(connected);
      continue;
    }
    ASSERT_FALSE(connected) << url;
    EXPECT_EQ(connected.error().code(), ErrorCode::kPermissionDenied);
    EXPECT_THAT(connected.error().text(), HasSubstr(words));
  }
}

TEST_F(RedisClient, CountsRefusedCommandsAndGoesOn) {
  RedisServer server;
  auto admin = quick(server.url());
  admin.setup = user_rules("wpw", "cpw");
  Client maker(admin);
  ASSERT_TRUE(maker.wait_until_connected(seconds(10)));
  auto settings = quick(server.url());
  settings.address = settings.address.as("mitosis_client", "cpw");
  Client client(settings);
  client.send({"SET", "task:1", "1"});
  EXPECT_EQ(value(client, "task:1"), "") << "clients may read …";
  EXPECT_EQ(client.statistics().refused, 1U) << "… but not write";
  EXPECT_TRUE(client.ask({"GET", "other"}, seconds(10))->is_error()) << "nor read what is not of tasks";
  EXPECT_TRUE(client.ask({"ACL", "LIST"}, seconds(10))->is_error());
}

TEST_F(RedisClient, SendsWhatIsQueuedBeforeItEnds) {
  RedisServer server;
  {
    Client client(quick(server.url()));
    client.send({"SET", "last", "word"});
  }
  Client other(quick(server.url()));
  EXPECT_EQ(value(other, "last"), "word");
}

TEST_F(RedisClient, EndsAtOnceWithoutAServer) {
  RedisServer server;
  server.kill();
  const auto begin = std::chrono::steady_clock::now();
  bool cancelled = false;
  {
    Client client(quick(server.url()));
    ASSERT_TRUE(wait_for([&] { return client.statistics().problem.has_value(); }));
    client.ask({"GET", "x"},
               [&](const Result<Reply>& reply) { cancelled = reply.error().code() == ErrorCode::kCancelled; });
  }
  EXPECT_TRUE(cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
}

TEST_F(RedisClient, RefusesTooManyListeners) {
  RedisServer server;
  auto settings = quick(server.url());
  settings.max_listeners = 1;
  Client client(settings);
  Heard heard;
  auto first = client.listen({Topic::Kind::kChannel, "a"}, heard.callbacks());
  auto second = client.listen({Topic::Kind::kChannel, "b"}, heard.callbacks());
  ASSERT_TRUE(first);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
  first = Listening();
  EXPECT_TRUE(client.listen({Topic::Kind::kChannel, "b"}, heard.callbacks()));
}

TEST_F(RedisClient, TalksTlsAndChecksTheCertificate) {
  MITO_NEED_PROGRAM("openssl");
  const mito::testing::TemporaryDirectory folder;
  const std::string certificate = folder.path() / "cert.pem";
  const std::string key = folder.path() / "key.pem";
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=redis -addext "
      "subjectAltName=IP:127.0.0.1 -keyout " +
      key + " -out " + certificate + " 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto port = mito::testing::free_port();
  RedisServer server({"--tls-port", std::to_string(port), "--tls-cert-file", certificate, "--tls-key-file", key,
                      "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"});
  const std::string url = "rediss://127.0.0.1:" + std::to_string(port);

  auto trusting = quick(url);
  trusting.ca_file = certificate;
  Client client(trusting);
  Heard heard;
  auto listening = client.listen({Topic::Kind::kChannel, "c"}, heard.callbacks()).value();
  ASSERT_TRUE(wait_for([&] { return heard.joined == 1; }));
  const std::string large(200'000, 'x');
  client.send({"SET", "k", large});
  EXPECT_EQ(value(client, "k"), large);
  client.send({"PUBLISH", "c", "hello"});
  EXPECT_TRUE(heard.wait_until(1));

  Client doubting(quick(url));
  const auto refused = doubting.wait_until_connected(seconds(10));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().text(), HasSubstr("certificate is not valid"));
  Client careless(quick(url + "/#insecure"));
  EXPECT_TRUE(careless.wait_until_connected(seconds(10)));
  auto plain = quick("rediss://127.0.0.1:" + std::to_string(server.port()));
  plain.connect_timeout = milliseconds(500);
  Client mistaken(plain);
  EXPECT_FALSE(mistaken.wait_until_connected(seconds(2))) << "a port that does not speak TLS";
}

TEST_F(RedisClient, UsesUnixSocketsAndDatabases) {
  const mito::testing::TemporaryDirectory folder;
  const std::string socket = folder.path() / "redis.sock";
  RedisServer server({"--unixsocket", socket});
  Client client(quick("unix://" + socket + "?db=3"));
  client.send({"SET", "k", "v"});
  EXPECT_EQ(value(client, "k"), "v");
  Client other(quick(server.url() + "/3"));
  EXPECT_EQ(value(other, "k"), "v");
  Client first(quick(server.url()));
  EXPECT_EQ(value(first, "k"), "");
}

}  // namespace
}  // namespace mito::redis
