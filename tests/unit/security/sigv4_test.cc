#include "security/sigv4.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mito::security {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

/// 2013-05-24 00:00:00, the time of the published examples.
constexpr Timestamp kMay{seconds(1'369'353'600)};
constexpr const char* kBucketHost = "examplebucket.s3.amazonaws.com";

// "Signature Calculations for the Authorization Header" and "Authenticating Requests: Using Query Parameters" in the
// Amazon S3 API reference.
const SigV4Signer kPublished({.access_key = "AKIAIOSFODNN7EXAMPLE",
                              .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                              .region = "us-east-1"});

struct Example {
  const char* name;
  SigV4Request request;
  const char* payload;
  const char* signed_headers;
  const char* signature;
};

TEST(SigV4, MakesThePublishedSignaturesOfHeaders) {
  const std::vector<Example> examples{
      {"GET object",
       {.method = "GET", .host = kBucketHost, .path = "/test.txt", .headers = {{"range", "bytes=0-9"}}},
       "",
       "host;range;x-amz-content-sha256;x-amz-date",
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      {"PUT object",
       {.method = "PUT",
        .host = kBucketHost,
        .path = sigv4_encode_path("/test$file.text"),
        .headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
       "Welcome to Amazon S3.",
       "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {"GET bucket lifecycle",
       {.method = "GET", .host = kBucketHost, .path = "/", .query = {{"lifecycle", ""}}},
       "",
       "host;x-amz-content-sha256;x-amz-date",
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {"GET bucket (list objects)",
       {.method = "GET", .host = kBucketHost, .path = "/", .query = {{"max-keys", "2"}, {"prefix", "J"}}},
       "",
       "host;x-amz-content-sha256;x-amz-date",
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
  };
  for (const auto& [name, request, payload, signed_headers, signature] : examples) {
    const auto headers = kPublished.sign(request, payload, kMay);
    ASSERT_EQ(headers.size(), 3U);
    EXPECT_EQ(headers[1], (std::pair<std::string, std::string>("x-amz-date", "20130524T000000Z")));
    EXPECT_EQ(headers[2].first, "Authorization");
    EXPECT_EQ(headers[2].second,
              std::string("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                          "SignedHeaders=") +
                  signed_headers + ", Signature=" + signature)
        << name;
  }
}

TEST(SigV4, TellsTheHashOfThePayload) {
  const auto headers =
      kPublished.sign({.method = "PUT", .host = kBucketHost, .path = "/a"}, "Welcome to Amazon S3.", kMay);
  EXPECT_EQ(headers[0].second, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
}

TEST(SigV4, MakesThePublishedPresignedUrl) {
  EXPECT_EQ(kPublished.presign({.method = "GET", .host = kBucketHost, .path = "/test.txt"}, seconds(86'400), kMay),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%"
            "2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

// reference/server.md, appendix A: those of the original.
const SigV4Signer kOriginal({.access_key = "mitosis_access", .secret_key = "mitosis_secret", .region = "mitosis"});
/// 2025-11-21 12:00:00
constexpr Timestamp kNovember{seconds(1'763'726'400)};

TEST(SigV4, MakesTheOriginalsUrls) {
  EXPECT_EQ(kOriginal.presign({.method = "PUT",
                               .host = "127.0.0.1:9000",
                               .path = "/mitosis-artifacts/550e8400-e29b-41d4-a716-446655440000/result.tar.gz",
                               .query = {{"x-id", "PutObject"}},
                               .headers = {{"content-length", "1024"}}},
                              seconds(3600), kNovember),
            "x-id=PutObject&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=mitosis_access%2F20251121%2Fmitosis%2Fs3%"
            "2Faws4_request&X-Amz-Date=20251121T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=content-length%3Bhost&"
            "X-Amz-Signature=8ec1c631d636cdfe5331d8f7d61f8a695fe1dad893883c6c54eb94b3f01a7253");
  const std::string path = sigv4_encode_path("/mitosis-attachments/mygroup/dir/a b+&.txt");
  EXPECT_EQ(path, "/mitosis-attachments/mygroup/dir/a%20b%2B%26.txt");
  EXPECT_EQ(
      kOriginal.presign({.method = "GET", .host = "127.0.0.1:9000", .path = path, .query = {{"x-id", "GetObject"}}},
                        seconds(3600), kNovember),
      "x-id=GetObject&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=mitosis_access%2F20251121%2Fmitosis%2Fs3%"
      "2Faws4_request&X-Amz-Date=20251121T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature="
      "0bf85879391fb095ae51b0357fff8afce222a72a404afb463dccdc673335302d");
}

TEST(SigV4, UsesTheKeyOfTheDay) {
  const SigV4Request request{.method = "GET", .host = "h", .path = "/a"};
  const auto today = kOriginal.presign(request, seconds(60), kNovember);
  EXPECT_THAT(kOriginal.presign(request, seconds(60), kNovember + std::chrono::hours(24)), HasSubstr("20251122"));
  EXPECT_EQ(kOriginal.presign(request, seconds(60), kNovember), today);
}

TEST(SigV4, DependsOnEverything) {
  const SigV4Request request{
      .method = "GET", .host = "h", .path = "/a", .query = {{"b", "1"}}, .headers = {{"c", "d"}}};
  const auto signature = [](const SigV4Signer& signer, const SigV4Request& of) {
    const std::string url = signer.presign(of, seconds(60), kNovember);
    return url.substr(url.rfind('='));
  };
  const std::string base = signature(kOriginal, request);
  std::vector<SigV4Request> others(5, request);
  others[0].method = "PUT";
  others[1].host = "h:1";
  others[2].path = "/b";
  others[3].query[0].second = "2";
  others[4].headers[0].second = "e";
  for (const auto& other : others)
    EXPECT_NE(signature(kOriginal, other), base);
  for (const SigV4Signer::Settings& settings :
       {SigV4Signer::Settings{"mitosis_access", "other", "mitosis"}, {"mitosis_access", "mitosis_secret", "elsewhere"}})
    EXPECT_NE(signature(SigV4Signer(settings), request), base);
}

}  // namespace
}  // namespace mito::security
