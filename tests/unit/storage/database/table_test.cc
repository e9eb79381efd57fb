#include "storage/database/memory/table.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace mito::storage::memory {
namespace {

struct Lengths {
  std::multiset<std::size_t> all;
  void add(int, const std::string& row) { all.insert(row.size()); }
  void remove(int, const std::string& row) { all.erase(all.find(row.size())); }
};
using Words = Table<int, std::string, Lengths>;

std::string text(const Words& words) {
  std::string all;
  for (const auto& [key, row] : words.rows())
    all += std::to_string(key) + *row + " ";
  return all;
}

TEST(MemoryTable, UndoTakesChangesBackInReverse) {
  Words words;
  words.put(1, "one");
  words.put(2, "two");
  const std::size_t mark = words.mark();
  words.put(1, "uno");
  words.put(1, "eins!");
  words.erase(2);
  words.put(3, "three");
  words.erase(3);
  words.erase(99);
  words.undo_to(mark);
  EXPECT_EQ(text(words), "1one 2two ");
  EXPECT_EQ(words.index().all, (std::multiset<std::size_t>{3, 3}));
  words.undo_to(0);
  EXPECT_EQ(text(words), "");
  EXPECT_TRUE(words.index().all.empty());
}

TEST(MemoryTable, PublishRepeatsTheLastStateOfEachRow) {
  Words working;
  Words committed;
  working.put(1, "one");
  working.put(2, "two");
  working.publish_to(committed);
  EXPECT_EQ(text(committed), "1one 2two ");
  working.update(1, [](std::string& row) { row += "!"; });
  working.erase(2);
  working.put(2, "again");
  working.put(3, "three");
  working.erase(3);
  EXPECT_EQ(text(committed), "1one 2two ");
  working.publish_to(committed);
  EXPECT_EQ(text(committed), "1one! 2again ");
  EXPECT_EQ(committed.index().all, (std::multiset<std::size_t>{4, 5}));
  working.undo_to(0);
  EXPECT_EQ(text(working), text(committed));
}

}  // namespace
}  // namespace mito::storage::memory
