#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/objects/disk_object_store.h"
#include "storage/objects/open.h"

// What only a directory can do wrong.
namespace mito::storage {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class DiskObjects : public ::testing::Test {
 protected:
  DiskObjects() {
    std::string pattern = (fs::temp_directory_path() / "mito-objects-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~DiskObjects() override { fs::remove_all(directory_); }

  std::unique_ptr<LocalObjectStore> open(std::uint64_t min_free = 0) {
    return open_disk_objects(directory_, signer_, min_free).value();
  }
  [[nodiscard]] std::vector<fs::path> files() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::recursive_directory_iterator(directory_))
      if (entry.is_regular_file()) out.push_back(entry.path().lexically_relative(directory_));
    return out;
  }

  security::ObjectUrlSigner signer_{std::string(32, 's')};
  fs::path directory_;
};

const ObjectKey kKey{Bucket::kArtifacts, "x/result.tar.gz"};

TEST_F(DiskObjects, AreFilesNamedByTheHashOfBucketAndKey) {
  auto store = open();
  auto upload = store->begin_upload(kKey, 1).value();
  ASSERT_TRUE(upload->write("a"));
  ASSERT_TRUE(upload->commit());
  // printf 'artifacts\0x/result.tar.gz' | sha256sum
  EXPECT_THAT(files(),
              ::testing::ElementsAre("df/02/df02f6fd7ff4523348b9f6eef7e64afe653fe11588a222a103e8da89ab722491"));
}

TEST_F(DiskObjects, SurviveAnotherStart) {
  {
    auto store = open();
    auto upload = store->begin_upload(kKey, 1).value();
    ASSERT_TRUE(upload->write("a"));
    ASSERT_TRUE(upload->commit());
  }
  EXPECT_EQ(open()->size(kKey).value(), 1U);
}

TEST_F(DiskObjects, BrokenUploadsLeaveNothing) {
  auto store = open();
  auto upload = store->begin_upload(kKey, 10).value();
  ASSERT_TRUE(upload->write("a"));
  EXPECT_EQ(files().size(), 1U);
  upload.reset();
  EXPECT_THAT(files(), ::testing::IsEmpty());

  std::ofstream(directory_ / "tmp" / "upload-7") << "left by a process that was killed";
  store = open();
  EXPECT_THAT(files(), ::testing::IsEmpty());
}

TEST_F(DiskObjects, KeepTheReserveFree) {
  const auto free = fs::space(directory_).available;
  auto store = open(free / 2);
  auto upload = store->begin_upload(kKey, free - free / 4);
  ASSERT_FALSE(upload);
  EXPECT_EQ(upload.error().code(), ErrorCode::kStorageFull);
  EXPECT_THAT(upload.error().text(), HasSubstr("are kept free"));
  EXPECT_TRUE(store->begin_upload(kKey, 1));
  store = open(std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(store->begin_upload(kKey, 0));
}

TEST_F(DiskObjects, AFileThatCannotGrowIsAnErrorAndLeavesNothing) {
  auto store = open();
  auto upload = store->begin_upload(kKey, 100'000).value();
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 10'000, .rlim_max = old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  auto written = upload->write(std::string(100'000, 'a'));
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kIo);
  EXPECT_THAT(written.error().text(), HasSubstr("File too large"));
  EXPECT_FALSE(upload->commit());
  upload.reset();
  EXPECT_THAT(files(), ::testing::IsEmpty());
}

TEST_F(DiskObjects, AnUnusableDirectoryIsNamed) {
  std::ofstream(directory_ / "file") << "x";
  auto store = open_disk_objects(directory_ / "file", signer_, 0);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), ErrorCode::kIo);
  EXPECT_THAT(store.error().text(), HasSubstr((directory_ / "file").string()));
}

}  // namespace
}  // namespace mito::storage
