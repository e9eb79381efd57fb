#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "client/credentials.h"

namespace mito::client {
namespace {

namespace fs = std::filesystem;

class CredentialFileTest : public testing::Test {
 protected:
  CredentialFileTest() {
    std::string name = fs::temp_directory_path() / "mito-credentials-XXXXXX";
    directory_ = ::mkdtemp(name.data());
  }
  ~CredentialFileTest() override { fs::remove_all(directory_); }

  void write(const std::string& text) const { std::ofstream(path()) << text; }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] fs::path path() const { return directory_ / "credentials"; }

  fs::path directory_;
};

TEST_F(CredentialFileTest, FindsTheUsersLineOrTheFirst) {
  write("alice:tokenA\nbob:token:B\n\n");
  const CredentialFile file(path());
  EXPECT_EQ(*file.find(std::nullopt), (Credential{"alice", "tokenA"}));
  EXPECT_EQ(*file.find("bob"), (Credential{"bob", "token:B"}));
  EXPECT_EQ(*file.find("bo"), std::nullopt);
}

TEST_F(CredentialFileTest, FindsNothingWithoutFileOrInRubbish) {
  EXPECT_EQ(*CredentialFile(path()).find(std::nullopt), std::nullopt);
  EXPECT_EQ(*CredentialFile(path() / "below" / "a file").find("x"), std::nullopt);
  write("no colon\n:token\nalice:\n");
  EXPECT_EQ(*CredentialFile(path()).find(std::nullopt), std::nullopt);
  EXPECT_EQ(*CredentialFile(path()).find("alice"), std::nullopt);
}

TEST_F(CredentialFileTest, SaysThatItCannotBeRead) {
  fs::create_directory(path());
  const auto found = CredentialFile(path()).find(std::nullopt);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::kIo);
  EXPECT_NE(found.error().text().find("--credential-path"), std::string::npos);
}

TEST_F(CredentialFileTest, ReplacesOneLineAndKeepsTheOthers) {
  write("alice:old\nbob:B\nrubbish");
  ASSERT_TRUE(CredentialFile(path()).store({"alice", "new"}));
  EXPECT_EQ(content(), "alice:new\nbob:B\nrubbish");
  ASSERT_TRUE(CredentialFile(path()).store({"carol", "C"}));
  EXPECT_EQ(content(), "alice:new\nbob:B\nrubbish\ncarol:C");
}

TEST_F(CredentialFileTest, MakesTheFileForItsOwnerOnly) {
  const CredentialFile file(directory_ / "new" / "folder" / "credentials");
  ASSERT_TRUE(file.store({"alice", "A"}));
  struct stat status{};
  ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(fs::directory_iterator(file.path().parent_path()), {}), 1);  // nothing temporary is left
}

TEST_F(CredentialFileTest, WritesThroughALink) {
  write("alice:A");
  fs::create_symlink(path(), directory_ / "link");
  ASSERT_TRUE(CredentialFile(directory_ / "link").store({"bob", "B"}));
  EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
  EXPECT_EQ(content(), "alice:A\nbob:B");
}

TEST_F(CredentialFileTest, LosesNoLineWhenManyWriteAtOnce) {
  constexpr int kWriters = 8;
  std::vector<std::jthread> writers;
  for (int i = 0; i < kWriters; ++i)
    writers.emplace_back([this, i] { ASSERT_TRUE(CredentialFile(path()).store({"user" + std::to_string(i), "t"})); });
  writers.clear();
  for (int i = 0; i < kWriters; ++i)
    EXPECT_TRUE(CredentialFile(path()).find("user" + std::to_string(i))->has_value()) << i;
}

}  // namespace
}  // namespace mito::client
