#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/client.h"
#include "unit/http/raw_peer.h"
#include "unit/http/server_under_test.h"

namespace mito::http::testing {
namespace {

using ::testing::HasSubstr;

class ClientFiles : public ::testing::Test {
 protected:
  ClientFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mito-http-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~ClientFiles() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  ServerUnderTest test_;
  Client client_{ClientSettings{}};

 private:
  std::filesystem::path directory_;
};

TEST_F(ClientFiles, UploadsAFile) {
  std::uint64_t last = 0;
  auto response = client_.send_and_wait({.method = "PUT",
                                         .url = test_.url("/echo"),
                                         .upload_file = write("a", object_bytes()),
                                         .progress = [&](std::uint64_t done, std::uint64_t) { last = done; }});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, object_bytes());
  EXPECT_GE(last, object_bytes().size());
  response = client_.send_and_wait({.method = "PUT", .url = test_.url("/show"), .upload_file = write("empty", "")});
  ASSERT_TRUE(response);
  EXPECT_THAT(response->body, HasSubstr("Content-Length=0\n"));
  EXPECT_THAT(response->body, ::testing::Not(HasSubstr("Expect")));
}

TEST_F(ClientFiles, UploadsThePartThatWasAnnounced) {
  auto response = client_.send_and_wait(
      {.method = "PUT", .url = test_.url("/echo"), .upload_file = write("a", "0123456789"), .upload_length = 4});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "0123");
  response = client_.send_and_wait(
      {.method = "PUT", .url = test_.url("/echo"), .upload_file = path("a"), .upload_length = 11});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kIo);
  EXPECT_THAT(response.error().text(), HasSubstr("became shorter while it was sent: 10 of 11 bytes are left"));
}

TEST_F(ClientFiles, NamesTheFileThatCannotBeUsed) {
  auto response = client_.send_and_wait({.method = "PUT", .url = test_.url("/echo"), .upload_file = path("missing")});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kIo);
  EXPECT_EQ(response.error().text(), fmt::format("Cannot open {}: No such file or directory", path("missing")));
  response = client_.send_and_wait({.url = test_.url("/object"), .download_file = path("missing/a")});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kIo);
  EXPECT_EQ(response.error().text(), fmt::format("Cannot create {}: No such file or directory", path("missing/a")));
  response = client_.send_and_wait({.url = test_.url("/object"), .download_file = "/dev/full"});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kIo);
  EXPECT_EQ(response.error().text(), "Cannot write /dev/full: No space left on device");
}

TEST_F(ClientFiles, DownloadsOverWhatWasThere) {
  (void)write("a", std::string(200'000, 'o'));
  std::uint64_t last = 0;
  std::uint64_t all = 0;
  auto response = client_.send_and_wait({.url = test_.url("/object"),
                                         .download_file = path("a"),
                                         .progress = [&](std::uint64_t done, std::uint64_t total) {
                                           last = done;
                                           all = total;
                                         }});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(response->bytes_received, object_bytes().size());
  EXPECT_EQ(read("a"), object_bytes());
  EXPECT_EQ(last, object_bytes().size());
  EXPECT_EQ(all, object_bytes().size());
  response = client_.send_and_wait({.method = "PUT", .url = test_.url("/echo"), .download_file = path("a")});
  ASSERT_TRUE(response);
  EXPECT_EQ(read("a"), "");
}

TEST_F(ClientFiles, LeavesTheFileAloneWhenTheAnswerIsAnError) {
  (void)write("a", "old");
  auto response = client_.send_and_wait({.url = test_.url("/nothing"), .download_file = path("a")});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "/nothing");
  EXPECT_EQ(read("a"), "old");
}

TEST_F(ClientFiles, ResumesHoweverTheServerAnswers) {
  for (const auto* query : {"", "?200", "?whole"}) {
    (void)write("a", object_bytes().substr(0, 40'000) + "rubbish");
    std::uint64_t last = 0;
    auto response = client_.send_and_wait({.url = test_.url("/object") + query,
                                           .download_file = path("a"),
                                           .resume_from = 40'000,
                                           .progress = [&](std::uint64_t done, std::uint64_t) { last = done; }});
    ASSERT_TRUE(response) << query << response.error().text();
    EXPECT_EQ(read("a"), object_bytes()) << query;
    EXPECT_EQ(last, object_bytes().size()) << query;
  }
  auto response =
      client_.send_and_wait({.url = test_.url("/object?wrong"), .download_file = path("a"), .resume_from = 40'000});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kProtocol);
  response = client_.send_and_wait(
      {.url = test_.url("/object"), .download_file = path("a"), .resume_from = object_bytes().size()});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 416);
  EXPECT_EQ(read("a"), object_bytes());
  (void)write("short", "abc");
  response =
      client_.send_and_wait({.url = test_.url("/object"), .download_file = path("short"), .resume_from = 40'000});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kIo);
}

TEST_F(ClientFiles, ABrokenDownloadCanBeResumed) {
  RawServer server("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + object_bytes().substr(0, 30'000),
                   RawServer::Then::kClose);
  auto response =
      client_.send_and_wait({.url = fmt::format("http://127.0.0.1:{}/", server.port()), .download_file = path("a")});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kProtocol);
  EXPECT_EQ(read("a"), object_bytes().substr(0, 30'000));
  response = client_.send_and_wait({.url = test_.url("/object"), .download_file = path("a"), .resume_from = 30'000});
  ASSERT_TRUE(response);
  EXPECT_EQ(read("a"), object_bytes());
}

TEST_F(ClientFiles, LargeFilesDoNotGrowMemory) {
  // The file has a hole instead of bytes: it takes no room, and its reading no time.
  constexpr std::uint64_t kBytes = 256ULL << 20;
  std::filesystem::resize_file(write("large", ""), kBytes);
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  auto response = client_.send_and_wait({.method = "PUT", .url = test_.url("/count"), .upload_file = path("large")});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, std::to_string(kBytes));
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 32 << 10) << "KiB more at the peak";
}

}  // namespace
}  // namespace mito::http::testing
