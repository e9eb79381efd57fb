#include "core/queue_ages.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace mito::core {
namespace {

using std::chrono::seconds;

Clock::Monotonic at(std::int64_t second) {
  return Clock::Monotonic(seconds(second));
}

TEST(QueueAges, TellsWhenTheOldestQueuedTaskWasSubmitted) {
  QueueAges ages;
  EXPECT_EQ(ages.oldest(), std::nullopt);
  for (const std::int64_t id : {1, 2, 3}) {
    ages.submitted(TaskId{id}, at(10 * id));
    ages.add(TaskId{id});
  }
  EXPECT_EQ(ages.oldest(), at(10));
  ages.remove(TaskId{2});
  EXPECT_EQ(ages.oldest(), at(10));
  ages.remove(TaskId{1});
  EXPECT_EQ(ages.oldest(), at(30));
  ages.add(TaskId{1});  // It comes back.
  EXPECT_EQ(ages.oldest(), at(10));
  ages.remove(TaskId{1});
  ages.remove(TaskId{3});
  EXPECT_EQ(ages.oldest(), std::nullopt);
}

TEST(QueueAges, ATaskThatWasToldOfBeforeMovesNoOther) {
  QueueAges ages;
  for (std::int64_t id = 1; id <= 10; ++id) {
    ages.submitted(TaskId{id}, at(0));
    ages.add(TaskId{id});
  }
  ages.remove(TaskId{5});
  ages.submitted(TaskId{5}, at(60));
  ages.add(TaskId{5});
  for (std::int64_t id = 1; id <= 10; ++id) {
    EXPECT_EQ(ages.oldest(), at(0));
    ages.remove(TaskId{id});
  }
  EXPECT_EQ(ages.oldest(), std::nullopt);
}

TEST(QueueAges, ALaterTaskIsNeverOlder) {
  QueueAges ages;
  // As after a start: what is told of a task is when it was last changed.
  ages.submitted(TaskId{1}, at(50));
  ages.add(TaskId{1});
  ages.submitted(TaskId{2}, at(40));
  ages.add(TaskId{2});
  EXPECT_EQ(ages.oldest(), at(40));
}

TEST(QueueAges, ManyTasksTakeFewSpans) {
  QueueAges ages;
  for (std::int64_t id = 1; id <= 100'000; ++id) {
    ages.submitted(TaskId{id}, at(id));
    ages.add(TaskId{id});
  }
  EXPECT_LE(ages.spans(), 512U);
  EXPECT_EQ(ages.oldest(), at(1));
  for (std::int64_t id = 1; id <= 90'000; ++id)
    ages.remove(TaskId{id});
  // It is 100,000 now.
  ASSERT_TRUE(ages.oldest());
  EXPECT_LE(*ages.oldest(), at(90'001));
  EXPECT_GE(*ages.oldest(), at(90'001 - 10'000 / 16));
}

TEST(QueueAges, CountsRightlyInAnyOrder) {
  std::mt19937 random(7);
  QueueAges ages;
  std::map<std::int64_t, std::int64_t> queued;
  std::int64_t last = 0;
  for (std::int64_t step = 1; step <= 50'000; ++step) {
    if (random() % 2 == 0 || queued.empty()) {
      const std::int64_t id = last > 0 && random() % 4 == 0 ? 1 + static_cast<std::int64_t>(random() % last) : ++last;
      if (queued.contains(id)) continue;
      ages.submitted(TaskId{id}, at(step));
      ages.add(TaskId{id});
      queued.emplace(id, step);
    } else {
      auto any = queued.lower_bound(1 + static_cast<std::int64_t>(random() % last));
      if (any == queued.end()) any = queued.begin();
      ages.remove(TaskId{any->first});
      queued.erase(any);
    }
    ASSERT_EQ(ages.oldest().has_value(), !queued.empty());
  }
  while (!queued.empty()) {
    ages.remove(TaskId{queued.begin()->first});
    queued.erase(queued.begin());
  }
  EXPECT_EQ(ages.oldest(), std::nullopt);
}

}  // namespace
}  // namespace mito::core
