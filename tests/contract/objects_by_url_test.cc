#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/client.h"
#include "storage/objects/open.h"
#include "support/s3_server.h"

// What every object store does, whoever serves its bytes.
namespace mito::storage {
namespace {

using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct Kind {
  const char* name;
  const char* url;  ///< Of open_objects(); empty: S3.
};
void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

class AnyObjects : public ::testing::TestWithParam<Kind> {
 protected:
  static void SetUpTestSuite() {
    if (mito::testing::find_program("rclone")) server_ = std::make_unique<mito::testing::S3Server>();
  }
  static void TearDownTestSuite() { server_.reset(); }

  void SetUp() override {
    const std::string kind = GetParam().url;
    if (!kind.empty()) {
      auto opened = open_objects(kind == "file:" ? kind + directory_.path().string() : kind, signer_, 0);
      ASSERT_TRUE(opened);
      local_ = opened->get();
      store_ = std::move(*opened);
      return;
    }
    MITO_NEED_PROGRAM("rclone");
    static int tests = 0;
    ++tests;  // Each has buckets of its own.
    auto opened = open_s3_objects({.url = server_->url(),
                                   .access_key = mito::testing::S3Server::kAccessKey,
                                   .secret_key = mito::testing::S3Server::kSecretKey,
                                   .region = "mitosis",
                                   .artifacts_bucket = "artifacts-" + std::to_string(tests),
                                   .attachments_bucket = "attachments-" + std::to_string(tests)});
    ASSERT_TRUE(opened) << opened.error().text();
    remote_ = opened->get();
    store_ = std::move(*opened);
  }

  /// Puts an object as a peer does who was given its URL; the status of the answer.
  unsigned put(const ObjectKey& key, const std::string& bytes) {
    const auto url = store_->upload_url(key, bytes.size(), seconds(60), "http://here");
    if (!url) return 0;
    if (local_ == nullptr) {
      const auto answer = client_.send_and_wait({.method = "PUT", .url = *url, .body = bytes});
      return answer ? answer->status : 0;
    }
    auto upload = local_->begin_upload(granted("PUT", *url), bytes.size());
    return upload && (*upload)->write(bytes) && (*upload)->commit() ? 200 : 500;
  }
  std::string get(const ObjectKey& key) {
    const auto url = store_->download_url(key, seconds(60), "http://here").value();
    if (local_ == nullptr) {
      const auto answer = client_.send_and_wait({.url = url});
      if (!answer) return answer.error().text();
      return answer->status == 404 ? "no such object" : answer->body;
    }
    auto reader = local_->open(granted("GET", url)).value();
    if (!reader) return "no such object";
    std::string bytes(reader->size(), '\0');
    const auto count = reader->read_at(0, bytes.data(), bytes.size()).value();
    return bytes.substr(0, count);
  }

  const mito::testing::TemporaryDirectory directory_;
  const security::ObjectUrlSigner signer_{std::string(32, 's')};
  std::unique_ptr<ObjectStore> store_;
  LocalObjectStore* local_ = nullptr;
  RemoteObjectStore* remote_ = nullptr;
  http::Client client_{{}};

 private:
  ObjectKey granted(const std::string& method, const std::string& url) {
    const std::string target = url.substr(std::string("http://here").size());
    const auto question = target.find('?');
    const auto now = std::chrono::floor<seconds>(Clock::system().now()).time_since_epoch().count();
    const auto grant = signer_.verify(method, target.substr(0, question), target.substr(question + 1), now).value();
    return {*parse_bucket(grant.bucket), grant.key};
  }

  static std::unique_ptr<mito::testing::S3Server> server_;
};
std::unique_ptr<mito::testing::S3Server> AnyObjects::server_;

const ObjectKey kKey{Bucket::kAttachments, "group/data.bin"};

TEST_P(AnyObjects, GiveBackWhatWasPut) {
  EXPECT_EQ(get(kKey), "no such object");
  EXPECT_EQ(store_->size(kKey).value(), std::nullopt);
  EXPECT_EQ(put(kKey, "some bytes"), 200U);
  EXPECT_EQ(get(kKey), "some bytes");
  EXPECT_EQ(store_->size(kKey).value(), 10U);
  EXPECT_EQ(put(kKey, ""), 200U);
  EXPECT_EQ(get(kKey), "");
  EXPECT_EQ(store_->size(kKey).value(), 0U);
}

TEST_P(AnyObjects, AreGoneWhenRemoved) {
  put(kKey, "bytes");
  put({Bucket::kArtifacts, kKey.key}, "other");
  EXPECT_TRUE(store_->remove(kKey));
  EXPECT_EQ(get(kKey), "no such object");
  EXPECT_EQ(get({Bucket::kArtifacts, kKey.key}), "other");
  EXPECT_TRUE(store_->remove(kKey)) << "a missing object is no error";
  put(kKey, "again");
  EXPECT_EQ(get(kKey), "again");
}

TEST_P(AnyObjects, AreRemovedTogether) {
  std::vector<ObjectKey> keys;
  for (int i = 0; i < 20; ++i)
    keys.push_back({i % 2 == 0 ? Bucket::kArtifacts : Bucket::kAttachments, "k/" + std::to_string(i) + " <&>"});
  for (const auto& key : keys)
    ASSERT_EQ(put(key, "x"), 200U);
  ASSERT_EQ(put(kKey, "stays"), 200U);
  keys.push_back({Bucket::kArtifacts, "never there"});
  EXPECT_THAT(store_->remove_all(keys, {}), IsEmpty());
  for (const auto& key : keys)
    EXPECT_EQ(get(key), "no such object") << key.key;
  EXPECT_EQ(get(kKey), "stays");
  EXPECT_THAT(store_->remove_all({}, {}), IsEmpty());
}

TEST_P(AnyObjects, StayWhenTheirRemovalIsWithdrawn) {
  const std::vector<ObjectKey> keys{{Bucket::kArtifacts, "t/a"}, {Bucket::kArtifacts, "t/b"}, kKey};
  for (const auto& key : keys)
    ASSERT_EQ(put(key, "x"), 200U);
  EXPECT_THAT(store_->remove_all(keys, [](const ObjectKey& key) { return key.key == "t/b"; }), IsEmpty());
  EXPECT_EQ(get(keys[0]), "no such object");
  EXPECT_EQ(get(keys[1]), "x");
  EXPECT_EQ(get(kKey), "no such object");
}

TEST_P(AnyObjects, AreFoundByWhoeverLooksForOrphans) {
  const ObjectKey orphan{Bucket::kAttachments, "g/orphan <&> ä+"};
  const ObjectKey artifact{Bucket::kArtifacts, "t/known"};
  for (const ObjectKey& key : {kKey, orphan, artifact})
    ASSERT_EQ(put(key, "x"), 200U);
  const Timestamp now = Clock::system().now();
  if (local_ != nullptr) {
    std::vector<std::uint64_t> known{local_->fingerprint(kKey), local_->fingerprint(artifact)};
    std::ranges::sort(known);
    EXPECT_EQ(local_->sweep(known, now - seconds(60), {}).value(), 0U) << "not old enough";
    EXPECT_EQ(local_->sweep(known, now + seconds(60), {}).value(), 1U);
  } else {
    const auto page = remote_->list(Bucket::kAttachments, "");
    ASSERT_TRUE(page) << page.error().text();
    EXPECT_EQ(page->next, std::nullopt);
    std::vector<std::string> keys;
    for (const auto& object : page->objects) {
      keys.push_back(object.key);
      EXPECT_LT(std::chrono::abs(object.written - now), seconds(60));
    }
    EXPECT_THAT(keys, UnorderedElementsAre(kKey.key, orphan.key));
    EXPECT_EQ(remote_->list(Bucket::kArtifacts, "")->objects.size(), 1U);
    EXPECT_THAT(remote_->list(Bucket::kArtifacts, artifact.key)->objects, IsEmpty());
    EXPECT_THAT(store_->remove_all(std::vector<ObjectKey>{orphan}, {}), IsEmpty());
  }
  EXPECT_EQ(get(orphan), "no such object");
  EXPECT_EQ(get(kKey), "x");
  EXPECT_EQ(get(artifact), "x");
}

TEST_P(AnyObjects, MayHaveKeysThatUrlsEscape) {
  for (const std::string key : {"g/a b", "g/a+b&c=d?e#f", "g/%2F", "g/ä€", "g/a\\b", "g/'\"<>"}) {
    ASSERT_EQ(put({Bucket::kAttachments, key}, key), 200U) << key;
    EXPECT_EQ(get({Bucket::kAttachments, key}), key);
    EXPECT_EQ(store_->size({Bucket::kAttachments, key}).value(), key.size()) << key;
    EXPECT_TRUE(store_->remove({Bucket::kAttachments, key}));
    EXPECT_EQ(get({Bucket::kAttachments, key}), "no such object") << key;
  }
}

TEST_P(AnyObjects, OfMoreThan63BitsAreRefused) {
  const auto refused = store_->upload_url(kKey, std::numeric_limits<std::uint64_t>::max(), seconds(60), "http://here");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUploadRefused);
  EXPECT_EQ(refused.error().text(), "Invalid content length -1");
}

INSTANTIATE_TEST_SUITE_P(Stores, AnyObjects,
                         ::testing::Values(Kind{"Memory", "memory:"}, Kind{"Disk", "file:"}, Kind{"S3", ""}),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace mito::storage
