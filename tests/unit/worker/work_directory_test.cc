#include "worker/work_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
