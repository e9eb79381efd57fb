#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/objects/disk_object_store.h"
#include "support/forgetful_file_system.h"

// What is acknowledged survives a crash, at whatever moment it comes; what is not is there wholly or not at all.
namespace mito::storage {
namespace {

using mito::testing::ForgetfulFileSystem;

const ObjectKey kKey{Bucket::kArtifacts, "x/result.tar.gz"};
const security::ObjectUrlSigner kSigner(std::string(32, 's'));

Result<std::unique_ptr<DiskObjectStore>> open(ForgetfulFileSystem& disk) {
  return DiskObjectStore::open({.root = "/var/lib/mitosis/objects"}, kSigner, Clock::system(), disk);
}

Result<void> put(DiskObjectStore& store, const std::string& bytes) {
  MITO_TRY_ASSIGN(auto upload, store.begin_upload(kKey, bytes.size()));
  MITO_TRY(upload->write(bytes));
  return upload->commit();
}

/// Opens a store and puts `values` one after the other; how many were acknowledged.
std::size_t put_all(ForgetfulFileSystem& disk, const std::vector<std::string>& values) {
  auto store = open(disk);
  if (!store) return 0;
  std::size_t done = 0;
  while (done < values.size() && put(**store, values[done]))
    ++done;
  return done;
}

std::string get(ForgetfulFileSystem& disk) {
  auto store = open(disk);
  if (!store) return "no store: " + store.error().text();
  auto reader = (*store)->open(kKey).value();
  if (!reader) return "no such object";
  std::string bytes(reader->size(), '\0');
  bytes.resize(reader->read_at(0, bytes.data(), bytes.size()).value());
  return bytes;
}

TEST(ObjectDurability, WhatIsAcknowledgedSurvivesACrash) {
  ForgetfulFileSystem disk;
  ASSERT_EQ(put_all(disk, {"one", "two"}), 2U);
  disk.crash();
  EXPECT_EQ(get(disk), "two");
  EXPECT_EQ(disk.files().size(), 1U);
}

TEST(ObjectDurability, EverySyncIsNeeded) {
  ForgetfulFileSystem whole;
  ASSERT_EQ(put_all(whole, {"one"}), 1U);
  ASSERT_GE(whole.syncs(), 4U);
  for (std::size_t dropped = 1; dropped <= whole.syncs(); ++dropped) {
    ForgetfulFileSystem disk;
    disk.drop_sync(dropped);
    ASSERT_EQ(put_all(disk, {"one"}), 1U);
    disk.crash();
    EXPECT_NE(get(disk), "one") << "without sync " << dropped << " of " << whole.syncs();
  }
}

TEST(ObjectDurability, ACrashAtAnyMomentLeavesWholeObjects) {
  const std::vector<std::string> values{"one", "two, longer", "3"};
  ForgetfulFileSystem whole;
  ASSERT_EQ(put_all(whole, values), values.size());
  for (std::size_t moment = 1; moment <= whole.operations(); ++moment) {
    ForgetfulFileSystem disk;
    disk.break_before(moment);
    const auto acknowledged = put_all(disk, values);
    EXPECT_LT(acknowledged, values.size());
    disk.crash();
    const std::string before = acknowledged == 0 ? "no such object" : values[acknowledged - 1];
    EXPECT_THAT(get(disk), ::testing::AnyOf(before, values[acknowledged])) << "crash before operation " << moment;
    EXPECT_LE(disk.files().size(), 1U) << "a temporary file was left";
  }
}

TEST(ObjectDurability, AProcessThatIsKilledLeavesDirectoriesThatAreSyncedLater) {
  ForgetfulFileSystem whole;
  ASSERT_EQ(put_all(whole, {"one"}), 1U);
  for (std::size_t moment = 1; moment <= whole.operations(); ++moment) {
    ForgetfulFileSystem disk;
    disk.break_before(moment);
    ASSERT_EQ(put_all(disk, {"one"}), 0U);
    disk.break_before(0);  // only the process is gone: everything is still in the kernel's memory
    ASSERT_EQ(put_all(disk, {"two"}), 1U);
    disk.crash();
    EXPECT_EQ(get(disk), "two") << "killed before operation " << moment;
  }
}

TEST(ObjectDurability, RemovalsSurviveACrash) {
  ForgetfulFileSystem disk;
  {
    auto store = open(disk).value();
    ASSERT_TRUE(put(*store, "one"));
    ASSERT_TRUE(store->remove(kKey));
  }
  disk.crash();
  EXPECT_EQ(get(disk), "no such object");
}

TEST(ObjectDurability, AFullDiskLeavesNothing) {
  ForgetfulFileSystem disk;
  disk.set_capacity(1'000);
  auto store = open(disk).value();
  auto first = store->begin_upload(kKey, 600).value();
  disk.set_capacity(500);  // somebody else was faster
  auto written = first->write(std::string(600, 'a'));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kStorageFull);
  first.reset();
  EXPECT_THAT(disk.files(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace mito::storage
