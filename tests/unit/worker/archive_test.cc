#include "worker/archive.h"

#include <array>
#include <memory>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/worker/temporary_directory.h"
#include "worker/output.h"

namespace mito::worker {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// `path` for files with their content, `path/` for directories, `path -> target` for links.
std::vector<std::string> list(const std::filesystem::path& file) {
  const std::unique_ptr<struct archive, decltype(&archive_read_free)> reader(archive_read_new(), archive_read_free);
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_gzip(reader.get());
  EXPECT_EQ(archive_read_open_filename(reader.get(), file.c_str(), 10'240), ARCHIVE_OK);
  std::vector<std::string> result;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    std::string text = archive_entry_pathname(entry);
    if (archive_entry_filetype(entry) == AE_IFLNK) text += std::string(" -> ") + archive_entry_symlink(entry);
    if (archive_entry_filetype(entry) == AE_IFREG) {
      std::string content(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
      EXPECT_EQ(archive_read_data(reader.get(), content.data(), content.size()),
                static_cast<la_ssize_t>(content.size()));
      text += ": " + content;
    }
    result.push_back(text);
  }
  return result;
}

class ArchiveTest : public ::testing::Test {
 protected:
  ArchiveTest() { std::filesystem::create_directory(tree()); }
  [[nodiscard]] std::filesystem::path tree() const { return directory_.path() / "tree"; }
  [[nodiscard]] std::filesystem::path file() const { return directory_.path() / "tree.tar.gz"; }
  TemporaryDirectory directory_;
};

TEST_F(ArchiveTest, SortsEntriesAndKeepsLinksAsLinks) {
  std::filesystem::create_directories(tree() / "d" / "e");
  std::filesystem::create_directory(tree() / "empty");
  write_file(tree() / "z", "last");
  write_file(tree() / "a", "first");
  write_file(tree() / "d" / "e" / "f", "deep");
  std::filesystem::create_symlink("a", tree() / "link");
  std::filesystem::create_symlink("../a", tree() / "d" / "up");
  std::filesystem::create_symlink("gone", tree() / "dangling");
  const auto archive = pack_directory(tree(), "result", file());
  ASSERT_TRUE(archive);
  EXPECT_THAT(archive->notes, IsEmpty());
  EXPECT_EQ(archive->size, std::filesystem::file_size(file()));
  EXPECT_THAT(list(file()), ElementsAre("result/", "result/a: first", "result/d/", "result/d/e/", "result/d/e/f: deep",
                                        "result/d/up -> ../a", "result/dangling -> gone", "result/empty/",
                                        "result/link -> a", "result/z: last"));
}

TEST_F(ArchiveTest, IsTheSameForTheSameTree) {
  write_file(tree() / "a", "text");
  ASSERT_TRUE(pack_directory(tree(), "result", file()));
  const auto first = read_file(file());
  ASSERT_TRUE(pack_directory(tree(), "result", file()));
  EXPECT_EQ(read_file(file()), first);
}

TEST_F(ArchiveTest, PacksTheContentOfLinksThatLeadOut) {
  std::filesystem::create_directory(directory_.path() / "outside");
  write_file(directory_.path() / "outside" / "f", "from outside");
  std::filesystem::create_symlink(directory_.path() / "outside" / "f", tree() / "file");
  std::filesystem::create_symlink("../outside", tree() / "folder");
  const auto archive = pack_directory(tree(), "result", file());
  ASSERT_TRUE(archive);
  EXPECT_THAT(list(file()),
              ElementsAre("result/", "result/file: from outside", "result/folder/", "result/folder/f: from outside"));
}

TEST_F(ArchiveTest, NamesWhatItLeavesOut) {
  std::filesystem::create_symlink("/no/such/place", tree() / "dangling");
  std::filesystem::create_symlink(tree(), tree() / "loop");
  ASSERT_EQ(mkfifo((tree() / "fifo").c_str(), 0600), 0);
  write_file(tree() / "good", "kept");
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (tree() / "socket").native().copy(&address.sun_path[0], sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  close(socket);
  const auto archive = pack_directory(tree(), "result", file());
  ASSERT_TRUE(archive);
  EXPECT_THAT(list(file()), ElementsAre("result/", "result/good: kept"));
  EXPECT_THAT(archive->notes, ElementsAre(HasSubstr("result/dangling: left out: the link leads to /no/such/place"),
                                          HasSubstr("result/fifo: left out"), HasSubstr("result/loop: leads back"),
                                          HasSubstr("result/socket: left out")));
}

TEST_F(ArchiveTest, BoundsItsNotes) {
  for (int i = 0; i < 30; ++i)
    ASSERT_EQ(mkfifo((tree() / std::to_string(i)).c_str(), 0600), 0);
  const auto archive = pack_directory(tree(), "result", file());
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->notes.size(), 21U);
  EXPECT_EQ(archive->notes.back(), "and 10 more");
}

TEST_F(ArchiveTest, TakesLongNames) {
  std::filesystem::path deep = tree();
  std::string name = "result";
  for (int i = 0; i < 4; ++i) {
    deep /= std::string(200, 'x');
    name += "/" + std::string(200, 'x');
    std::filesystem::create_directory(deep);
  }
  write_file(deep / "f", "far");
  ASSERT_TRUE(pack_directory(tree(), "result", file()));
  EXPECT_THAT(list(file()), Contains(name + "/f: far"));
}

TEST_F(ArchiveTest, FailsWhereItCannotWrite) {
  const auto archive = pack_directory(tree(), "result", directory_.path() / "none" / "x.tar.gz");
  ASSERT_FALSE(archive);
  EXPECT_EQ(archive.error().code(), ErrorCode::kIo);
}

TEST_F(ArchiveTest, PacksOutputAsTheOriginalDoes) {
  const auto out = write_stream(directory_.path() / "out", "hello\n");
  const auto err = write_stream(directory_.path() / "err", "");
  ASSERT_TRUE(out && err);
  ASSERT_TRUE(pack_output(*out, *err, file()));
  EXPECT_THAT(list(file()), ElementsAre("std-log/stdout.log: hello\n", "std-log/stderr.log: "));
}

TEST_F(ArchiveTest, EmptyMeansNoEntryAtAll) {
  EXPECT_FALSE(has_entries(tree()));
  EXPECT_FALSE(has_entries(tree() / "none"));
  std::filesystem::create_directory(tree() / "d");
  EXPECT_TRUE(has_entries(tree()));
}

TEST(LinkStaysInside, DecidesByTheText) {
  EXPECT_TRUE(link_stays_inside("a", "b"));
  EXPECT_TRUE(link_stays_inside("d/a", "../b"));
  EXPECT_TRUE(link_stays_inside("a", "d/../b"));
  EXPECT_TRUE(link_stays_inside("a", "./b/"));
  EXPECT_FALSE(link_stays_inside("a", "../b"));
  EXPECT_FALSE(link_stays_inside("d/a", "../../tree/b"));
  EXPECT_FALSE(link_stays_inside("a", "/b"));
  EXPECT_FALSE(link_stays_inside("a", ""));
}

}  // namespace
}  // namespace mito::worker
