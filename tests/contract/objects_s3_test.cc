#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sync.h"
#include "http/client.h"
#include "http/server.h"
#include "storage/objects/s3/s3_object_store.h"
#include "storage/objects/s3/s3_times.h"
#include "storage/objects/s3/s3_xml.h"
#include "support/s3_server.h"

// What the object store on S3 does besides the contract: addresses, what is signed, buckets, faults.
namespace mito::storage {
namespace {

using mito::testing::S3Server;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const ObjectKey kKey{Bucket::kAttachments, "group/data.bin"};

S3Settings settings_for(const std::string& url) {
  return {.url = url,
          .access_key = S3Server::kAccessKey,
          .secret_key = S3Server::kSecretKey,
          .region = "mitosis",
          .artifacts_bucket = "mitosis-artifacts",
          .attachments_bucket = "mitosis-attachments",
          .patience = milliseconds(1'000),
          .first_pause = milliseconds(5)};
}

std::unique_ptr<S3ObjectStore> open(const S3Settings& settings) {
  return S3ObjectStore::open(settings, Clock::system()).value();
}

TEST(S3Endpoints, PutTheBucketWhereTheOriginalPutsIt) {
  struct Row {
    const char* url;
    const char* bucket;
    S3Addressing addressing;
    const char* origin;
    const char* host;
    const char* prefix;
  };
  constexpr auto kAutomatic = S3Addressing::kAutomatic;
  const std::vector<Row> table{
      {"http://127.0.0.1:9000", "b-1", kAutomatic, "http://127.0.0.1:9000", "127.0.0.1:9000", "/b-1"},
      {"http://[::1]:9000/", "b-1", kAutomatic, "http://[::1]:9000", "[::1]:9000", "/b-1"},
      {"http://localhost:9000", "b-1", kAutomatic, "http://b-1.localhost:9000", "b-1.localhost:9000", ""},
      {"http://localhost:9000", "b-1", S3Addressing::kPath, "http://localhost:9000", "localhost:9000", "/b-1"},
      {"https://S3.Example:443/base/", "b-1", kAutomatic, "https://b-1.s3.example", "b-1.s3.example", "/base"},
      {"https://s3.example:8443/base", "B_1", kAutomatic, "https://s3.example:8443", "s3.example:8443", "/base/B_1"},
      {"http://s3.example:80", "a.b", kAutomatic, "http://s3.example", "s3.example", "/a.b"},
      {"http://s3.example", "ab", kAutomatic, "http://s3.example", "s3.example", "/ab"},
      {"http://s3.example", "-ab", kAutomatic, "http://s3.example", "s3.example", "/-ab"},
  };
  for (const auto& row : table) {
    const S3Place place = S3Endpoint::parse(row.url, "s3_url")->place(row.bucket, row.addressing);
    EXPECT_EQ(place.origin, row.origin) << row.url;
    EXPECT_EQ(place.host, row.host) << row.url;
    EXPECT_EQ(place.prefix, row.prefix) << row.url;
  }
  for (const char* url : {"", "s3.example", "ftp://s3.example", "http://", "http://:9000", "http://h:0",
                          "http://h:port", "http://h?x", "http://u@h", "http://[::1"}) {
    const auto bad = S3Endpoint::parse(url, "s3_public_url");
    ASSERT_FALSE(bad) << url;
    EXPECT_EQ(bad.error().code(), ErrorCode::kUsage);
    EXPECT_THAT(bad.error().text(), StartsWith("s3_public_url is"));
  }
  EXPECT_TRUE(S3Endpoint::parse("http://localhost:1", "x")->is_loopback());
  EXPECT_TRUE(S3Endpoint::parse("http://127.1.2.3", "x")->is_loopback());
  EXPECT_FALSE(S3Endpoint::parse("http://10.0.0.1", "x")->is_loopback());
}

TEST(S3Xml, IsReadAndWritten) {
  const auto error = parse_s3_error(
      "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>a &lt;b&gt; &amp;lt; c</Message></Error>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "NoSuchBucket");
  EXPECT_EQ(error->message, "a <b> &lt; c");
  for (const char* other : {"", "<html>", "<Error>", "<Error><Code>x", "</Error><Error>"})
    EXPECT_FALSE(parse_s3_error(other)) << other;
  EXPECT_EQ(
      parse_s3_errors("<DeleteResult><Error><Key>a</Key></Error><Error><Key>b</Key></Error></DeleteResult>").size(),
      2U);
  EXPECT_THAT(deletion_document({"a<b>&\n"}), HasSubstr("<Object><Key>a&lt;b&gt;&amp;&#xA;</Key></Object>"));
  EXPECT_TRUE(fits_xml("a\n\tä"));
  for (const std::string& key : {std::string(), std::string("a\0b", 3), std::string("\x1b"), std::string("\xff")})
    EXPECT_FALSE(fits_xml(key));
}

TEST(S3Store, RefusesSettingsThatCannotBe) {
  const auto refused = [](auto change) {
    S3Settings settings = settings_for("http://s3.example");
    change(settings);
    const auto store = S3ObjectStore::open(settings, Clock::system());
    return store ? std::string("accepted") : store.error().text();
  };
  EXPECT_THAT(refused([](S3Settings& s) { s.url = "s3.example"; }), StartsWith("s3_url is"));
  EXPECT_THAT(refused([](S3Settings& s) { s.public_url = "s3.example"; }), StartsWith("s3_public_url is"));
  EXPECT_THAT(refused([](S3Settings& s) { s.artifacts_bucket = ""; }), StartsWith("artifacts_bucket is"));
  EXPECT_THAT(refused([](S3Settings& s) { s.attachments_bucket = s.artifacts_bucket; }), HasSubstr("are the same"));
  EXPECT_THAT(refused([](S3Settings& s) { s.secret_key = ""; }), HasSubstr("must not be empty"));
  EXPECT_EQ(refused([](S3Settings&) {}), "accepted");
}

TEST(S3Store, HandsOutThePublicAddress) {
  S3Settings settings = settings_for("http://127.0.0.1:9000");
  settings.public_url = "https://files.example/s3";
  const auto url = open(settings)->upload_url(kKey, 17, seconds(60), "http://ignored").value();
  EXPECT_THAT(url, AllOf(StartsWith("https://mitosis-attachments.files.example/s3/group/data.bin?x-id=PutObject&"),
                         HasSubstr("&X-Amz-Expires=60&"), HasSubstr("SignedHeaders=content-length%3Bhost&")));
  settings.addressing = S3Addressing::kPath;
  EXPECT_THAT(open(settings)->download_url(kKey, seconds(60), "").value(),
              StartsWith("https://files.example/s3/mitosis-attachments/group/data.bin?x-id=GetObject&"));
}

class S3 : public ::testing::Test {
 protected:
  void SetUp() override { MITO_NEED_PROGRAM("rclone"); }
  http::Client client_{{}};

  unsigned status(const std::string& method, const std::string& url, const std::string& body = {}) {
    const auto answer = client_.send_and_wait({.method = method, .url = url, .body = body});
    return answer ? answer->status : 0;
  }
};

TEST_F(S3, BucketsAreMadeOnce) {
  const S3Server server;
  auto store = open(settings_for(server.url()));
  const auto missing = store->prepare(S3ObjectStore::MissingBuckets::kTell);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().text(), HasSubstr("has no bucket mitosis-artifacts: the next start creates it"));
  for (int i = 0; i < 2; ++i) {
    const auto prepared = store->prepare(S3ObjectStore::MissingBuckets::kCreate);
    EXPECT_TRUE(prepared) << prepared.error().text();
  }
  EXPECT_TRUE(store->prepare(S3ObjectStore::MissingBuckets::kTell));
}

TEST_F(S3, UrlsAllowWhatTheySayAndNoMore) {
  const S3Server server;
  auto store = open(settings_for(server.url()));
  ASSERT_TRUE(store->prepare(S3ObjectStore::MissingBuckets::kCreate));
  const std::string upload = store->upload_url(kKey, 5, seconds(60), "").value();
  EXPECT_EQ(status("PUT", upload, "four"), 403U) << "another length";
  EXPECT_EQ(status("GET", upload), 403U) << "another method";
  std::string other_key = upload;
  other_key.replace(other_key.find("data.bin"), 8, "evil.bin");
  EXPECT_EQ(status("PUT", other_key, "12345"), 403U);
  EXPECT_EQ(store->size(kKey).value(), std::nullopt);
  EXPECT_EQ(status("PUT", upload, "12345"), 200U);
  const std::string download = store->download_url(kKey, seconds(60), "").value();
  EXPECT_EQ(client_.send_and_wait({.url = download})->body, "12345");
  std::string tampered = download;
  tampered.back() = tampered.back() == '0' ? '1' : '0';
  EXPECT_EQ(status("GET", tampered), 403U);
  const auto expired = store->download_url(kKey, seconds(-10), "").value();
  EXPECT_THAT(status("GET", expired), ::testing::AnyOf(400U, 403U));
}

TEST_F(S3, WorksInVirtualHostStyle) {
  const S3Server server({"--force-path-style=false"});
  auto store = open(settings_for("http://localhost:" + std::to_string(server.port())));
  const auto prepared = store->prepare(S3ObjectStore::MissingBuckets::kCreate);
  ASSERT_TRUE(prepared) << prepared.error().text();
  const std::string upload = store->upload_url(kKey, 5, seconds(60), "").value();
  EXPECT_THAT(upload, StartsWith("http://mitosis-attachments.localhost:"));
  EXPECT_EQ(status("PUT", upload, "12345"), 200U);
  EXPECT_EQ(store->size(kKey).value(), 5U);
  EXPECT_TRUE(store->remove(kKey));
  EXPECT_EQ(store->size(kKey).value(), std::nullopt);
}

TEST_F(S3, WrongKeysAreExplained) {
  const S3Server server;
  S3Settings settings = settings_for(server.url());
  settings.secret_key = "wrong-secret";
  const auto refused = open(settings)->prepare(S3ObjectStore::MissingBuckets::kCreate);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().text(),
              AllOf(HasSubstr("SignatureDoesNotMatch"), HasSubstr("Check s3_access_key and s3_secret_key.")));
  settings.access_key = "nobody";
  EXPECT_THAT(open(settings)->prepare(S3ObjectStore::MissingBuckets::kCreate).error().text(),
              HasSubstr("Check s3_access_key and s3_secret_key"));
}

TEST_F(S3, AServerThatIsAwayIsWaitedForAndThenTold) {
  S3Server server;
  auto store = open(settings_for(server.url()));
  ASSERT_TRUE(store->prepare(S3ObjectStore::MissingBuckets::kCreate));
  server.kill();
  const auto gone = store->size(kKey);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), ErrorCode::kUnreachable);
  EXPECT_THAT(store->prepare(S3ObjectStore::MissingBuckets::kTell).error().text(),
              AllOf(HasSubstr("cannot be reached"), HasSubstr("Check that it runs and that s3_url is right.")));
  const auto left = store->remove_all(std::vector<ObjectKey>{kKey, {Bucket::kArtifacts, "a"}}, {});
  EXPECT_EQ(left.size(), 2U);

  S3Settings patient = settings_for(server.url());
  patient.patience = seconds(30);
  store = open(patient);
  std::optional<Result<void>> came_back;
  std::thread waiting([&] { came_back = store->prepare(S3ObjectStore::MissingBuckets::kCreate); });
  server.start();
  waiting.join();
  EXPECT_TRUE(*came_back) << came_back->error().text();
}

TEST_F(S3, AServerThatStallsIsGivenUp) {
  const S3Server server;
  S3Settings settings = settings_for(server.url());
  settings.attempt_timeout = milliseconds(100);
  settings.patience = milliseconds(300);
  auto store = open(settings);
  server.signal(SIGSTOP);
  const auto begin = std::chrono::steady_clock::now();
  const auto stalled = store->size(kKey);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
  server.signal(SIGCONT);
  ASSERT_FALSE(stalled);
  EXPECT_EQ(stalled.error().code(), ErrorCode::kTimeout);
}

/// A server that answers what it is told to, in order, and keeps what it was asked.
class ScriptedServer {
 public:
  struct Answer {
    unsigned status;
    std::string body{};
  };
  explicit ScriptedServer(std::vector<Answer> answers)
      : answers_(std::move(answers)),
        server_({.threads = 1}, [this](http::Request& request) { return answer(request); }) {
    if (!server_.start()) ADD_FAILURE() << "the server does not start";
  }
  ~ScriptedServer() { server_.stop(seconds(1)); }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  std::vector<std::string> asked() { return *asked_.lock(); }

 private:
  http::Awaitable<http::Response> answer(http::Request& request) {
    (void)co_await request.body->read_all(1 << 20);
    auto asked = asked_.lock();
    const Answer& next = answers_[std::min(asked->size(), answers_.size() - 1)];
    // Without the signature, which is another one each time.
    const std::string query = request.query.substr(0, request.query.find("X-Amz-"));
    asked->push_back(request.method + " " + request.path + (query.empty() ? "" : "?" + query));
    co_return http::Response{.status = next.status, .body = next.body};
  }

  const std::vector<Answer> answers_;
  Sync<std::vector<std::string>> asked_;
  http::Server server_;
};

TEST(S3Faults, ThatMayPassAreTriedAgain) {
  ScriptedServer server({{500}, {503}, {429}, {204}});
  EXPECT_TRUE(open(settings_for(server.url()))->remove(kKey));
  EXPECT_THAT(server.asked(),
              ElementsAre("DELETE /mitosis-attachments/group/data.bin", "DELETE /mitosis-attachments/group/data.bin",
                          "DELETE /mitosis-attachments/group/data.bin", "DELETE /mitosis-attachments/group/data.bin"));
}

TEST(S3Faults, ThatStayAreToldOnce) {
  ScriptedServer server({{403, "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>"}});
  auto store = open(settings_for(server.url()));
  const auto refused = store->remove(kKey);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().text(), HasSubstr("status 403, AccessDenied: No."));
  EXPECT_EQ(server.asked().size(), 1U);
}

TEST(S3Faults, OfSingleKeysLeaveTheOthersRemoved) {
  ScriptedServer server({{200,
                          "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>No.</Message></Error>"
                          "<Error><Key>c</Key><Code>NoSuchKey</Code></Error></DeleteResult>"}});
  const auto left =
      open(settings_for(server.url()))
          ->remove_all(
              std::vector<ObjectKey>{{Bucket::kArtifacts, "a"}, {Bucket::kArtifacts, "b"}, {Bucket::kArtifacts, "c"}},
              {});
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].key.key, "b");
  EXPECT_THAT(server.asked(), ElementsAre("POST /mitosis-artifacts?delete=&"));
}

TEST(S3Faults, OfARemovalAreNotTriedAgainWhenItIsWithdrawn) {
  ScriptedServer server({{503}, {503}, {204}});
  S3Settings settings = settings_for(server.url());
  settings.attempt_timeout = milliseconds(10);
  int asked = 0;
  const auto left =
      open(settings)->remove_all(std::vector<ObjectKey>{kKey}, [&](const ObjectKey&) { return ++asked > 2; });
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST(S3Listing, ComesInPagesAndSaysWhatIsWrong) {
  const auto document = [](const std::string& rest) {
    return R"(<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)" + rest + "</ListBucketResult>";
  };
  const std::string object =
      "<Contents><Key>g/a%2B+b</Key><LastModified>2026-11-22T09:27:50.471Z</LastModified></Contents>";
  ScriptedServer server({{200, document(object + "<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>")},
                         {200, document("<IsTruncated>true</IsTruncated>")},
                         {200, document("<Contents><Key>a</Key><LastModified>today</LastModified></Contents>")},
                         {200, "<html>"},
                         {403, "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>"}});
  auto store = open(settings_for(server.url()));
  const auto first = store->list(Bucket::kAttachments, "");
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(first->next, "g/a+ b");
  EXPECT_THAT(store->list(Bucket::kAttachments, "g/a+ b").error().text(), HasSubstr("the next page does not come"));
  EXPECT_THAT(store->list(Bucket::kAttachments, "").error().text(), HasSubstr("LastModified is `today`"));
  EXPECT_THAT(store->list(Bucket::kAttachments, "").error().text(), HasSubstr("no ListBucketResult"));
  const auto refused = store->list(Bucket::kAttachments, "");
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  const std::string request = "GET /mitosis-attachments?list-type=2&encoding-type=url&max-keys=1000";
  EXPECT_THAT(server.asked(), ElementsAre(request, request + "&start-after=g%2Fa%2B%20b", request, request, request));
}

TEST_F(S3, ListingsOfManyPagesHaveEachObjectOnce) {
  const S3Server server;
  auto store = open(settings_for(server.url()));
  ASSERT_TRUE(store->prepare(S3ObjectStore::MissingBuckets::kCreate));
  constexpr int kObjects = 1'050;
  std::set<std::string> put;
  for (int i = 0; i < kObjects; ++i) {
    const ObjectKey key{Bucket::kArtifacts, "folder/" + std::to_string(i)};
    ASSERT_EQ(status("PUT", store->upload_url(key, 1, seconds(60), "").value(), "x"), 200U);
    put.insert(key.key);
  }
  std::vector<std::string> listed;
  std::optional<std::string> after = "";
  int pages = 0;
  for (; after; ++pages) {
    auto page = store->list(Bucket::kArtifacts, *after);
    ASSERT_TRUE(page) << page.error().text();
    for (const auto& object : page->objects)
      listed.push_back(object.key);
    after = page->next;
  }
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(listed.size(), put.size());
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), put);
}

TEST_F(S3, BucketsBelongToWhomClaimedThemFirst) {
  const S3Server server;
  auto store = open(settings_for(server.url()));
  ASSERT_TRUE(store->prepare(S3ObjectStore::MissingBuckets::kCreate));
  for (const char* owner : {"first", "second", "first"}) {
    const auto claimed = store->claim(Bucket::kArtifacts, owner);
    ASSERT_TRUE(claimed) << claimed.error().text();
    EXPECT_EQ(*claimed, "first");
  }
  EXPECT_EQ(store->claim(Bucket::kAttachments, "second").value(), "second");
}

/// A clock that is wrong by so much.
class ShiftedClock final : public Clock {
 public:
  explicit ShiftedClock(seconds shift) : shift_(shift) {}
  [[nodiscard]] Timestamp now() const override { return Clock::system().now() + shift_; }
  [[nodiscard]] Monotonic monotonic() const override { return Clock::system().monotonic(); }

 private:
  const seconds shift_;
};

TEST_F(S3, RemovalsCountByTheClockOfTheServer) {
  const S3Server server;
  auto right = open(settings_for(server.url()));
  ASSERT_TRUE(right->prepare(S3ObjectStore::MissingBuckets::kCreate));
  for (const seconds shift : {seconds(-600), seconds(600)}) {
    ASSERT_EQ(status("PUT", right->upload_url(kKey, 1, seconds(60), "").value(), "x"), 200U);
    const ShiftedClock clock(shift);
    auto store = S3ObjectStore::open(settings_for(server.url()), clock).value();
    const auto removed = store->remove(kKey);
    EXPECT_TRUE(removed) << shift.count() << ": " << removed.error().text();
    EXPECT_EQ(right->size(kKey).value(), std::nullopt);
  }
}

TEST(S3Times, AreReadInBothForms) {
  const Timestamp expected(seconds(784'111'777));
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_s3_time("1994-11-06T08:49:37Z"), expected);
  EXPECT_EQ(parse_s3_time("1994-11-06T08:49:37.250Z"), expected + milliseconds(250));
  for (const char* bad :
       {"", "Sun, 06 Xov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT"})
    EXPECT_EQ(parse_http_date(bad), std::nullopt) << bad;
  for (const char* bad : {"", "T", "TZ", "1994-11-06T08:49:37", "1994-11-06 08:49:37Z", "1994-13-06T08:49:37Z"})
    EXPECT_EQ(parse_s3_time(bad), std::nullopt) << bad;
}

TEST(S3Faults, OfBucketsSayWhatToDo) {
  struct Row {
    std::vector<ScriptedServer::Answer> answers;
    const char* words;
  };
  const auto document = [](const std::string& code) {
    return "<Error><Code>" + code + "</Code><Message>M</Message></Error>";
  };
  const std::vector<Row> table{
      {{{400}, {400, document("AuthorizationHeaderMalformed")}}, "Check s3_region and s3_url."},
      {{{301}, {301, document("PermanentRedirect")}}, "Check s3_region and s3_url."},
      {{{403}, {403, document("InvalidAccessKeyId")}}, "Check s3_access_key and s3_secret_key."},
      {{{403}, {403, document("RequestTimeTooSkewed")}}, "Set this machine's clock."},
      {{{403}, {403, document("AccessDenied")}}, "may list the bucket"},
      {{{405}, {405, "<html>"}}, "is it the address of an S3 server?"},
      {{{404}, {403, document("AccessDenied")}}, "Create it, or allow this key to."},
  };
  for (const auto& [answers, words] : table) {
    ScriptedServer server(answers);
    const auto refused = open(settings_for(server.url()))->prepare(S3ObjectStore::MissingBuckets::kCreate);
    ASSERT_FALSE(refused) << words;
    EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
    EXPECT_THAT(refused.error().text(), AllOf(HasSubstr(words), HasSubstr("mitosis-artifacts")));
  }
  ScriptedServer server({{404}, {409, document("BucketAlreadyOwnedByYou")}, {200}});
  EXPECT_TRUE(open(settings_for(server.url()))->prepare(S3ObjectStore::MissingBuckets::kCreate));
}

}  // namespace
}  // namespace mito::storage
