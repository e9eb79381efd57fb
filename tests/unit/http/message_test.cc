#include "http/message.h"

#include <gtest/gtest.h>

#include "http/response_head.h"

namespace mito::http {
namespace {

TEST(Headers, CompareNamesWithoutCase) {
  Headers headers;
  headers.add("Content-Type", "a");
  headers.add("X-Other", "b");
  headers.add("content-type", "c");
  ASSERT_NE(headers.find("CONTENT-TYPE"), nullptr);
  EXPECT_EQ(*headers.find("CONTENT-TYPE"), "a");
  EXPECT_EQ(headers.find("content"), nullptr);
  headers.set("content-TYPE", "d");
  EXPECT_EQ(headers.fields().size(), 2);
  EXPECT_EQ(*headers.find("content-type"), "d");
  headers.set("new", "e");
  EXPECT_EQ(*headers.find("New"), "e");
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
}

TEST(ResponseHead, IsWrittenAsAsked) {
  Headers headers;
  headers.add("x-a", "1");
  headers.add("Content-Length", "99");
  headers.add("x-b", "2\r\nx-c: 3");
  std::string out;
  append_response_head(out, 299, headers, {.kind = Framing::Kind::kLength, .length = 7}, ConnectionHeader::kClose,
                       "now");
  EXPECT_EQ(out,
            "HTTP/1.1 299 \r\nx-a: 1\r\nx-b: 2  x-c: 3\r\ncontent-length: 7\r\nconnection: close\r\ndate: now\r\n\r\n");
  out.clear();
  append_response_head(out, 404, {}, {.kind = Framing::Kind::kChunked}, ConnectionHeader::kNone, "now");
  EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\ndate: now\r\n\r\n");
}

TEST(ResponseHead, DatesHaveTheFormOfTheStandard) {
  EXPECT_EQ(format_http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace mito::http
