#include "security/object_url.h"

#include <string>

#include <gtest/gtest.h>

namespace mito::security {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

ObjectUrlSigner signer() {
  return ObjectUrlSigner("0123456789abcdef0123456789abcdef");
}

ObjectGrant put_grant() {
  return {.method = "PUT",
          .bucket = "mitosis-artifacts",
          .key = "a/result.tar.gz",
          .expires_at = kNow + 3600,
          .length = 1024};
}

ObjectGrant get_grant(std::string key = "group/dir/a b+&.txt") {
  return {.method = "GET",
          .bucket = "mitosis-attachments",
          .key = std::move(key),
          .expires_at = kNow + 3600,
          .length = std::nullopt};
}

struct Target {
  std::string path;
  std::string query;
};

Target split(const std::string& target) {
  const std::size_t mark = target.find('?');
  return {target.substr(0, mark), target.substr(mark + 1)};
}

Result<ObjectGrant> verify(const std::string& target, std::string_view method, std::int64_t now = kNow) {
  const Target parts = split(target);
  return signer().verify(method, parts.path, parts.query, now);
}

/// `text` with its first `from` replaced.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " is not in " << text;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

void expect_refused(const Result<ObjectGrant>& result, const std::string& part) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_NE(result.error().text().find(part), std::string::npos) << result.error().text();
}

TEST(ObjectUrl, GrantsWhatWasSigned) {
  const auto put = verify(signer().sign(put_grant()), "PUT");
  ASSERT_TRUE(put.has_value());
  EXPECT_EQ(put->method, "PUT");
  EXPECT_EQ(put->bucket, "mitosis-artifacts");
  EXPECT_EQ(put->key, "a/result.tar.gz");
  EXPECT_EQ(put->expires_at, kNow + 3600);
  EXPECT_EQ(put->length, 1024U);
  const auto get = verify(signer().sign(get_grant()), "GET");
  ASSERT_TRUE(get.has_value());
  EXPECT_EQ(get->key, "group/dir/a b+&.txt");
  EXPECT_EQ(get->length, std::nullopt);
}

TEST(ObjectUrl, OfAGetAllowsHead) {
  EXPECT_TRUE(verify(signer().sign(get_grant()), "HEAD").has_value());
  expect_refused(verify(signer().sign(put_grant()), "HEAD"), "signed for PUT, not for HEAD");
}

TEST(ObjectUrl, IsForOneMethod) {
  expect_refused(verify(signer().sign(get_grant()), "PUT"), "signed for GET, not for PUT");
  expect_refused(verify(signer().sign(put_grant()), "GET"), "signed for PUT, not for GET");
}

TEST(ObjectUrl, Expires) {
  const std::string target = signer().sign(get_grant());
  EXPECT_TRUE(verify(target, "GET", kNow + 3599).has_value());
  expect_refused(verify(target, "GET", kNow + 3600), "expired");
}

TEST(ObjectUrl, HasAPathThatCanBeRead) {
  const Target parts = split(signer().sign(get_grant()));
  EXPECT_EQ(parts.path, "/objects/mitosis-attachments/group/dir/a%20b%2B%26.txt");
}

class ObjectUrlKey : public testing::TestWithParam<std::string> {};

TEST_P(ObjectUrlKey, SurvivesAnyBytes) {
  const std::string target = signer().sign(get_grant(GetParam()));
  const auto grant = verify(target, "GET");
  ASSERT_TRUE(grant.has_value()) << target;
  EXPECT_EQ(grant->key, GetParam());
  EXPECT_EQ(target.find_first_of(" \n#"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Keys, ObjectUrlKey,
                         testing::Values("a", "a/b", "a/..", "a/./b", "a//b", "a/", "a%2Fb", "a?b=c&d#e",
                                         "\u00e9/\U0001F600", std::string("a\0\n\xff", 4), "", "a\\b", "x y/z;w=1,2"));

TEST(ObjectUrl, EscapesSlashesWhereClientsRewritePaths) {
  EXPECT_EQ(split(signer().sign(get_grant("g/.."))).path, "/objects/mitosis-attachments/g%2F..");
  EXPECT_EQ(split(signer().sign(get_grant("g/.a/b"))).path, "/objects/mitosis-attachments/g/.a/b");
}

TEST(ObjectUrl, IgnoresParametersOfOthers) {
  EXPECT_TRUE(verify(signer().sign(get_grant()) + "&op=force&x", "GET").has_value());
}

struct Change {
  const char* name;
  const char* from;
  const char* to;
};

class ObjectUrlForged : public testing::TestWithParam<Change> {};

TEST_P(ObjectUrlForged, IsRefused) {
  const std::string target = replaced(signer().sign(put_grant()), GetParam().from, GetParam().to);
  expect_refused(verify(target, "PUT"), "signature");
}

INSTANTIATE_TEST_SUITE_P(
    Changes, ObjectUrlForged,
    testing::Values(Change{"key", "result.tar.gz", "std-log.tar.gz"}, Change{"bucket", "artifacts", "attachments"},
                    Change{"length", "length=1024", "length=1025"}, Change{"length_removed", "&length=1024", ""},
                    Change{"expiry", "expires=1800003600", "expires=1900003600"},
                    Change{"method", "method=PUT", "method=GET"}, Change{"signature_removed", "&signature=", "&other="},
                    Change{"signature_empty", "&signature=", "&signature=&x="},
                    Change{"signature_changed", "&signature=", "&signature=A"},
                    Change{"length_twice", "&length=1024", "&length=1024&length=1024"},
                    Change{"expiry_no_number", "expires=1800003600", "expires=soon"},
                    Change{"length_negative", "length=1024", "length=-1"},
                    Change{"other_path", "/objects/", "/object/"},
                    Change{"no_key", "mitosis-artifacts/a/result.tar.gz", "mitosis-artifacts"},
                    Change{"slash_moved_into_bucket", "mitosis-artifacts/a", "mitosis-artifacts%2Fa"}),
    [](const auto& test) { return test.param.name; });

TEST(ObjectUrl, NeedsTheSameSecret) {
  const Target parts = split(ObjectUrlSigner("another secret of thirty-two byte").sign(get_grant()));
  expect_refused(signer().verify("GET", parts.path, parts.query, kNow), "signature");
}

TEST(ObjectUrl, RefusesRubbish) {
  for (const char* path : {"", "/", "/objects", "/objects/", "/objects/a", "/objects/a/b", "/objects//"}) {
    for (const char* query : {"", "&&&", "=", "signature", "signature=%", "method=GET&expires=1&signature=x"}) {
      expect_refused(signer().verify("GET", path, query, kNow), "signature");
    }
  }
}

}  // namespace
}  // namespace mito::security
