#include "worker/work_directory.h"

#include <chrono>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

#include "unit/worker/temporary_directory.h"

namespace mito::worker {
namespace {

bool is_fresh(const WorkDirectory& directory) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(directory.root()))
    ++count;
  return count == 3 && std::filesystem::is_directory(directory.result()) &&
         std::filesystem::is_directory(directory.exec()) && std::filesystem::is_directory(directory.resource());
}

TEST(WorkDirectory, IsMadeResetAndRemoved) {
  const TemporaryDirectory parent;
  const auto root = parent.path() / "a" / "worker";
  {
    auto directory = WorkDirectory::create(root);
    ASSERT_TRUE(directory);
    EXPECT_TRUE(is_fresh(*directory));
    write_file(directory->result() / "f", "x");
    write_file(directory->new_task(), "{}");
    std::filesystem::remove(directory->resource());
    ASSERT_TRUE(directory->reset());
    EXPECT_TRUE(is_fresh(*directory));
    const auto inode = [&] {
      struct stat stat{};
      ::stat(directory->result().c_str(), &stat);
      return stat.st_ino;
    };
    const auto before = inode();
    ASSERT_TRUE(directory->reset());
    EXPECT_EQ(inode(), before) << "a clean directory is left alone";
  }
  EXPECT_FALSE(std::filesystem::exists(root));
}

TEST(WorkDirectory, GivesBackWhatATaskTookAway) {
  const TemporaryDirectory parent;
  auto directory = WorkDirectory::create(parent.path() / "worker");
  ASSERT_TRUE(directory);
  std::filesystem::create_directories(directory->exec() / "closed" / "inner");
  chmod((directory->exec() / "closed").c_str(), 0);
  std::filesystem::remove(directory->result());
  std::filesystem::create_symlink(parent.path(), directory->result());
  write_file(parent.path() / "mine", "must stay");
  ASSERT_TRUE(directory->reset());
  EXPECT_TRUE(is_fresh(*directory));
  EXPECT_EQ(read_file(parent.path() / "mine"), "must stay");
}

TEST(WorkDirectory, NamesTheRemedyWhenItCannotBeMade) {
  const auto directory = WorkDirectory::create("/proc/worker/x");
  ASSERT_FALSE(directory);
  EXPECT_NE(directory.error().text().find("--work-dir"), std::string::npos);
}

TEST(RemoveTree, RemovesWhatIsDeeperThanAnyPath) {
  const TemporaryDirectory parent;
  const auto top = parent.path() / "deep";
  ASSERT_EQ(mkdir(top.c_str(), 0700), 0);
  int at = open(top.c_str(), O_RDONLY | O_DIRECTORY);
  for (int level = 0; level < 500; ++level) {
    ASSERT_EQ(mkdirat(at, "directory", 0700), 0);
    const int next = openat(at, "directory", O_RDONLY | O_DIRECTORY);
    close(at);
    at = next;
  }
  close(at);
  EXPECT_TRUE(remove_tree(top));
  EXPECT_TRUE(std::filesystem::is_empty(parent.path()));
  EXPECT_TRUE(remove_tree(top)) << "nothing is there";
}

TEST(WorkDirectory, TellsWhatATaskHasLeft) {
  const TemporaryDirectory parent;
  auto directory = WorkDirectory::create(parent.path() / "worker");
  ASSERT_TRUE(directory);
  EXPECT_TRUE(directory->look().clean);
  write_file(directory->exec() / "f", "x");
  EXPECT_TRUE(directory->look().exec);
  EXPECT_FALSE(directory->look().result);
  EXPECT_FALSE(directory->look().clean);
  write_file(directory->new_task(), "x");
  EXPECT_TRUE(directory->look().new_task);
  ASSERT_TRUE(directory->reset());
  EXPECT_TRUE(directory->look().clean);
  // Another directory in the place of the one that was made, with something in it.
  std::filesystem::remove(directory->result());
  std::filesystem::create_directory(directory->result());
  EXPECT_FALSE(directory->look().clean);
  write_file(directory->result() / "f", "x");
  EXPECT_TRUE(directory->look().result);
  ASSERT_TRUE(directory->reset());
  EXPECT_TRUE(directory->look().clean);
  ::chmod(directory->result().c_str(), 0);
  EXPECT_FALSE(directory->look().clean);
}

/// Waits until the file system gives what is changed now another time than `place`.
void outlast(const std::filesystem::path& place, const std::filesystem::path& probe) {
  const auto changed = [](const std::filesystem::path& path) {
    struct stat stat{};
    EXPECT_EQ(::lstat(path.c_str(), &stat), 0);
    return std::pair(stat.st_ctim.tv_sec, stat.st_ctim.tv_nsec);
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  do
    write_file(probe, "x");
  while (changed(probe) == changed(place) && std::chrono::steady_clock::now() < deadline);
}

TEST(WorkDirectory, SeesWhatATaskLeavesAfterManyThatLeftNothing) {
  const TemporaryDirectory parent;
  const std::chrono::steady_clock::time_point begin{};
  for (const std::string_view place : {"result", "exec", "resource", "new_task.json", "."}) {
    auto directory = WorkDirectory::create(parent.path() / "worker");
    ASSERT_TRUE(directory);
    for (const int second : {0, 4, 5, 6})
      EXPECT_TRUE(directory->look(begin + std::chrono::seconds(second)).clean);
    outlast(directory->new_task().parent_path(), parent.path() / "probe");
    const auto file = directory->root() / place;
    if (place == ".")
      ::chmod(directory->result().c_str(), 0);
    else
      write_file(std::filesystem::is_directory(file) ? file / "f" : file, "x");
    const auto content = directory->look(begin + std::chrono::seconds(7));
    EXPECT_FALSE(content.clean) << place;
    EXPECT_EQ(content.result, place == "result");
    EXPECT_EQ(content.exec, place == "exec");
    EXPECT_EQ(content.new_task, place == "new_task.json");
    ASSERT_TRUE(directory->reset());
    EXPECT_TRUE(directory->look(begin + std::chrono::seconds(8)).clean) << place;
  }
}

TEST(WorkDirectory, HasAWorkingDirectoryWhereItIsWanted) {
  const TemporaryDirectory parent;
  auto plain = WorkDirectory::create(parent.path() / "plain");
  auto isolated = WorkDirectory::create(parent.path() / "isolated",
                                        {.working = WorkDirectorySettings::Working::kFresh, .owner = {}});
  ASSERT_TRUE(plain && isolated);
  EXPECT_TRUE(plain->working().empty());
  EXPECT_TRUE(std::filesystem::is_directory(isolated->working()));
  EXPECT_TRUE(isolated->look().clean);
  write_file(isolated->working() / "f", "x");
  EXPECT_FALSE(isolated->look().clean);
  ASSERT_TRUE(isolated->reset());
  EXPECT_TRUE(std::filesystem::is_empty(isolated->working()));
}

}  // namespace
}  // namespace mito::worker
