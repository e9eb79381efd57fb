#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "client/address.h"
#include "client/credentials.h"

namespace mito::client {
namespace {

namespace fs = std::filesystem;

class CredentialStoreTest : public testing::Test {
 protected:
  CredentialStoreTest() {
    std::string name = fs::temp_directory_path() / "mito-store-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    ::setenv("XDG_CONFIG_HOME", directory_.c_str(), 1);
  }
  ~CredentialStoreTest() override { fs::remove_all(directory_); }

  [[nodiscard]] static CredentialStore store(std::string_view address, Choice choice = Choice::kDefault) {
    return *CredentialStore::open({.coordinator = choice}, *Address::parse(address));
  }
  [[nodiscard]] std::string shared() const {
    std::ifstream file(directory_ / "mitosis" / "credentials");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write_shared(const std::string& text) const {
    fs::create_directories(directory_ / "mitosis");
    std::ofstream(directory_ / "mitosis" / "credentials") << text;
  }

  fs::path directory_;
};

TEST_F(CredentialStoreTest, ReadsWhatTheOriginalWrote) {
  write_shared("alice:A\nbob:B");
  const auto found = store("http://a:1", Choice::kNamed).find("bob");
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front(), (Credential{"bob", "B"}));
  EXPECT_EQ(store("http://a:1").find(std::nullopt)->front().username, "alice");
}

TEST_F(CredentialStoreTest, WritesForTheOriginalToo) {
  ASSERT_TRUE(store("http://a:1").store({"alice", "A"}));
  EXPECT_EQ(shared(), "alice:A");
}

TEST_F(CredentialStoreTest, KeepsCoordinatorsApart) {
  ASSERT_TRUE(store("http://a:1").store({"alice", "A"}));
  ASSERT_TRUE(store("http://b:1", Choice::kNamed).store({"alice", "B"}));
  EXPECT_EQ(store("http://a:1").find("alice")->front().token, "A");
  EXPECT_EQ(store("http://b:1", Choice::kNamed).find("alice")->front().token, "B");
  EXPECT_EQ(shared(), "alice:A");                                           // the default one's
  EXPECT_TRUE(store("http://c:1", Choice::kNamed).find("alice")->empty());  // a token is not shown to a third
  ASSERT_TRUE(store("http://b:1").store({"alice", "B2"}));
  EXPECT_EQ(shared(), "alice:B2");
}

TEST_F(CredentialStoreTest, KeepsWhatTheOriginalWroteOnceItsCoordinatorIsKnown) {
  write_shared("alice:A");
  ASSERT_TRUE(store("http://a:1").remember({"alice", "A"}));
  ASSERT_TRUE(store("http://b:1", Choice::kNamed).store({"alice", "B"}));
  EXPECT_EQ(shared(), "alice:A");
  EXPECT_EQ(store("http://a:1").find("alice")->front().token, "A");
  EXPECT_EQ(store("http://b:1", Choice::kNamed).find("alice")->front().token, "B");
}

TEST_F(CredentialStoreTest, TriesBothWhenTheOriginalHasLoggedInSince) {
  ASSERT_TRUE(store("http://a:1").store({"alice", "A"}));
  write_shared("alice:newer");
  const auto found = store("http://a:1").find("alice");
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).token, "A");
  EXPECT_EQ(found->at(1).token, "newer");
}

TEST_F(CredentialStoreTest, UsesAFileOfTheUsersOwnAlone) {
  const LoginSettings settings{.credential_path = directory_ / "mine", .coordinator = Choice::kNamed};
  ASSERT_TRUE(CredentialStore::open(settings, *Address::parse("http://a:1"))->store({"alice", "A"}));
  EXPECT_FALSE(fs::exists(directory_ / "mitosis"));
  EXPECT_FALSE(fs::exists(directory_ / "mine.coordinators"));
}

}  // namespace
}  // namespace mito::client
