#include <gtest/gtest.h>

#include "unit/http/raw_peer.h"
#include "unit/http/server_under_test.h"

// What the transport refuses by itself, and bodies that are not what they should be (reference/server.md 1.1).
namespace mito::http::testing {
namespace {

using std::chrono::milliseconds;

struct Refusal {
  const char* name;
  std::string bytes;
  unsigned status;
};
void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

std::string many_fields(int count) {
  std::string out = "GET /hello HTTP/1.1\r\n";
  for (int i = 0; i < count; ++i)
    out += "x-" + std::to_string(i) + ": 1\r\n";
  return out + "\r\n";
}

class Refusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refusals, AreEmptyAndEndTheConnection) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  peer.send(GetParam().bytes);
  auto response = peer.receive();
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(response.header("content-length"), "0");
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_EQ(response.headers.fields().size(), 3);
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(test.server().statistics().refused, 1);
  EXPECT_EQ(test.server().statistics().requests, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Server, Refusals,
    ::testing::Values(
        Refusal{"TargetTooLong", "GET /" + std::string(65'534, 'a') + " HTTP/1.1\r\n\r\n", 414},
        Refusal{"TargetWithoutEnd", "GET /" + std::string(100'000, 'a'), 414},
        Refusal{"TargetBeyondTheHead", "GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\n\r\n", 414},
        Refusal{"TooManyFields", many_fields(101), 431},
        Refusal{"HeadTooLarge", "GET /hello HTTP/1.1\r\nx: " + std::string(500 << 10, 'a') + "\r\n\r\n", 431},
        Refusal{"HeadWithoutEnd", "GET /hello HTTP/1.1\r\nx: " + std::string(1 << 20, 'a'), 431},
        Refusal{"NoVersion", "GET /hello\r\n\r\n", 400}, Refusal{"OtherVersion", "GET /hello HTTP/2.0\r\n\r\n", 400},
        Refusal{"OtherProtocol", "GET /hello FTP/1.1\r\n\r\n", 400}, Refusal{"NoTarget", "GET HTTP/1.1\r\n\r\n", 400},
        Refusal{"TlsHello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400},
        Refusal{"BadMethod", "G(T /hello HTTP/1.1\r\n\r\n", 400},
        Refusal{"BlankInTarget", "GET /a b HTTP/1.1\r\n\r\n", 400},
        Refusal{"ControlInTarget", "GET /a\x01 HTTP/1.1\r\n\r\n", 400},
        Refusal{"BlankBeforeColon", "GET / HTTP/1.1\r\nhost : a\r\n\r\n", 400},
        Refusal{"NoColon", "GET / HTTP/1.1\r\nhost\r\n\r\n", 400},
        Refusal{"NulInField", std::string("GET / HTTP/1.1\r\nx: a\0b\r\n\r\n", 26), 400},
        Refusal{"ControlInField", "GET / HTTP/1.1\r\nx: a\x01\r\n\r\n", 400},
        Refusal{"LengthNotANumber", "POST /echo HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400},
        Refusal{"LengthNegative", "POST /echo HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400},
        Refusal{"LengthSigned", "POST /echo HTTP/1.1\r\ncontent-length: +1\r\n\r\n", 400},
        Refusal{"LengthEmpty", "POST /echo HTTP/1.1\r\ncontent-length:\r\n\r\n", 400},
        Refusal{"LengthTooLarge", "POST /echo HTTP/1.1\r\ncontent-length: 18446744073709551616\r\n\r\n", 400},
        Refusal{"LengthsContradict", "POST /echo HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400},
        Refusal{"LengthAndChunked", "POST /echo HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
                400},
        Refusal{"ChunkedAndLength", "POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n",
                400},
        Refusal{"OtherEncoding", "POST /echo HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", 400},
        Refusal{"ChunkedNotLast", "POST /echo HTTP/1.1\r\ntransfer-encoding: chunked, gzip\r\n\r\n", 400},
        Refusal{"ChunkedInHttp10", "POST /echo HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400}),
    [](const auto& of) { return of.param.name; });

TEST(ServerLimits, AcceptsWhatJustFits) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send("GET /" + std::string(65'533, 'a') + " HTTP/1.1\r\n\r\n" + many_fields(100) +
                        "GET /hello HTTP/1.1\r\nx: " + std::string(400 << 10, 'a') + "\r\n\r\n" +
                        "POST /echo HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na"));
  EXPECT_EQ(peer.receive().status, 404);
  EXPECT_EQ(peer.receive().body, "hello");
  EXPECT_EQ(peer.receive().body, "hello");
  EXPECT_EQ(peer.receive().body, "a");
}

struct BadChunks {
  const char* name;
  const char* bytes;
};
void PrintTo(const BadChunks& bad, std::ostream* out) {
  *out << bad.name;
}

class ChunkErrors : public ::testing::TestWithParam<BadChunks> {};

TEST_P(ChunkErrors, MakeTheBodyUnreadable) {
  ServerUnderTest test;
  for (const auto* path : {"/echo", "/count"}) {
    RawPeer peer(test.port());
    ASSERT_TRUE(
        peer.send("POST " + std::string(path) + " HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + GetParam().bytes));
    peer.shut_down_sending();
    auto response = peer.receive();
    EXPECT_EQ(response.status, 400) << path;
    EXPECT_EQ(response.body, "unreadable");
    EXPECT_EQ(response.header("connection"), "close");
    EXPECT_TRUE(peer.is_closed());
  }
}

INSTANTIATE_TEST_SUITE_P(Server, ChunkErrors,
                         ::testing::Values(BadChunks{"NoSize", "\r\nabc\r\n0\r\n\r\n"},
                                           BadChunks{"NotHex", "xyz\r\nabc\r\n0\r\n\r\n"},
                                           BadChunks{"Negative", "-1\r\nabc\r\n0\r\n\r\n"},
                                           BadChunks{"Overflow", "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n"},
                                           BadChunks{"NoLineEndBehindData", "3\r\nabcd0\r\n\r\n"},
                                           BadChunks{"BareLineFeed", "3\nabc\n0\n\n"}, BadChunks{"EndsInSize", "3"},
                                           BadChunks{"EndsInData", "3\r\nab"},
                                           BadChunks{"EndsBeforeLastChunk", "3\r\nabc\r\n"},
                                           BadChunks{"EndsInTrailer", "3\r\nabc\r\n0\r\nx: 1\r\n"},
                                           BadChunks{"BadTrailer", "0\r\nno colon\r\n\r\n"}, BadChunks{"Nothing", ""}),
                         [](const auto& of) { return of.param.name; });

TEST(ServerLimits, ReadsChunksWithExtensionsAndTrailers) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  const std::string head = "POST /echo HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n";
  ASSERT_TRUE(peer.send(head + "3;name=value;other=\"q\"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, "abc0123456789");
  for (char c : head + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    ASSERT_TRUE(peer.send(std::string(1, c)));
  EXPECT_EQ(peer.receive().body, "abcde");
}

TEST(ServerLimits, AnEndlessChunkLineIsRefused) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  peer.send("POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=" + std::string(200'000, 'a'));
  EXPECT_EQ(peer.receive().status, 400);
}

TEST(ServerLimits, StreamsLargeBodies) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  const std::string piece(1 << 20, 'a');
  ASSERT_TRUE(peer.send("PUT /count HTTP/1.1\r\ncontent-length: 20971520\r\n\r\n"));
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(peer.send(piece));
  EXPECT_EQ(peer.receive().body, "20971520");
  ASSERT_TRUE(peer.send("PUT /count HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"));
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(peer.send("100000\r\n" + piece + "\r\n"));
  ASSERT_TRUE(peer.send("0\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, "5242880");
}

TEST(ServerLimits, AnAnswerToAnUnreadBodyArrives) {
  ServerUnderTest test;
  const std::string body(3 << 20, ' ');
  for (const auto* path : {"/echo", "/ignore"}) {
    RawPeer peer(test.port());
    ASSERT_TRUE(peer.send("POST " + std::string(path) + " HTTP/1.1\r\ncontent-length: " + std::to_string(body.size()) +
                          "\r\n\r\n" + body));
    auto response = peer.receive();
    EXPECT_EQ(response.status, path == std::string("/echo") ? 413 : 401);
    EXPECT_EQ(response.header("connection"), "close");
    EXPECT_TRUE(peer.is_closed());
  }
}

TEST(ServerLimits, AChunkedBodyOverTheLimitIsTooLarge) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send("POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n200000\r\n" +
                        std::string(2 << 20, 'a') + "\r\n1\r\na\r\n0\r\n\r\n"));
  EXPECT_EQ(peer.receive().status, 413);
}

TEST(ServerLimits, ABodyOfExactlyTheLimitPasses) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  const std::string body(2 << 20, 'a');
  ASSERT_TRUE(peer.send("POST /echo HTTP/1.1\r\ncontent-length: 2097152\r\n\r\n" + body));
  EXPECT_EQ(peer.receive().body, body);
  ASSERT_TRUE(
      peer.send("POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n200000\r\n" + body + "\r\n0\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, body);
}

TEST(ServerLimits, ASmallUnreadBodyKeepsTheConnection) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send("POST /ignore HTTP/1.1\r\ncontent-length: 100000\r\n\r\n" + std::string(100'000, 'a')));
  auto response = peer.receive();
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.header("connection"), "");
  ASSERT_TRUE(peer.send("GET /hello HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, "hello");
}

TEST(ServerLimits, AsksForABodyOnlyWhenItIsRead) {
  ServerUnderTest test;
  RawPeer reading(test.port());
  ASSERT_TRUE(reading.send("POST /echo HTTP/1.1\r\nexpect: 100-Continue\r\ncontent-length: 3\r\n\r\n"));
  EXPECT_EQ(reading.receive().status, 100);
  ASSERT_TRUE(reading.send("abc"));
  EXPECT_EQ(reading.receive().body, "abc");

  RawPeer refused(test.port());
  ASSERT_TRUE(refused.send("POST /ignore HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"));
  auto response = refused.receive();
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.header("connection"), "close");

  RawPeer too_large(test.port());
  ASSERT_TRUE(too_large.send("POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3000000\r\n\r\n"));
  EXPECT_EQ(too_large.receive().status, 413);

  RawPeer empty(test.port());
  ASSERT_TRUE(empty.send("POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n"));
  EXPECT_EQ(empty.receive().status, 200);
}

TEST(ServerLimits, GivesUpOnABodyThatDoesNotCome) {
  ServerUnderTest test({.body_stall_timeout = milliseconds(60)});
  for (const auto* path : {"/echo", "/count"}) {
    RawPeer peer(test.port());
    ASSERT_TRUE(peer.send("POST " + std::string(path) + " HTTP/1.1\r\ncontent-length: 3\r\n\r\na"));
    auto response = peer.receive();
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.header("connection"), "close");
  }
  EXPECT_EQ(test.server().statistics().timeouts, 2);
}

TEST(ServerLimits, SurvivesAResetInABody) {
  ServerUnderTest test;
  RawPeer peer(test.port());
  ASSERT_TRUE(peer.send("POST /count HTTP/1.1\r\ncontent-length: 300\r\n\r\nabc"));
  ASSERT_TRUE(eventually([&] { return test.server().statistics().requests == 1; }));
  peer.reset();
  EXPECT_TRUE(eventually([&] { return test.server().statistics().connections == 0; }));
}

}  // namespace
}  // namespace mito::http::testing
