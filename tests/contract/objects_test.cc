#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/objects/disk_object_store.h"
#include "storage/objects/memory_object_store.h"
#include "storage/objects/open.h"
#include "support/forgetful_file_system.h"

// What every store whose bytes go through the coordinator does.
namespace mito::storage {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr std::uint64_t kCapacity = 10'000'000;

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return Timestamp(seconds(1'000'000)); }
  [[nodiscard]] Monotonic monotonic() const override { return {}; }
};

/// A store and what it stands on.
struct Place {
  security::ObjectUrlSigner signer{std::string(32, 's')};
  FixedClock clock;
  mito::testing::ForgetfulFileSystem disk;
  std::filesystem::path directory;
  std::unique_ptr<LocalObjectStore> store;

  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    store.reset();
    if (!directory.empty()) std::filesystem::remove_all(directory);
  }
};

struct Kind {
  const char* name;
  std::function<void(Place&)> open;
};
void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

void open_memory(Place& place) {
  place.store = std::make_unique<MemoryObjectStore>(kCapacity, place.signer, place.clock);
}

void open_disk(Place& place) {
  std::string pattern = (std::filesystem::temp_directory_path() / "mito-objects-XXXXXX").string();
  place.directory = ::mkdtemp(pattern.data());
  place.store = open_disk_objects(place.directory / "a" / "b", place.signer, 0, place.clock).value();
}

void open_simulated_disk(Place& place) {
  place.disk.set_capacity(kCapacity);
  place.store = DiskObjectStore::open({.root = "/data/objects"}, place.signer, place.clock, place.disk).value();
}

class Objects : public ::testing::TestWithParam<Kind> {
 protected:
  Objects() { GetParam().open(place_); }

  LocalObjectStore& store() { return *place_.store; }
  void put(const ObjectKey& key, const std::string& bytes) {
    auto upload = store().begin_upload(key, bytes.size());
    ASSERT_TRUE(upload) << upload.error().text();
    ASSERT_TRUE((*upload)->write(bytes));
    auto committed = (*upload)->commit();
    ASSERT_TRUE(committed) << committed.error().text();
  }
  static std::string read(ObjectReader& reader) {
    std::string bytes(reader.size(), '\0');
    for (std::size_t have = 0; have < bytes.size();) {
      const auto count = reader.read_at(have, bytes.data() + have, bytes.size() - have).value();
      if (count == 0) return "ended early";
      have += count;
    }
    return bytes;
  }
  std::string get(const ObjectKey& key) {
    auto reader = store().open(key).value();
    return reader ? read(*reader) : "no such object";
  }

  Place place_;
};

const ObjectKey kKey{Bucket::kAttachments, "group/data.bin"};

TEST_P(Objects, GiveBackWhatWasPut) {
  EXPECT_EQ(get(kKey), "no such object");
  EXPECT_EQ(store().size(kKey).value(), std::nullopt);
  put(kKey, "some bytes");
  EXPECT_EQ(get(kKey), "some bytes");
  EXPECT_EQ(store().size(kKey).value(), 10U);
  put(kKey, "");
  EXPECT_EQ(get(kKey), "");
  EXPECT_EQ(store().size(kKey).value(), 0U);
}

TEST_P(Objects, AreReadFromAnyPlace) {
  put(kKey, "0123456789");
  auto reader = store().open(kKey).value();
  std::string buffer(4, '-');
  EXPECT_EQ(reader->read_at(3, buffer.data(), 4).value(), 4U);
  EXPECT_EQ(buffer, "3456");
  EXPECT_EQ(reader->read_at(8, buffer.data(), 4).value(), 2U);
  EXPECT_EQ(buffer, "8956");
  EXPECT_EQ(reader->read_at(10, buffer.data(), 4).value(), 0U);
  EXPECT_EQ(reader->read_at(1'000'000, buffer.data(), 4).value(), 0U);
}

TEST_P(Objects, MayHaveAnyKey) {
  const std::vector<std::string> keys{"a",
                                      "a/b",
                                      "a/b/..",
                                      "a/..",
                                      "",
                                      "/",
                                      "../../etc/passwd",
                                      ".",
                                      "tmp",
                                      "A",
                                      "a\\b",
                                      "ä€",
                                      "%2F",
                                      std::string(5000, 'k'),
                                      "\n",
                                      std::string("a\0b", 3),
                                      "a/",
                                      std::string(3000, '/')};
  for (const auto& key : keys)
    put({Bucket::kArtifacts, key}, "artifact " + key);
  for (const auto& key : keys)
    put({Bucket::kAttachments, key}, "attachment " + key);
  for (const auto& key : keys) {
    EXPECT_EQ(get({Bucket::kArtifacts, key}), "artifact " + key);
    EXPECT_EQ(get({Bucket::kAttachments, key}), "attachment " + key);
  }
}

TEST_P(Objects, AreGoneWhenRemoved) {
  put(kKey, "bytes");
  put({Bucket::kArtifacts, kKey.key}, "other");
  EXPECT_TRUE(store().remove(kKey));
  EXPECT_EQ(get(kKey), "no such object");
  EXPECT_EQ(get({Bucket::kArtifacts, kKey.key}), "other");
  EXPECT_TRUE(store().remove(kKey)) << "a missing object is no error";
  put(kKey, "again");
  EXPECT_EQ(get(kKey), "again");
}

TEST_P(Objects, KeepTheirBytesForOpenReaders) {
  put(kKey, "first");
  auto first = store().open(kKey).value();
  put(kKey, "second, longer");
  auto second = store().open(kKey).value();
  ASSERT_TRUE(store().remove(kKey));
  EXPECT_EQ(read(*first), "first");
  EXPECT_EQ(read(*second), "second, longer");
}

TEST_P(Objects, AppearOnlyWhenCommitted) {
  auto upload = store().begin_upload(kKey, 6).value();
  ASSERT_TRUE(upload->write("abc"));
  EXPECT_EQ(get(kKey), "no such object");
  ASSERT_TRUE(upload->write("def"));
  EXPECT_EQ(get(kKey), "no such object");
  ASSERT_TRUE(upload->commit());
  EXPECT_EQ(get(kKey), "abcdef");
  auto broken = store().begin_upload(kKey, 6).value();
  ASSERT_TRUE(broken->write("xyz"));
  broken.reset();
  EXPECT_EQ(get(kKey), "abcdef");
}

TEST_P(Objects, MustHaveTheAnnouncedLength) {
  auto shorter = store().begin_upload(kKey, 4).value();
  ASSERT_TRUE(shorter->write("abc"));
  auto committed = shorter->commit();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code(), ErrorCode::kInvalidRequest);
  EXPECT_EQ(committed.error().text(), "3 bytes came of the 4 that were announced");

  auto longer = store().begin_upload(kKey, 4).value();
  ASSERT_TRUE(longer->write("abcd"));
  auto written = longer->write("e");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kInvalidRequest);
  EXPECT_FALSE(longer->commit());
  EXPECT_EQ(get(kKey), "no such object");
}

TEST_P(Objects, OfManyThreadsDoNotMix) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int j = 0; j < 10; ++j)
        put({Bucket::kArtifacts, std::to_string(i)}, std::string(1000, static_cast<char>('a' + i)) + std::to_string(j));
    });
  }
  for (auto& thread : threads)
    thread.join();
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(get({Bucket::kArtifacts, std::to_string(i)}), std::string(1000, static_cast<char>('a' + i)) + "9");
}

TEST_P(Objects, AreSweptWhenNobodyKnowsThemAndTheyAreOld) {
  const ObjectKey known{Bucket::kArtifacts, "known"};
  const ObjectKey orphan{Bucket::kArtifacts, "orphan"};
  const ObjectKey other{Bucket::kAttachments, "known"};
  for (const ObjectKey& key : {known, orphan, other})
    put(key, key.key);
  const std::vector<std::uint64_t> prints{store().fingerprint(known)};
  const Timestamp long_ago(seconds(0));
  const Timestamp far_away(seconds(10'000'000'000));
  EXPECT_EQ(store().sweep(prints, long_ago, {}).value(), 0U);
  EXPECT_EQ(get(orphan), "orphan");
  EXPECT_EQ(store().sweep(prints, far_away, {}).value(), 2U);
  EXPECT_EQ(get(known), "known");
  EXPECT_EQ(get(orphan), "no such object");
  EXPECT_EQ(get(other), "no such object");
  put(orphan, "again");
  EXPECT_EQ(get(orphan), "again");
}

TEST_P(Objects, HaveSignedUrls) {
  const auto verify = [this](const std::string& method, const std::string& url) {
    EXPECT_THAT(url, ::testing::StartsWith("http://host:1/objects/"));
    const auto question = url.find('?');
    const auto path = url.substr(std::string("http://host:1").size(), question - std::string("http://host:1").size());
    return place_.signer.verify(method, path, url.substr(question + 1), 1'000'000).value();
  };
  const ObjectKey key{Bucket::kAttachments, "group/a b/../ü"};
  auto upload = verify("PUT", store().upload_url(key, 17, seconds(60), "http://host:1").value());
  EXPECT_EQ(upload.bucket, "attachments");
  EXPECT_EQ(upload.key, key.key);
  EXPECT_EQ(upload.length, 17U);
  EXPECT_EQ(upload.expires_at, 1'000'060);
  auto download = verify("GET", store().download_url(key, seconds(90), "http://host:1").value());
  EXPECT_EQ(download.key, key.key);
  EXPECT_EQ(download.length, std::nullopt);
  EXPECT_EQ(download.expires_at, 1'000'090);
  auto refused = store().upload_url(key, std::numeric_limits<std::uint64_t>::max(), seconds(60), "http://host:1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUploadRefused);
  EXPECT_EQ(refused.error().text(), "Invalid content length -1");
}

INSTANTIATE_TEST_SUITE_P(Stores, Objects,
                         ::testing::Values(Kind{"Memory", open_memory}, Kind{"Disk", open_disk},
                                           Kind{"SimulatedDisk", open_simulated_disk}),
                         [](const auto& of) { return of.param.name; });

/// Stores whose room is known.
class Room : public Objects {};

TEST_P(Room, IsClaimedByUploadsAndGivenBack) {
  auto first = store().begin_upload(kKey, kCapacity - 100).value();
  auto second = store().begin_upload(kKey, 200);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kStorageFull);
  first.reset();
  EXPECT_TRUE(store().begin_upload(kKey, 200));
  for (auto length : {kCapacity + 1, std::numeric_limits<std::uint64_t>::max()}) {
    auto huge = store().begin_upload(kKey, length);
    ASSERT_FALSE(huge);
    EXPECT_EQ(huge.error().code(), ErrorCode::kStorageFull);
  }
  EXPECT_TRUE(store().begin_upload(kKey, 200));
}

INSTANTIATE_TEST_SUITE_P(Stores, Room,
                         ::testing::Values(Kind{"Memory", open_memory}, Kind{"SimulatedDisk", open_simulated_disk}),
                         [](const auto& of) { return of.param.name; });

TEST(OpenObjects, GoesByTheScheme) {
  const security::ObjectUrlSigner signer(std::string(32, 's'));
  std::string pattern = (std::filesystem::temp_directory_path() / "mito-objects-XXXXXX").string();
  const std::filesystem::path directory = ::mkdtemp(pattern.data());
  auto disk = open_objects("file:" + (directory / "new" / "").string(), signer, 0);
  ASSERT_TRUE(disk) << disk.error().text();
  EXPECT_EQ((*disk)->describe(), "file:" + (directory / "new").string());
  EXPECT_EQ(open_objects("memory:", signer, 0).value()->describe(), "memory:");
  for (const auto* url : {"", "file:", "s4://x", "/tmp"}) {
    auto none = open_objects(url, signer, 0);
    ASSERT_FALSE(none) << url;
    EXPECT_EQ(none.error().code(), ErrorCode::kUsage);
    EXPECT_THAT(none.error().text(), HasSubstr("use file:<directory> or memory:"));
  }
  auto forbidden = open_objects("file:/proc/objects", signer, 0);
  ASSERT_FALSE(forbidden);
  EXPECT_THAT(forbidden.error().text(), HasSubstr("/proc/objects"));
  std::filesystem::remove_all(directory);
}

TEST(Buckets, HaveNames) {
  EXPECT_EQ(to_string(Bucket::kArtifacts), "artifacts");
  EXPECT_EQ(parse_bucket("attachments"), Bucket::kAttachments);
  EXPECT_EQ(parse_bucket("Artifacts"), std::nullopt);
}

}  // namespace
}  // namespace mito::storage
