#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/objects/disk_object_store.h"
#include "support/forgetful_file_system.h"

// What is acknowledged survives a crash, at whatever moment it comes; what is not is there wholly or not at all.
namespace mito::storage {
namespace {

using mito::testing::ForgetfulFileSystem;

const ObjectKey kKey{Bucket::kArtifacts, "x/result.tar.gz"};
const std::vector<ObjectKey> kKeys{kKey, {Bucket::kAttachments, "a"}, {Bucket::kAttachments, "a/b"}};
const security::ObjectUrlSigner kSigner(std::string(32, 's'));

const std::string kNothing = "no such object";

Result<std::unique_ptr<DiskObjectStore>> open(ForgetfulFileSystem& disk) {
  return DiskObjectStore::open({.root = "/var/lib/mitosis/objects"}, kSigner, Clock::system(), disk);
}

Result<void> put(DiskObjectStore& store, const std::string& bytes, const ObjectKey& key = kKey) {
  MITO_TRY_ASSIGN(auto upload, store.begin_upload(key, bytes.size()));
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

std::string read(DiskObjectStore& store, const ObjectKey& key) {
  auto reader = store.open(key).value();
  if (!reader) return kNothing;
  std::string bytes(reader->size(), '\0');
  bytes.resize(reader->read_at(0, bytes.data(), bytes.size()).value());
  return bytes;
}

std::string get(ForgetfulFileSystem& disk) {
  auto store = open(disk);
  if (!store) return "no store: " + store.error().text();
  return read(**store, kKey);
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

/// Some lives of a store: objects are put, replaced and removed, until the program is killed or the machine loses its
/// power in the middle of something. Answers what was wrong; empty: nothing.
std::string lives(std::uint64_t seed, std::size_t dropped_sync = 0) {
  std::mt19937_64 random(seed);
  ForgetfulFileSystem disk;
  if (dropped_sync != 0) disk.drop_sync(dropped_sync);
  std::map<std::string, std::set<std::string>> allowed;  // What an object may be, by its key.
  for (const ObjectKey& key : kKeys)
    allowed[key.key] = {kNothing};
  for (int life = 1; life <= 4; ++life) {
    disk.break_before(disk.operations() + 1 + random() % 60);
    if (const auto store = open(disk)) {
      for (bool runs = true; runs;) {
        const ObjectKey& key = kKeys[random() % kKeys.size()];
        const bool removes = random() % 4 == 0;
        const std::string value =
            removes ? kNothing : fmt::format("{} of life {} {}", random(), life, std::string(random() % 99, 'x'));
        runs = (removes ? (*store)->remove(key) : put(**store, value, key)).has_value();
        if (runs) allowed[key.key].clear();
        allowed[key.key].insert(value);
      }
    }
    const auto end = random() % 3;
    if (end == 0) disk.break_before(0);  // Only the program went.
    if (end == 1) disk.crash();
    if (end == 2) disk.crash_with_luck(random());
    const auto store = open(disk);
    if (!store) return "it cannot be opened: " + store.error().text();
    for (const ObjectKey& key : kKeys) {
      const std::string found = read(**store, key);
      if (!allowed[key.key].contains(found)) return fmt::format("seed {}: {} is \"{}\"", seed, key.key, found);
      if (end != 0) allowed[key.key] = {found};
    }
    if (disk.files().size() > kKeys.size()) return "a temporary file was left";
  }
  return {};
}

TEST(ObjectDurability, AThousandSeedsOfLives) {
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed)
    ASSERT_EQ(lives(seed), "");
}

TEST(ObjectDurability, AMissingSyncIsSeenInSomeOfThem) {
  // Of those that a first object needs; see EverySyncIsNeeded.
  std::size_t noticed = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed)
    noticed += lives(seed, 1 + seed % 12).empty() ? 0U : 1U;
  EXPECT_GT(noticed, 10U);
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
